"""Every sentence and picture of the README that a test can verify."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from claudemeter_tui.formatting.report import BODY_ENDPOINTS
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.tui.screens.help import VERDICT_MEANINGS
from tests import readme

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["keys", "flags", "settings", "placeholders"])
def test_tables_match_the_program(name: str) -> None:
    """The tables list the keys, flags and settings of the program."""
    assert f"<!-- {name} -->\n{readme.blocks()[name]}<!-- /{name} -->" in TEXT


def test_pictures_are_accepted_snapshots() -> None:
    """Every picture of the README is one that a test compares with the program."""
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert len(pictures) >= 5
    for picture in pictures:
        assert picture.startswith("snapshots/")
        assert (ROOT / picture).is_file()


def test_commands_are_in_the_code_blocks_that_the_gate_runs() -> None:
    """One command opens the demo and one runs the tests, each with its complete setup."""
    demo, tests = (re.search(rf"<!-- {name} -->\n```sh\n(.+)\n```", TEXT) for name in ("demo", "tests"))
    assert demo is not None
    assert demo[1].startswith("python3 -m venv .venv && ")
    assert demo[1].endswith("claudemeter-tui --demo")
    assert tests is not None
    assert tests[1] == "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"


def test_verdicts_match_the_help() -> None:
    """The README explains the verdicts in the help's words."""
    for name, meaning in VERDICT_MEANINGS:
        assert f"| {name} | {meaning} |" in TEXT


def test_troubleshooting_uses_the_titles_of_the_screen() -> None:
    """A symptom in quotes that is a problem's title is written as on screen."""
    named = set(re.findall(r'"([^"]+)"', TEXT))
    for trouble in (
        ErrorKind.EXPIRED,
        ErrorKind.CHALLENGE,
        ErrorKind.THROTTLED,
        ErrorKind.NEW_FIELD,
        ErrorKind.DNS,
    ):
        assert str(trouble) in named


def test_replies_have_their_names_in_the_program() -> None:
    """Replies in the JSON have the names of their keys, those in the details the names of their tabs."""
    words = " ".join(TEXT.split())
    assert f"with four replies of each ({', '.join(BODY_ENDPOINTS)}) as the server sent them" in words
    assert len(BODY_ENDPOINTS) == 4
    assert f"has a tab of its own: {', '.join(Endpoint)}. " in words


def test_status_bar_examples_name_the_path_of_the_command() -> None:
    """The README names the full path, because status bars do not search the folder of the install."""
    installed = re.search(r"&& (\S+)/claudemeter-tui --demo\n", TEXT)
    assert installed is not None
    _, bars, told = TEXT.partition("In tmux: ")
    assert bars
    assert f"puts the command into `{installed[1]}`" in told


def test_local_links_are_valid() -> None:
    """No link within the repository is dead."""
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists()

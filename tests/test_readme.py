"""Every sentence and picture of the README that can be held to the truth is."""

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
def test_table_is_what_the_program_has(name: str) -> None:
    """Keys, flags and settings stand there as they are bound, parsed and read."""
    assert f"<!-- {name} -->\n{readme.blocks()[name]}<!-- /{name} -->" in TEXT


def test_pictures_are_accepted_snapshots() -> None:
    """Every picture is one that a test compares with the program."""
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert len(pictures) >= 5
    for picture in pictures:
        assert picture.startswith("snapshots/")
        assert (ROOT / picture).is_file()


def test_commands_stand_where_the_gate_looks() -> None:
    """One command opens the demo and one passes the tests, each set up from nothing."""
    demo, tests = (re.search(rf"<!-- {name} -->\n```sh\n(.+)\n```", TEXT) for name in ("demo", "tests"))
    assert demo is not None
    assert demo[1].startswith("python3 -m venv .venv && ")
    assert demo[1].endswith("claudemeter-tui --demo")
    assert tests is not None
    assert tests[1] == "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"


def test_verdicts_are_those_of_the_help() -> None:
    """The README explains the verdicts in the help's words."""
    for name, meaning in VERDICT_MEANINGS:
        assert f"| {name} | {meaning} |" in TEXT


def test_troubleshooting_names_troubles_as_the_screen_does() -> None:
    """A symptom in quotes that is a trouble's name is written as it is shown."""
    named = set(re.findall(r'"([^"]+)"', TEXT))
    for trouble in (
        ErrorKind.EXPIRED,
        ErrorKind.CHALLENGE,
        ErrorKind.THROTTLED,
        ErrorKind.NEW_FIELD,
        ErrorKind.DNS,
    ):
        assert str(trouble) in named


def test_replies_are_named_as_they_are_called() -> None:
    """Those of the JSON by their keys, those of the details by their tabs."""
    words = " ".join(TEXT.split())
    assert f"with four replies of each ({', '.join(BODY_ENDPOINTS)}) as the server sent them" in words
    assert len(BODY_ENDPOINTS) == 4
    assert f"has a tab of its own: {', '.join(Endpoint)}. " in words


def test_status_bars_are_told_where_the_command_is() -> None:
    """The install puts it where no bar looks."""
    installed = re.search(r"&& (\S+)/claudemeter-tui --demo\n", TEXT)
    assert installed is not None
    _, bars, told = TEXT.partition("In tmux: ")
    assert bars
    assert f"puts the command into `{installed[1]}`" in told


def test_local_links_lead_somewhere() -> None:
    """No link within the repository is dead."""
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists()

"""Every sentence and picture of the README that a test can verify."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from claudemeter_tui import cli
from claudemeter_tui.browsers.folders import BROWSERS, BrowserFamily
from claudemeter_tui.config.actions import (
    ACTION_FLAGS,
    DESCRIPTION,
    EXTENSION_STEPS,
    Action,
    build_flag_parser,
)
from claudemeter_tui.extension.identity import read_extension_manifest
from claudemeter_tui.extension.install import HOST_COMMAND
from claudemeter_tui.extension.manifests import MANIFEST_NAME
from claudemeter_tui.formatting.report import BODY_ENDPOINTS
from claudemeter_tui.history.database import ARCHIVE_NAME, DAMAGED_SUFFIX
from claudemeter_tui.history.recorder import MAX_WAITING_STEPS
from claudemeter_tui.history.repair import MAX_MOVED_FILES
from claudemeter_tui.model.catalogue import DISABLED_REASONS, Cause, CreditState, Endpoint
from claudemeter_tui.model.reading import ErrorKind, name_session
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.settings import SETTINGS, Setting
from claudemeter_tui.storage import EXTENSION_FOLDER_NAME
from claudemeter_tui.tui.screens.help import VERDICT_MEANINGS
from tests import readme
from tests.test_borders import MODULES

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["keys", "flags", "settings", "placeholders", "metrics"])
def test_tables_match_the_program(name: str) -> None:
    """Keys, flags and settings are listed as the program has them; a failure names the rows."""
    found = re.search(rf"<!-- {name} -->\n(.*)<!-- /{name} -->", TEXT, re.DOTALL)
    assert found is not None
    rows, needed = found[1].splitlines(), readme.blocks()[name].splitlines()
    missing, stale = [row for row in needed if row not in rows], [row for row in rows if row not in needed]
    assert (missing, stale) == ([], []), "python -m tests.readme writes the tables anew"
    assert rows == needed


def test_purpose_is_that_of_the_help() -> None:
    """The questions at the top are those of `--help`, the manual and the package."""
    questions = " ".join(re.findall(r"^[1-3]\. (.*\?)$", TEXT, re.MULTILINE)[:3])
    assert questions == DESCRIPTION
    assert DESCRIPTION in (ROOT / "pyproject.toml").read_text("utf-8")


def test_every_flag_is_in_a_table() -> None:
    """Every flag that the program takes, whatever part of the program adds it."""
    taken = {name for one in build_flag_parser()._actions for name in one.option_strings}
    listed = set(re.findall(r"^\| .*?`(--[a-z-]+)", TEXT, re.MULTILINE))
    assert sorted(taken - {"-h", "--help"} - listed) == []


def test_every_exit_status_is_in_the_table() -> None:
    """Every constant of a command that is called EXIT_…, and no other number."""
    modules = [import_module(name) for name in MODULES if name.split(".")[1:2] in (["cli"], ["commands"])]
    constants = {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("EXIT_")
    }
    statuses = {
        status: name
        for name, value in constants.items()
        for status in (value.values() if isinstance(value, dict) else [value])
    }
    assert len(statuses) >= 9
    _, _, table = TEXT.partition("| exit status |")
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert {name: status for status, name in statuses.items() if status not in listed} == {}
    assert listed - statuses.keys() == set()


def test_every_setting_and_action_is_used() -> None:
    """A row alone does nothing: each value is read somewhere, and each action has a flag and a command."""
    source = "\n".join(path.read_text("utf-8") for path in MODULES.values())
    assert [one.field_name for one in SETTINGS if not _is_used(one, source)] == []
    assert set(Action) - cli._COMMANDS.keys() == set()
    assert {*Action} - {flag.name for flag in ACTION_FLAGS} == {Action.DASHBOARD}
    values = [flag.name.lstrip("-") for flag in ACTION_FLAGS if flag.name not in {*Action} or flag.metavar]
    assert [name for name in values if not re.search(rf"flags\.{name}\b", source)] == []


def _is_used(setting: Setting, source: str) -> bool:
    """Return True if some code reads the field of `Settings`, or the resolved value by its key."""
    read = rf"(chosen|options|settings)\.{setting.field_name}\b|resolved\[\"{setting.key}\"\]"
    return re.search(read, source) is not None


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


def test_values_of_metric_labels_are_those_of_the_program() -> None:
    """The states and the causes that a metric can have are listed, and no others."""
    section = TEXT.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    states, causes = (
        re.findall(r"`(\w+)`", section.partition(f"- **{name}.**")[2].partition("\n- **")[0])
        for name in ("States", "Causes")
    )
    assert states == ["state", *VerdictState, "state", *CreditState]
    locking = {reason.cause for reason in DISABLED_REASONS.values()}
    assert set(causes) == {"cause", *locking, Cause.CAP, Cause.OUT_OF_CREDITS, Cause.PAUSED}


def test_verdicts_match_the_help() -> None:
    """The README explains the verdicts in the help's words."""
    for _, name, meaning in VERDICT_MEANINGS:
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
        ErrorKind.ARCHIVE_FAILED,
        ErrorKind.ARCHIVE_DAMAGED,
    ):
        assert str(trouble) in named


def test_browser_extension_is_described_as_it_is() -> None:
    """Browsers, permissions, names and addresses of the section are those of the program."""
    _, heading, section = TEXT.partition("\n### Browser extension\n")
    assert heading
    words = " ".join(section.partition("\n## ")[0].split())
    *others, last = [browser.name for browser in BROWSERS if browser.family is BrowserFamily.CHROMIUM]
    manifest = read_extension_manifest()
    for part in (
        f"It works with {', '.join(others)} and {last}:",
        f"permissions are {' and '.join(f'`{name}`' for name in manifest['permissions'])}, and access to",
        *(f"access to `{site}`" for site in manifest["host_permissions"]),
        f'remove "{manifest["name"]}" on the browser\'s page of extensions',
        f"(`{EXTENSION_FOLDER_NAME}` in your data folder)",
        f"the file `{MANIFEST_NAME}` of each browser",
        f"starts `{HOST_COMMAND}`, a part of this program",
        f'as "{name_session("Chrome", 1).label}"',
    ):
        assert part in words
    assert all(f"--extension {step}" in words for step in EXTENSION_STEPS)


def test_replies_have_their_names_in_the_program() -> None:
    """Replies in the JSON have the names of their keys, those in the details the names of their tabs."""
    words = " ".join(TEXT.split())
    assert f"has four replies ({', '.join(BODY_ENDPOINTS)}) as the server sent them" in words
    assert len(BODY_ENDPOINTS) == 4
    assert f"has a tab of its own: {', '.join(Endpoint)}. " in words


def test_history_has_the_limits_of_the_program() -> None:
    """Names, days, sizes and counts of the section about the history are those of the code."""
    _, heading, section = TEXT.partition("\n## History: ")
    assert heading
    words = " ".join(section.partition("\n## ")[0].split())
    defaults = {setting.key: setting.default for setting in SETTINGS}
    for part in (
        f"kept for {defaults['history.replies_days']} days (`history.replies_days`)",
        f"exceed {defaults['history.max_mb']} MB (`history.max_mb`)",
        f"the last {MAX_WAITING_STEPS} readings",
        f"renamed to `{ARCHIVE_NAME}{DAMAGED_SUFFIX}-` and the date",
        f"The last {MAX_MOVED_FILES} of such files",
        "`claudemeter-tui --forget ORG`",
        "`history.enabled = false`",
    ):
        assert part in words
    assert defaults["history.enabled"] is True


def test_status_bar_examples_name_the_path_of_the_command() -> None:
    """The README names the full path, because status bars do not search the folder of the install."""
    installed = re.search(r"&& (\S+)/claudemeter-tui --demo\n", TEXT)
    assert installed is not None
    _, heading, section = TEXT.partition("\n## Status bars\n")
    assert heading
    assert f"the command of a clone is in `{installed[1]}`" in " ".join(section.split())


def test_local_links_are_valid() -> None:
    """No link within the repository is dead."""
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists()

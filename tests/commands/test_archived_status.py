"""The line from the archive: printed without a poll and without the model, as long as nothing has changed."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.commands import archived_status
from claudemeter_tui.commands.archived_status import print_archived, remember_request
from claudemeter_tui.commands.status import StatusRequest, answer_request
from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE
from claudemeter_tui.history.database import locate_archive, open_for_writing
from claudemeter_tui.storage import locate_config_file
from tests.bodies import usage_body
from tests.commands.status_bar import LINE, keep, stop_clock
from tests.scenes import INTERVAL, NOW, PERSONAL, READ, TEAM, OrgBodies, readings

TEXT = "67% 41% $17.20/50 · Personal"


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, in the zone in which the texts are."""
    monkeypatch.setenv("TZ", "UTC")
    stop_clock(monkeypatch, NOW)


def test_output_is_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """The same command prints the same line."""
    keep()
    assert print_archived(LINE) == 0
    assert capsys.readouterr() == (f"{TEXT}\n", "")


@pytest.mark.parametrize("style", [("--json",), ("--color", "tmux"), ("--color", "ansi")])
def test_styles_are_repeated(style: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and colours are those of the run that polled."""
    arguments = (*LINE, *style)
    keep(TEAM, arguments=arguments)
    chosen = load_settings(arguments, os.environ, locate_config_file())
    asked = StatusRequest(
        lambda: NOW, lambda: list(readings(TEAM)), INTERVAL, None, DEFAULT_TEMPLATE, chosen.line_style
    )
    polled = answer_request(asked, None, lambda _: None)
    assert polled.text not in ("", TEXT)
    assert print_archived(arguments) == 0
    assert capsys.readouterr() == (f"{polled.text}\n", "")


def test_check_exits_with_the_verdict_of_the_worst_org(capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` has no template; its status is that of the worst org, which `--org` narrows."""
    keep(PERSONAL, TEAM, arguments=("--check",), template=None)
    assert print_archived(("--check",)) == 30
    assert capsys.readouterr().out.startswith("BLOCKED  your monthly cap is reached")
    keep(PERSONAL, TEAM, arguments=("--check", "--org", "personal"), template=None)
    assert print_archived(("--check", "--org", "personal")) == 0
    assert capsys.readouterr().out.startswith("CAN WORK  5-hour 67%")


@pytest.mark.parametrize("arguments", [("--check",), ("--line", "--org", "2"), ("--once",), ()])
def test_other_arguments_have_their_own_output(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments that no run has resolved are resolved first."""
    keep()
    assert print_archived(arguments) is None
    assert capsys.readouterr().out == ""


def test_unknown_org_is_left_to_the_run_that_explains_it() -> None:
    """Only the other path knows the error."""
    keep(arguments=("--line", "--org", "Persnal"))
    assert print_archived(("--line", "--org", "Persnal")) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLAUDEMETER_COOKIE", "sessionKey=another"),
        ("CLAUDEMETER_INTERVAL", "90"),
        ("TZ", "Asia/Tokyo"),
        ("LC_ALL", "C"),
    ],
)
def test_other_environment_has_its_own_output(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the environment prevents the repetition."""
    keep()
    monkeypatch.setenv(name, value)
    assert print_archived(LINE) is None


def test_changed_config_file_prevents_the_repetition() -> None:
    """A change of the config file counts from the first run on."""
    keep()
    assert print_archived(LINE) == 0
    locate_config_file().parent.mkdir(parents=True)
    locate_config_file().write_text("interval = 90\n")
    assert print_archived(LINE) is None


@pytest.mark.parametrize("change", [lambda file: os.utime(file, (1, 1)), Path.unlink])
def test_changed_cookie_file_prevents_the_repetition(
    change: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another session may be in the file, or none."""
    file = tmp_path / "key"
    file.write_text("sk-ant-sid01-PLANTED-MARKER")
    arguments = ("--line", "--cookie-file", str(file))
    keep(arguments=arguments)
    assert print_archived(arguments) is None, "the file may have changed while the run was reading it"
    monkeypatch.setattr(archived_status, "STARTED_AT", time.time_ns() + 60 * 10**9)
    keep(arguments=arguments)
    assert print_archived(arguments) == 0
    change(file)
    assert print_archived(arguments) is None


@pytest.mark.parametrize("seconds", [-3600.0, -1.0, 42.0])
def test_expired_output_is_not_repeated(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that may have changed, or come from the future after a clock change, are not repeated."""
    keep()
    stop_clock(monkeypatch, NOW + timedelta(seconds=seconds))
    assert print_archived(LINE) is None


@pytest.mark.parametrize("fraction", [0.0, 0.0004, 0.0005, 0.0009996, 0.9999996])
def test_output_is_repeated_within_the_same_instant(fraction: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored time is never after the current one, whatever the fraction of a second."""
    moment = datetime.fromtimestamp(int(NOW.timestamp()) + fraction, UTC)
    keep(now=moment)
    stop_clock(monkeypatch, moment)
    assert print_archived(LINE) == 0


def test_output_with_seconds_is_not_repeated() -> None:
    """Seconds would be false a second later; a line without them is repeated."""
    soon = OrgBodies(usage=usage_body(100.0, 58.0, resets_at=(NOW + timedelta(seconds=50)).isoformat()))
    keep(soon, arguments=("--line", "--format", "{in}"), template="{in}")
    assert print_archived(("--line", "--format", "{in}")) is None
    keep(soon)
    assert print_archived(LINE) == 0


def test_due_poll_is_left_to_its_holder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While another process holds the lease, its figures are printed; not if it stores none for long."""
    moment = READ + timedelta(seconds=61)
    keep(now=moment)
    stop_clock(monkeypatch, moment)
    assert print_archived(LINE) is None
    monkeypatch.setattr("claudemeter_tui.history.lease.is_held", lambda *_: True)
    assert print_archived(LINE) == 0
    assert capsys.readouterr().out == f"{TEXT}\n"
    keep(now=READ + timedelta(seconds=180))
    stop_clock(monkeypatch, READ + timedelta(seconds=180))
    assert print_archived(LINE) is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE statuses SET content = 'x'",
        "UPDATE statuses SET version = '0'",
        "UPDATE status_requests SET request = '[1]'",
        "UPDATE status_requests SET request = 'x'",
        "DROP TABLE statuses",
        "DROP TABLE status_requests",
    ],
)
def test_unusable_archive_is_left_to_the_other_path(damage: str) -> None:
    """Nothing is printed from rows of another form."""
    keep()
    connection = open_for_writing(locate_archive(or_temporary=True))
    connection.execute(damage)
    connection.close()
    assert print_archived(LINE) is None


def test_damaged_and_missing_file_are_no_error() -> None:
    """A file that is no archive, or none, is left to the other path."""
    assert print_archived(LINE) is None
    keep()
    for file in locate_archive(or_temporary=True).parent.iterdir():
        file.write_bytes(b"no archive" * 1000)
    assert print_archived(LINE) is None


def test_nothing_is_remembered_without_an_archive() -> None:
    """Only a recorder, which holds the lock, creates the file."""
    chosen = load_settings(LINE, os.environ, locate_config_file())
    remember_request(LINE, chosen, DEFAULT_TEMPLATE, "")
    assert not locate_archive(or_temporary=True).exists()


def test_write_error_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer that cannot be printed ends with a sentence and status 2, not in silence."""

    def fail(_text: str) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    keep()
    monkeypatch.setattr(archived_status, "print_line", fail)
    assert print_archived(LINE) == 2
    assert capsys.readouterr().err == "claudemeter-tui: standard output: No space left on device\n"

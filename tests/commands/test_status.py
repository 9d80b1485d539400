"""`--check` and `--line`: their output, their requests, and many of them at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.commands.status import StatusAnswer
from claudemeter_tui.commands.status_texts import EXIT_CREDITS_BLOCKED, EXIT_STATUSES
from claudemeter_tui.commands.stdout import EXIT_NO_SESSION, EXIT_NOTHING_READ
from claudemeter_tui.config.actions import CHECK_EXIT_HELP
from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.history.database import ARCHIVE_NAME, from_millis, open_for_writing
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Session
from claudemeter_tui.settings import SettingsError
from tests.commands.status_bar import MARKER, Bar, failing, program, start_server
from tests.responses import Answer
from tests.scenes import (
    CREDITS_BLOCKED,
    INTERVAL,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    TEAM,
    WAITING,
    OrgBodies,
    readings,
)
from tests.server import LoopbackServer
from tests.transcripts.kept import build_refusal, keep, log_in


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the zone of the machine, in which times are printed."""
    monkeypatch.setenv("TZ", "UTC")


@pytest.mark.parametrize(
    ("status", "text", "orgs"),
    [
        (0, "CAN WORK  5-hour 67%, resets 16:00 (in 1h 11m) · Personal", [PERSONAL]),
        (5, "CAN WORK · credits BLOCKED  the prepaid balance is empty", [CREDITS_BLOCKED]),
        (10, "ON CREDITS  5-hour full until 16:00", [LABORATORY]),
        (20, "WAIT  5-hour full until 16:00", [WAITING]),
        (30, "BLOCKED  your monthly cap is reached", [TEAM]),
        (30, "BLOCKED  your monthly cap is reached", [PERSONAL, LABORATORY, TEAM]),
    ],
)
def test_check_prints_the_worst_verdict(
    status: int, text: str, orgs: list[OrgBodies], tmp_path: Path
) -> None:
    """The exit status matches the line."""
    answer = Bar(tmp_path, *orgs, form=None).ask()
    assert (answer.status, answer.text[: len(text)]) == (status, text)
    assert "\n" not in answer.text


def test_help_lists_every_exit_status() -> None:
    """The help lists each exit status in the verdicts' own words."""
    listed = {text.partition(" ")[2]: int(text.partition(" ")[0]) for text in CHECK_EXIT_HELP.split(", ")}
    states = {state.replace("_", " "): status for state, status in EXIT_STATUSES.items()}
    blocked = {"can work but credits are blocked": EXIT_CREDITS_BLOCKED}
    assert listed == states | blocked | {"no session": EXIT_NO_SESSION, "unknown": EXIT_NOTHING_READ}


def test_org_selects_one(tmp_path: Path) -> None:
    """`--org` takes number, name or UUID; the error names an unknown one."""
    bar = Bar(tmp_path, PERSONAL, TEAM)
    assert bar.ask(org="personal").text == "67% 41% $17.20/50 · Personal"
    with pytest.raises(SettingsError, match="--org: unknown org 'Persnal'; choose from 1 Personal"):
        bar.ask(org="Persnal")
    assert bar.polls == 1


def test_a_run_every_five_seconds_makes_one_poll_a_minute(tmp_path: Path) -> None:
    """Every run prints the figures."""
    bar = Bar(tmp_path, PERSONAL)
    first = bar.ask().text
    texts = {bar.ask(5).text for _ in range(35)}
    assert (texts, bar.polls) == ({first}, 3)


@pytest.mark.parametrize("reads", [True, False])
def test_refusal_is_in_the_texts_until_its_limit_resets(reads: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """It is there in the next minute, without another poll; transcripts that are not to be read have none."""
    bar = Bar(tmp_path, PERSONAL, form="{refused}|{text}")
    bar.place = bar.place._replace(reads_transcripts=reads)
    assert "refused" not in bar.ask().text
    with closing(open_for_writing(bar.place.archive)) as connection:
        log_in(connection, NOW - timedelta(days=1), NOW + timedelta(days=1))
        refusal = build_refusal(1, NOW, resets_at=NOW + timedelta(seconds=90))
        keep(connection, refusals=[refusal], now=NOW)
    short, long = bar.ask(45).text.split("|")
    assert short == ("refused 14:48" if reads else "")
    assert ("Claude Code was refused at 14:48 in lab: 5-hour window" in long) == reads
    bar.form = None
    assert ("Claude Code was refused at 14:48 in lab" in bar.ask().text) == reads
    assert bar.polls == 1
    assert "refused" not in bar.ask(60).text


def test_failing_poll_keeps_the_old_figures_with_their_age(tmp_path: Path) -> None:
    """Old figures stay until they are too old for a verdict; then the exit status changes, too."""
    bar = Bar(tmp_path, PERSONAL)
    bar.ask()
    bar.reads = failing(ErrorKind.CHALLENGE)
    assert bar.ask(60) == StatusAnswer("67% 41% $17.20/50 · Personal 1m ago", 0)
    assert bar.ask(60 * 20).text == "? 67% 41% $17.20/50 · Personal 21m ago"
    assert bar.ask().status == 4
    bar.form = None
    assert bar.ask().text == (
        "UNKNOWN  no successful read for 21m: Cloudflare challenge · last known: CAN WORK 21m ago · Personal"
    )


def test_window_with_a_past_reset_has_no_figure(tmp_path: Path) -> None:
    """While no reply comes, a due window has neither a false 100% nor a false 0%."""
    bar = Bar(tmp_path, WAITING)
    bar.now = READ.replace(hour=15, minute=59)
    assert bar.ask().text == "WAIT 16:00 100% 82% $4.26/60 off · Personal"
    bar.reads = failing(ErrorKind.DNS)
    assert bar.ask(120).text == "due 82% $4.26/60 off · Personal 2m ago"


def test_failing_reply_affects_no_other(tmp_path: Path) -> None:
    """The last good reply of the failing endpoint still counts, as on the dashboard."""
    bar = Bar(tmp_path, TEAM)
    bar.ask()
    lost = (Endpoint.OVERAGE, Endpoint.OWN_OVERAGE)

    def half(at: datetime) -> Iterable[Reading]:
        for reading in readings(replace(TEAM, spent=()), at=at):
            reports = (
                one._replace(
                    parts={**one.parts, **{part: Failure(ErrorKind.TIMEOUT, part, at) for part in lost}}
                )
                for one in reading.org_readings
            )
            yield reading._replace(org_readings=tuple(reports))

    bar.reads = half
    assert bar.ask(60).text == "BLOCKED 100% 71% $50.00/50 · Acme Team"


@pytest.mark.parametrize(
    ("expected", "trouble"),
    [
        (StatusAnswer("? session expired", 3), ErrorKind.EXPIRED),
        (StatusAnswer("? no session", 3), ErrorKind.NO_SESSION),
        (StatusAnswer("? throttled", 4), ErrorKind.THROTTLED),
    ],
)
def test_missing_figures_are_explained(expected: StatusAnswer, trouble: ErrorKind, tmp_path: Path) -> None:
    """The cause is in the line, its details on standard error, and the next run does not poll."""
    bar = Bar(tmp_path)
    bar.reads = failing(trouble)
    assert bar.ask() == expected
    assert str(trouble) in bar.reasons[0]
    assert bar.ask(5) == expected
    assert bar.polls == 1
    bar.form = None
    assert bar.ask() == StatusAnswer(f"UNKNOWN  no reading yet: {trouble}", expected.status)


def test_missing_session_keeps_the_old_figures(tmp_path: Path) -> None:
    """The figures are printed until they are too old; then the exit status is that of no session."""
    bar = Bar(tmp_path, PERSONAL)
    bar.ask()
    bar.reads = failing(ErrorKind.NO_SESSION, Session(""))
    assert bar.ask(60).status == 0
    bar.form = None
    assert bar.ask(60 * 20).status == 3


def test_ten_bars_at_once_make_one_poll(tmp_path: Path) -> None:
    """Ten runs at once wait for the figures of one poll."""
    bar = Bar(tmp_path, PERSONAL)
    ready = threading.Barrier(10)
    answers: list[StatusAnswer] = []

    def ask() -> None:
        ready.wait(60)
        answers.append(bar.ask())

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (bar.polls, {one.text for one in answers}) == (1, {"67% 41% $17.20/50 · Personal"})
    assert len(answers) == 10


def test_run_with_old_figures_does_not_wait_for_a_poll(tmp_path: Path) -> None:
    """A run prints the old figures at once."""
    bar = Bar(tmp_path, PERSONAL)
    bar.ask()
    other = Bar(tmp_path, PERSONAL)
    polling, over = threading.Event(), threading.Event()

    def slow() -> list[Reading]:
        polling.set()
        assert over.wait(60)
        return []

    bar.now = other.now = NOW + INTERVAL
    bar.poll = slow  # type: ignore[method-assign]
    thread = threading.Thread(target=bar.ask)
    thread.start()
    try:
        assert polling.wait(60)
        assert (other.ask().text, other.polls) == ("67% 41% $17.20/50 · Personal", 0)
    finally:
        over.set()
        thread.join(60)


def test_unusable_archive_prevents_only_the_history(tmp_path: Path) -> None:
    """The output is printed, with the cause of the next poll."""
    bar = Bar(tmp_path, PERSONAL)
    (tmp_path / "data").touch()
    assert bar.ask().text == "67% 41% $17.20/50 · Personal"
    assert [reason.partition(":")[0] for reason in bar.reasons] == ["history not kept (Not a directory)"]


@pytest.mark.parametrize(
    ("expected", "after"), [(NOW.replace(minute=49, second=0), 0), (NOW.replace(minute=49, second=18), 50)]
)
def test_output_has_its_time_of_expiry(expected: datetime, after: float, tmp_path: Path) -> None:
    """Output expires at the end of the minute, or when its age increases if that is sooner."""
    bar = Bar(tmp_path, PERSONAL)
    bar.ask()
    bar.ask(after)
    assert from_millis(bar.stored.orgs[0].valid_until) == expected


def test_other_sessions_have_other_figures() -> None:
    """Cookie, origin, browsers and source decide the key of the figures, which reveals none of them."""
    environment = {"CLAUDEMETER_COOKIE": MARKER}
    ways = [
        load_settings(["--line"], {}),
        load_settings(["--line"], environment),
        load_settings(["--line"], {"CLAUDEMETER_COOKIE": f"{MARKER}2"}),
        load_settings(["--line", "--browser", "Firefox"], {}),
        load_settings(["--line", "--source", "claude-code"], {}),
        load_settings(["--line", "--base-url", "https://example.com"], {}),
    ]
    keys = [one.sources_key for one in ways]
    assert len(set(keys)) == len(ways)
    assert load_settings(["--check"], environment).sources_key == keys[1]
    assert not any(MARKER in key for key in keys)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start a claude.ai with one account that has one org."""
    with start_server() as started:
        yield started


def test_real_runs_share_one_poll_and_load_little(server: LoopbackServer, tmp_path: Path) -> None:
    """The first run polls, another format reads the archive, and the same command loads no model.

    The files of earlier versions are removed.
    """
    for folder in (".local/state", "Library/Application Support"):
        state = tmp_path / folder / "claudemeter-tui"
        state.mkdir(parents=True)
        for name in ("kept-1.json", "kept-1.txt", "kept-1.lock", "kept-1.toml"):
            (state / name).touch()
    calm = ("--base-url", server.url)
    status, text, first = program(tmp_path, "--line", *calm)
    assert (status, text) == (0, "41% 67% $17.20/50 · Personal\n")
    assert {"httpx", "pydantic", "filelock"} <= first
    assert len(server.requests) == 5
    status, text, second = program(tmp_path, "--check", *calm)
    assert (status, text[:27]) == (0, "CAN WORK  7-day all 67%, re")
    status, text, third = program(tmp_path, "--check", *calm)
    assert (status, text[:27]) == (0, "CAN WORK  7-day all 67%, re")
    heavy = {"httpx", "pydantic", "textual", "asyncio", "browser_cookie3", "filelock"}
    assert (second & heavy, third & heavy) == (set(), set())
    assert third & {"argparse", "dataclasses", "tomllib", "claudemeter_tui.cli"} == set()
    assert [name for name in third if name.startswith("claudemeter_tui.model.")] == [
        "claudemeter_tui.model.sanitize"
    ]
    assert len(server.requests) == 5
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    (lock,) = (path for path in files if path.name.startswith("status-"))
    assert {path.name for path in lock.parent.glob("kept-*")} == {"kept-1.toml"}
    assert any(path.name == ARCHIVE_NAME for path in files)
    assert all(MARKER.encode() not in path.read_bytes() and MARKER not in path.name for path in files)


def test_runs_with_an_unwritable_state_folder_share_one_poll(server: LoopbackServer, tmp_path: Path) -> None:
    """Ten lines of a status bar make one poll, also if the state folder takes no file."""
    (tmp_path / ".local").touch()
    (tmp_path / "Library").touch()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    texts = {
        program(tmp_path, "--line", "--base-url", server.url, TMPDIR=str(temporary))[:2] for _ in range(10)
    }
    assert texts == {(0, "41% 67% $17.20/50 · Personal\n")}
    assert len(server.requests) == 5


def test_runs_with_an_unwritable_state_folder_wait_after_a_429(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """The wait that the server asked for is kept, too."""
    (tmp_path / ".local").touch()
    (tmp_path / "Library").touch()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server.routes["/api/account"] = Answer(429, {"Retry-After": "600"})
    for _ in range(5):
        status, text, _modules = program(tmp_path, "--line", "--base-url", server.url, TMPDIR=str(temporary))
        assert (status, text) == (4, "? throttled\n")
    assert server.paths() == ["/api/account", "/api/organizations"]


def test_other_certificates_are_tried_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure to reach the server is forgotten if other variables may reach it; a reply is not."""
    for name in ("SSL_CERT_FILE", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    bar = Bar(tmp_path)
    bar.reads = failing(ErrorKind.TLS)
    assert [bar.ask().text for _ in range(2)] == ["? TLS failed"] * 2
    assert bar.polls == 1
    monkeypatch.setenv("SSL_CERT_FILE", "company.pem")
    bar.ask()
    assert bar.polls == 2
    bar.reads = failing(ErrorKind.THROTTLED)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    bar.ask()
    monkeypatch.delenv("https_proxy")
    bar.ask()
    assert bar.polls == 3

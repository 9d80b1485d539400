"""Claude Code's status line: the archive's verdict and figures, and minimums from Claude Code's input."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui import cli
from claudemeter_tui.claude_code.status_input import SeenLimit
from claudemeter_tui.commands.statusline import (
    NO_FIGURES,
    OTHER_ORG_NOTE,
    find_minimum,
    print_statusline,
    read_input,
)
from claudemeter_tui.history.database import locate_archive, open_for_writing
from claudemeter_tui.history.status import WindowFigure
from claudemeter_tui.model.reading import NO_SESSION, Reading
from claudemeter_tui.model.refusals import TranscriptNews
from tests.bodies import PERSONAL as PERSONAL_UUID
from tests.bodies import TEAM as TEAM_UUID
from tests.bodies import overage_body, usage_body
from tests.claude_code.test_config_folder import write_login
from tests.claude_code.test_status_input import limit, write_input
from tests.commands.status_bar import keep, program, start_server, stop_clock
from tests.scenes import CREDITS_BLOCKED, LABORATORY, NOW, PERSONAL, TEAM, WAITING, OrgBodies
from tests.server import LoopbackServer
from tests.sessions.manager_cases import CHALLENGE
from tests.transcripts.kept import build_refusal

STATUSLINE = ("--statusline",)
RESET = datetime(2026, 4, 25, 16, tzinfo=UTC)
"""Reset of the 5-hour windows of the scenes."""
CALM = "CAN WORK · 5-hour 67%, 7-day all 41% · Fable 12% · $17.20/50 · Personal"
BLOCKED = (
    "BLOCKED until 16:00 · your monthly cap is reached, until Fri May 1 00:00 (in 5d 9h)"
    " · 5-hour 100%, 7-day all 71% · Fable 12% · $50.00/50 · Acme Team"
)
WAIT = "WAIT until 16:00 · 5-hour 100%, 7-day all 82% · $4.26/60 off · Personal"
CREDITS = (
    "CAN WORK · credits BLOCKED · the prepaid balance is empty"
    " · 5-hour 41%, 7-day all 67% · $0.00/20 · Personal"
)
HOUR = 3_600_000

Show = Callable[..., str | None]
"""Returns the line from the archive with this input; None if the settings must be resolved."""


def see(percent: float = 70.0, reset: datetime = RESET, key: str = "five_hour") -> bytes:
    """Return an input in which Claude Code has seen that percentage."""
    return write_input(**{key: limit(percent, reset.timestamp())})


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Show]:
    """Return the function that prints the line at NOW."""
    stop_clock(monkeypatch, NOW)

    def run(content: bytes = b"{}", arguments: tuple[str, ...] = STATUSLINE) -> str | None:
        read_input.cache_clear()
        file = Path(os.environ["HOME"], "input")
        file.write_bytes(content)
        with file.open("rb") as opened:
            monkeypatch.setattr(sys, "stdin", opened)
            status = print_statusline(arguments)
        printed = capsys.readouterr()
        assert (status, printed.err) in ((0, ""), (None, ""))
        return printed.out.removesuffix("\n") if status == 0 else None

    yield run
    read_input.cache_clear()


def keep_orgs(
    *orgs: OrgBodies,
    login: str | None = PERSONAL_UUID,
    arguments: tuple[str, ...] = (),
    more: tuple[Reading, ...] = (),
) -> None:
    """Poll these orgs, and log Claude Code in to one of them."""
    keep(*orgs, arguments=(*STATUSLINE, *arguments), template=None, more=more)
    if login is not None:
        write_login(Path(os.environ["HOME"]), login)


def test_readme_shows_an_input_and_its_line(show: Show) -> None:
    """The example is one that Claude Code sends, and each line below it is printed as it is there."""
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    found = re.search(
        r"<!-- statusline: input -->\n```json\n(.*?)```.*<!-- statusline: output -->\n```\n(.*?)\n```",
        text,
        re.DOTALL,
    )
    assert found is not None
    keep_orgs(PERSONAL, TEAM)
    assert "at least 70%" in found[2]
    assert [BLOCKED, show(found[1].encode())] == found[2].splitlines()


@pytest.mark.parametrize(
    ("expected", "orgs"),
    [
        (CALM, [PERSONAL]),
        (BLOCKED, [TEAM]),
        (BLOCKED, [PERSONAL, TEAM]),
        (WAIT, [WAITING]),
        ("ON CREDITS until 16:00 · 5-hour 100%, 7-day all 58% · $8.12 · Lab", [LABORATORY]),
        (CREDITS, [CREDITS_BLOCKED]),
    ],
)
def test_line_has_verdict_windows_models_credits_and_org(
    expected: str, orgs: list[OrgBodies], show: Show
) -> None:
    """Without a known login and without limits, it is about the worst org, like `--line`."""
    keep_orgs(*orgs, login=None)
    assert show() == expected


def test_line_has_the_time_of_a_refusal(show: Show) -> None:
    """Behind the verdict, in the words of the screens."""
    refusal = build_refusal(1, NOW - timedelta(minutes=26), org=PERSONAL_UUID)
    news = Reading(NO_SESSION, NOW, transcripts=TranscriptNews(NOW, (refusal,)), is_archived=True)
    keep_orgs(PERSONAL, more=(news,))
    assert show() == CALM.replace("CAN WORK", "CAN WORK · refused 14:22")


@pytest.mark.parametrize(
    ("expected", "login", "arguments"),
    [
        (CALM.replace("67%", "at least 70%"), PERSONAL_UUID, ()),
        (CALM.replace("67%", "at least 70%"), PERSONAL_UUID.upper(), ()),
        (CALM.replace("67%", "at least 70%"), PERSONAL_UUID, ("--org", "Personal")),
        (BLOCKED, TEAM_UUID, ()),
        (BLOCKED, PERSONAL_UUID, ("--org", "acme team")),
        (CALM, TEAM_UUID, ("--org", "1")),
        (CALM, "cccccccc-0000-4000-8000-000000000009", ("--org", "1")),
        (f"{BLOCKED} {OTHER_ORG_NOTE}", "cccccccc-0000-4000-8000-000000000009", ()),
        (BLOCKED, None, ()),
    ],
)
def test_input_counts_only_for_the_org_of_the_login(
    expected: str, login: str | None, arguments: tuple[str, ...], show: Show
) -> None:
    """The login's org is shown, else the worst one with a note; `--org` wins. No other org gets a figure."""
    keep_orgs(PERSONAL, TEAM, login=login, arguments=arguments)
    assert show(see(70.0), (*STATUSLINE, *arguments)) == expected


def test_token_of_another_account_hides_the_login(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """The input is about the token's account then, and no figure is used."""
    monkeypatch.setenv("CLAUDE_CODE_OAUTH_TOKEN", "x")
    keep_orgs(PERSONAL, TEAM)
    assert show(see(70.0)) == BLOCKED


@pytest.mark.parametrize(
    ("expected", "percent", "minutes"),
    [
        ("67%", 66.0, 0),
        ("67%", 67.0, 0),
        ("67%", 67.9, 0),
        ("at least 68%", 68.0, 0),
        ("at least 68%", 68.9, 0),
        ("at least 3%", 3.0, 1),
        ("at least 99%", 99.99, 1),
        ("67%", 99.0, -1),
        ("67%", 99.0, -60 * 24),
        ("67%", 99.0, 60 * 5),
        ("67%", 99.0, 60 * 24 * 365),
    ],
)
def test_figure_is_used_only_upwards_or_after_a_later_reset(
    expected: str, percent: float, minutes: int, show: Show
) -> None:
    """Within a window only a higher figure counts; an earlier reset, or one too far away, never does."""
    keep_orgs(PERSONAL)
    line = show(see(percent, RESET + timedelta(minutes=minutes)))
    assert line == CALM.replace("67%", expected)


def test_unknown_verdict_keeps_its_own_cause(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the figures are too old for a verdict, the input changes only the window."""
    later = NOW + timedelta(minutes=20)
    keep(PERSONAL, arguments=STATUSLINE, template=None, now=later)
    write_login(Path(os.environ["HOME"]), PERSONAL_UUID)
    stop_clock(monkeypatch, later)
    unknown = "UNKNOWN · no successful read for 20m · last known: CAN WORK 20m ago"
    line = CALM.replace("CAN WORK", unknown).replace("67%", "at least 100%")
    assert show(see(100)) == f"{line} 20m ago"


def test_each_window_has_its_own_figure(show: Show) -> None:
    """The 7-day window has a reset of its own, and jitter of a second does not matter."""
    keep_orgs(PERSONAL)
    week = datetime(2026, 4, 28, 14, tzinfo=UTC)
    line = show(see(43, week - timedelta(seconds=1), "seven_day"))
    assert line == CALM.replace("41%", "at least 43%")


WINDOW = WindowFigure(
    "session", "5-hour", "67%", is_full=False, percent=67.0, resets_at=10 * HOUR, length=5 * HOUR
)


@pytest.mark.parametrize(
    ("expected", "window", "seen", "now"),
    [
        (70, WINDOW, SeenLimit(70, 10 * HOUR), 9 * HOUR),
        (70, WINDOW._replace(percent=None, text="?"), SeenLimit(70, 10 * HOUR), 9 * HOUR),
        (3, WINDOW._replace(text="due"), SeenLimit(3, 15 * HOUR), 10 * HOUR),
        (None, WINDOW, None, 9 * HOUR),
        (None, WINDOW, SeenLimit(70, 10 * HOUR), 10 * HOUR),
        (None, WINDOW, SeenLimit(70, 10 * HOUR), 4 * HOUR),
        (None, WINDOW._replace(resets_at=None), SeenLimit(70, 10 * HOUR), 9 * HOUR),
        (None, WINDOW._replace(length=None), SeenLimit(70, 10 * HOUR), 9 * HOUR),
        (None, WINDOW._replace(is_full=True, text="locked"), SeenLimit(70, 10 * HOUR), 9 * HOUR),
        (None, WINDOW._replace(percent=None, text="?"), SeenLimit(0, 10 * HOUR), 9 * HOUR),
    ],
)
def test_minimum_needs_comparable_figures(
    expected: int | None, window: WindowFigure, seen: SeenLimit | None, now: int
) -> None:
    """Without an archived reset, or after the reset that Claude Code has seen, nothing can be compared."""
    assert find_minimum(window, seen, now) == expected


def test_verdict_is_unknown_if_the_input_contradicts_it(show: Show) -> None:
    """A window that is full or has reset since the last poll leaves a last known verdict, and all figures."""
    keep_orgs(PERSONAL)
    full = f"UNKNOWN · 5-hour full since the last poll · last known: {CALM}"
    assert show(see(100)) == full.replace("67%", "at least 100%")
    keep_orgs(WAITING)
    reset = f"UNKNOWN · 5-hour reset since the last poll · last known: {WAIT}"
    assert show(see(3, RESET + timedelta(hours=3))) == reset.replace("100%", "at least 3%")
    assert show(see(100, RESET + timedelta(hours=3))) == WAIT.replace("100%", "at least 100%")


@pytest.mark.parametrize(
    "content",
    [
        *(b"{", b"null", b"[]", b"\xff\x00", b"[" * 100_000, b"x" * (2 << 20)),
        *(write_input(five_hour=limit(value)) for value in (None, "70", True, float("nan"), 10**400, [70])),
        *(write_input(five_hour=limit(70, value)) for value in (None, "x", 10**400, -1, 0)),
        b'{"rate_limits": "\\u001b]0;x\\u0007", "model": {"display_name": "\\u001b[2J"}}',
    ],
    ids=lambda content: repr(content[:12]),
)
def test_hostile_input_changes_nothing(content: bytes, show: Show) -> None:
    """Whatever Claude Code sends, the archived line is printed, and nothing of the input."""
    keep_orgs(PERSONAL)
    assert show(content) == CALM


def test_old_figures_are_shown_with_their_age_and_no_poll(
    show: Show, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command never polls: a line past its minute is left to the run that builds the texts again."""
    keep_orgs(PERSONAL)
    later = NOW + timedelta(minutes=5)
    stop_clock(monkeypatch, later)
    assert show() is None
    keep(PERSONAL, arguments=STATUSLINE, template=None, now=later)
    assert show() == f"{CALM} 5m ago"
    assert capsys.readouterr() == ("", "")


def test_line_with_seconds_is_not_repeated(show: Show) -> None:
    """A lock that ends within a minute has a countdown in seconds, which would be false a second later."""
    until = (NOW + timedelta(seconds=50)).isoformat()
    lock = overage_body(1200, 5000, reason="org_level_disabled_until", until=until)
    keep_orgs(OrgBodies(usage=usage_body(41.0, 67.0), overage=lock))
    assert show() is None


@pytest.mark.parametrize(
    "damage", ["UPDATE statuses SET content = '[[[1, 2, 3]], null]'", "DROP TABLE statuses"]
)
def test_unusable_archive_is_left_to_the_other_path(damage: str, show: Show) -> None:
    """Nothing is printed from rows of another form."""
    keep_orgs(PERSONAL)
    connection = open_for_writing(locate_archive(or_temporary=True))
    connection.execute(damage)
    connection.close()
    assert show() is None


def test_hostile_org_name_stays_one_line_of_text(show: Show) -> None:
    """No escape sequence of a name reaches the terminal; Claude Code shows ANSI colours."""
    keep_orgs(PERSONAL)
    connection = open_for_writing(locate_archive(or_temporary=True))
    (content,) = connection.execute("SELECT content FROM statuses").fetchone()
    hostile = content.replace('"org": "Personal"', '"org":"Personal"').replace(
        '"org":"Personal"', '"org":"a\\u001b[31m\\n{org}b"'
    )
    assert hostile != content
    connection.execute("UPDATE statuses SET content = ?", (hostile,))
    connection.close()
    assert show() == CALM.replace("Personal", "a [31m {org}b")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start a claude.ai with one account that has one org."""
    with start_server() as started:
        yield started


def test_real_run_never_polls_and_loads_little(server: LoopbackServer, tmp_path: Path) -> None:
    """Before the first poll it says so; then it prints the figures, and loads no model the second time."""
    write_login(tmp_path)
    arguments = ("--statusline", "--base-url", server.url)
    reset = datetime.now(UTC) + timedelta(days=3, hours=1, minutes=30)
    content = see(70.4, reset, "seven_day").decode()
    assert program(tmp_path, *arguments, content=content)[:2] == (0, f"{NO_FIGURES}\n")
    assert server.requests == []
    program(tmp_path, "--line", "--base-url", server.url)
    polls = len(server.requests)
    line = "CAN WORK · 5-hour 41%, 7-day all at least 70% · $17.20/50 · Personal\n"
    runs = [program(tmp_path, *arguments, content=content) for _ in range(3)]
    assert [run[:2] for run in runs] == [(0, line)] * 3
    assert len(server.requests) == polls
    # A new minute between two runs needs the model once more.
    loaded = min((modules for _, _, modules in runs[1:]), key=len)
    heavy = {"httpx", "pydantic", "textual", "asyncio", "browser_cookie3", "filelock", "subprocess"}
    assert (
        loaded & (heavy | {"argparse", "dataclasses", "tomllib", "decimal", "claudemeter_tui.cli"}) == set()
    )
    ours = {name for name in loaded if name.startswith(("claudemeter_tui.model.", "claudemeter_tui.claude"))}
    assert ours == {
        "claudemeter_tui.model.sanitize",
        "claudemeter_tui.claude_code",
        "claudemeter_tui.claude_code.config_folder",
        "claudemeter_tui.claude_code.status_input",
    }


@pytest.mark.parametrize(
    ("expected", "arguments", "variables"),
    [
        (
            f"claudemeter-tui: --org: unknown org 'Persnal'; choose from 1 Personal ({PERSONAL_UUID})",
            ("--org", "Persnal"),
            {},
        ),
        ("claudemeter-tui: unrecognized arguments: --bogus; see --help", ("--bogus",), {}),
        ("claudemeter-tui: --statusline and --line can't be combined", ("--line",), {}),
        ("claudemeter-tui: --statusline and --demo can't be combined", ("--demo",), {}),
        (
            "claudemeter-tui: CLAUDEMETER_INTERVAL: 'x' is not a number of seconds",
            (),
            {"CLAUDEMETER_INTERVAL": "x"},
        ),
        (NO_FIGURES, (), {"XDG_DATA_HOME": "/dev/null/x"}),
        (NO_FIGURES, ("--browser", "Firefox"), {"CLAUDEMETER_COOKIE": ""}),
    ],
)
def test_any_problem_is_one_line_and_exit_status_0(
    expected: str,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    server: LoopbackServer,
    tmp_path: Path,
) -> None:
    """Claude Code shows nothing of a command that fails, so errors are printed as the line."""
    program(tmp_path, "--line", "--base-url", server.url)
    given = ("--statusline", "--base-url", server.url, *arguments)
    status, text, _ = program(tmp_path, *given, content="{}", **variables)
    assert (status, text) == (0, f"{expected}\n")


def test_session_without_orgs_has_its_cause(server: LoopbackServer, tmp_path: Path) -> None:
    """If no org is known, the line says why."""
    server.routes = dict.fromkeys(("/api/account", "/api/organizations"), CHALLENGE)
    program(tmp_path, "--line", "--base-url", server.url)
    status, text, _ = program(tmp_path, "--statusline", "--base-url", server.url, content="{}")
    assert (status, text) == (0, "UNKNOWN no reading yet: Cloudflare challenge\n")


def run_without_input(*arguments: str, stdin: int = subprocess.DEVNULL) -> list[str]:
    """Return the lines that the real program prints."""
    done = subprocess.run(
        [sys.executable, "-m", "claudemeter_tui", *arguments],
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_without_input_it_prints_the_two_lines_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal and an empty input get the lines and the file's path; no file is created or changed."""
    home = Path(os.environ["HOME"])
    main, terminal = pty.openpty()
    for stdin in (subprocess.DEVNULL, terminal):
        head, *lines = run_without_input("--statusline", stdin=stdin)
        assert head == f"Claude Code's status line: add these two lines to {home}/.claude/settings.json"
        assert len(lines) == 2
        assert json.loads(f"{{{''.join(lines)}}}") == {
            "statusLine": {"type": "command", "command": "claudemeter-tui --statusline"}
        }
    os.close(main)
    os.close(terminal)
    assert not (home / ".claude").exists()
    folder = home / "work"
    folder.mkdir()
    settings = folder / "settings.json"
    settings.write_text('{"model": "x"}')
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder))
    head, *lines = run_without_input("--statusline", "--org", 'Acme "Team"')
    assert head.endswith(f" add these two lines to {settings}")
    command = json.loads(f"{{{''.join(lines)}}}")["statusLine"]["command"]
    assert shlex.split(command) == ["claudemeter-tui", "--statusline", "--org", 'Acme "Team"']
    assert settings.read_text() == '{"model": "x"}'


def test_readme_has_the_lines_and_the_outputs() -> None:
    """The README shows the settings that the command prints, and lines as the scenes have them."""
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    _, *lines = run_without_input("--statusline")
    assert "\n".join(("```json", *lines, "```")) in text
    assert f"\n{BLOCKED}\n{CALM.replace('67%', 'at least 70%')}\n" in text
    assert f"marked\n  `{OTHER_ORG_NOTE}`" in text


def test_input_that_never_ends_delays_the_line_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the writer is stuck, the part that came in time is used."""
    reader, writer = os.pipe()
    os.write(writer, b'{"rate_limits": ')
    with os.fdopen(reader, "rb") as opened, os.fdopen(writer, "wb"):
        monkeypatch.setattr(sys, "stdin", opened)
        read_input.cache_clear()
        assert read_input() == b'{"rate_limits": '
        read_input.cache_clear()


def test_error_goes_to_standard_error_if_the_output_is_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that cannot be printed as the line ends with status 2, not in silence."""

    def fail(_text: str) -> bool:
        raise OSError

    monkeypatch.setattr(cli, "print_line", fail)
    assert cli.main(["--statusline", "--bogus"]) == 2
    assert capsys.readouterr().err == "claudemeter-tui: unrecognized arguments: --bogus; see --help\n"

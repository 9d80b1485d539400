"""The command line from outside: one clear line, exit 2, nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from claudemeter_tui import cli, storage
from claudemeter_tui.cli import main
from claudemeter_tui.clock import WallClock
from claudemeter_tui.config.resolution import COOKIE_VARIABLE, load_settings
from claudemeter_tui.storage import locate_state_folder
from claudemeter_tui.wiring import build_feed
from tests.bodies import account_body
from tests.responses import Answer
from tests.server import LoopbackServer


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set an empty home, so that no file of the user is read or written."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


MARKER = "sk-ant-sid01-PLANTED-MARKER"
ENOSPC = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("--interval: 'soon' is not a number of seconds", "--interval soon"),
        ("--interval: 5 is out of range (30 to 86400 seconds)", "--interval 5"),
        ("--size: 'big' is not a size such as 120x36", "--screenshot x.svg --size big"),
        ("--size: 1x1 is out of range (40x1 to 500x200)", "--screenshot x.svg --size 1x1"),
        ("--base-url: it must look like https://host or http://127.0.0.1:PORT", "--base-url claude.ai"),
        (
            "--base-url: plain http would expose the session cookie; use https",
            "--base-url http://example.com",
        ),
        ("--cookie-file: '/none/here': No such file or directory", "--cookie-file /none/here"),
        ("--screenshot: 'x.jpg' must end in .svg or .png", "--screenshot x.jpg"),
        ("--screenshot: '/none/here' is not an existing folder", "--screenshot /none/here/x.svg"),
        ("--config and --org can't be combined", "--config --org 1"),
        ("--format: unknown placeholder {gift}; known: alarm, verdict, ", "--line --format {gift}"),
        ("unrecognized arguments: --bogus; see --help", "--bogus"),
        ("unrecognized arguments: \\x1b[31m\\u202e; see --help", "\x1b[31m\u202e"),
    ],
)
def test_bad_argument_is_one_line_and_exit_2(
    expected: str, arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error is on stderr with the program's name, and without control characters."""
    shown = expected.replace("\\x1b", " ").replace("\\u202e", " ")
    assert main(arguments.split(" ")) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[: len(shown) + 17]) == ("", 1, f"claudemeter-tui: {shown}")


def test_bad_cookie_in_the_environment_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable, not its content."""
    monkeypatch.setenv(COOKIE_VARIABLE, f"wrong={MARKER}")
    assert main(["--once"]) == 2
    expected = f"claudemeter-tui: {COOKIE_VARIABLE}: it has no sessionKey; expected a Cookie header"
    message = capsys.readouterr().err
    assert (message.startswith(expected), message.count("\n"), MARKER in message) == (True, 1, False)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program without a terminal."""
    command = [sys.executable, "-W", "error", "-m", "claudemeter_tui", *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, timeout=60
    )


def test_dashboard_without_a_terminal_is_one_line() -> None:
    """The error names the dashboard's need, and the commands that need no terminal."""
    done = run("--demo")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("claudemeter-tui: the dashboard needs a terminal (")


def test_error_with_stderr_closed_is_dropped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stderr closed the error is dropped, not printed among the data; the exit status stays."""
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["--bogus"]) == 2
    assert capsys.readouterr().out == ""


def test_ctrl_c_anywhere_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl+C prints nothing."""

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load_settings", interrupted)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_screenshot_of_the_demo_is_a_whole_picture(tmp_path: Path) -> None:
    """Without a terminal and a network `--screenshot` exits with 0, prints nothing and writes one file."""
    done = run("--demo", "--size", "100x30", "--screenshot", str(tmp_path / "picture.svg"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = (tmp_path / "picture.svg").read_text("utf-8")
    assert (picture.startswith("<svg"), picture.rstrip().endswith("</svg>")) == (True, True)
    assert "5-hour" in picture.replace("&#160;", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.svg"]


def full_at(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the disk full: no file can be made, written, or closed with buffered data."""

    def full(*_: object, **__: object) -> None:
        raise ENOSPC

    if step == "make":
        monkeypatch.setattr("tempfile.mkstemp", full)
    elif step == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        opened = os.fdopen

        def into_nothing(handle: int, mode: str, *_: object, **__: object) -> object:
            os.close(handle)
            return opened(os.open("/dev/full", os.O_WRONLY), mode)

        monkeypatch.setattr("os.fdopen", into_nothing)


@pytest.mark.parametrize("before", [None, "the picture of yesterday"])
@pytest.mark.parametrize("step", ["make", "write", "replace"])
def test_full_disk_leaves_nothing_half_written(
    step: str,
    before: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A full disk is a one-line error with status 2; the old file stays, and no other file is left."""
    if step == "write" and not Path("/dev/full").exists():
        pytest.skip("the system has no device that is always full")
    path = tmp_path / "picture.svg"
    if before is not None:
        path.write_text(before)
    monkeypatch.setattr(
        "claudemeter_tui.tui.screenshots.capture_svg", lambda *_, **__: "<svg>" + "x" * 100_000
    )
    full_at(step, monkeypatch)
    assert main(["--demo", "--screenshot", str(path)]) == 2
    assert capsys.readouterr() == (
        "",
        f"claudemeter-tui: --screenshot: {str(path)!r}: no space left on device\n",
    )
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == (
        {} if before is None else {"picture.svg": before}
    )


def test_screenshot_replaces_an_existing_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new picture replaces the old one as a whole."""
    path = tmp_path / "picture.SVG"
    path.write_text("the picture of yesterday")
    monkeypatch.setattr("claudemeter_tui.tui.screenshots.capture_svg", lambda *_, **__: "<svg>•</svg>")
    assert main(["--demo", "--screenshot", str(path)]) == 0
    assert {one.name: one.read_text("utf-8") for one in tmp_path.iterdir()} == {"picture.SVG": "<svg>•</svg>"}


def test_cookie_file_is_used_and_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cookie goes to the named origin, and into no output."""
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(f"Cookie: lastActiveOrg=x; sessionKey={MARKER}")
    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json(account_body())
        assert main(["--once", "--cookie-file", str(cookies), "--base-url", server.url]) == 4
    assert {request.headers["cookie"] for request in server.requests} == {
        f"lastActiveOrg=x; sessionKey={MARKER}"
    }
    out, err = capsys.readouterr()
    assert "via cookie file" in out
    assert MARKER not in out + err


def test_dashboard_starts_with_settings_or_saved_state(tmp_path: Path) -> None:
    """A theme from the settings is not saved as the last one; the demo hides names, and saves nothing."""
    folder, org = locate_state_folder(), ("a-1", "b-1")
    storage.save_ui_state(folder, storage.UiState("nord", org))
    clock = WallClock()
    chosen = load_settings(["--privacy", "--ascii", "--pictures", str(tmp_path)], {})
    options = cli._build_options(chosen, build_feed(chosen, clock))
    assert (options.theme, options.org, options.privacy, options.ascii) == ("nord", org, True, True)
    assert (options.pictures, options.alerts, options.resolved["interval"].value) == (tmp_path, True, 60)
    options.save_state("dracula", ("a-1", "b-2"))
    assert storage.load_ui_state(folder) == storage.UiState("dracula", ("a-1", "b-2"))
    chosen = load_settings(["--demo", "--theme", "gruvbox"], {"CLAUDEMETER_PRIVACY": "yes"})
    shown = cli._build_options(chosen, build_feed(chosen, clock))
    assert (shown.theme, shown.alerts, shown.note) == ("gruvbox", False, "demo · 60x speed")
    assert (shown.org, shown.privacy) == (None, True)
    shown.save_state("dracula", ("", "demo"))
    assert storage.load_ui_state(folder) == storage.UiState("dracula", ("a-1", "b-2"))

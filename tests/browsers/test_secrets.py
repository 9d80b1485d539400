"""Nothing of a browser's database reaches the disk, a message or a traceback."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest
from rich.console import Console
from rich.traceback import Traceback

from claudemeter_tui.browsers import cookie_jar, firefox
from claudemeter_tui.browsers.folders import BROWSERS, build_base_folders
from claudemeter_tui.browsers.profiles import BrowserProfile, list_profiles
from claudemeter_tui.browsers.scan import scan_browsers
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made

PLANTED = "planted-4711"
LOOK = """
import asyncio, sys
from pathlib import Path
from claudemeter_tui.browsers.scan import scan_browsers
looks = asyncio.run(scan_browsers(home=Path(sys.argv[1]), system="linux"))
"""
WATCHED = """
import os, sys, threading
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def watch(event, args):
    if event == "open" and isinstance(args[2], int) and args[2] & writing and args[0] != os.devnull:
        print("writes", args[0])
    if event == "sqlite3.connect" and "mode=ro" not in str(args[0]) and args[0] != ":memory:":
        print("opens", args[0])
sys.addaudithook(watch)
"""
HELD = """
import os, sys, threading
def hold(event, args):
    if event == "sqlite3.connect" and sys.argv[2] in str(args[0]):
        os.write(1, b"in the middle\\n")
        threading.Event().wait()
sys.addaudithook(hold)
"""


def home_with_sessions(home: Path) -> Path:
    """Return a home with one signed-in profile of each family."""
    fake_profiles.firefox(home / ".mozilla/firefox/x", [Made(PLANTED)])
    fake_profiles.chromium(home / ".config/chromium", "Default", [Made(PLANTED)])
    return home


def started(script: str, *arguments: object, temporary: Path) -> subprocess.Popen[str]:
    """Start a fresh interpreter whose temporary files would go to a folder of the test."""
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-B", "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_importing_loads_no_browser_cookie3() -> None:
    """Importing the package does not load browser_cookie3, so that the first frame does not wait for it."""
    script = "import sys, claudemeter_tui.browsers.scan; print('browser_cookie3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_scan_writes_no_file(tmp_path: Path) -> None:
    """A scan makes no copy of a database, so that none can be left behind."""
    home = home_with_sessions(tmp_path / "home")
    report = "print(*[each.outcome.value for each in looks], sep=', ')"
    with started(WATCHED + LOOK + report, home, temporary=tmp_path / "tmp") as process:
        output, _ = process.communicate()
    assert "session found" in output
    assert "writes" not in output
    assert "opens" not in output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("middle", [":memory:", "mode=ro"], ids=["our own read", "the library's read"])
def test_killed_scan_leaves_no_file(tmp_path: Path, middle: str, end: str) -> None:
    """A scan that is killed in the middle of a read leaves the disk unchanged."""
    home = home_with_sessions(tmp_path / "home")
    before = contents(home)
    with started(HELD + LOOK, home, middle, temporary=tmp_path / "tmp") as process:
        assert process.stdout
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.Signals[end])
    assert process.returncode == -signal.Signals[end]
    assert contents(tmp_path / "tmp") == {}
    assert contents(home) == before


async def test_scan_prints_no_cookie(tmp_path: Path) -> None:
    """A scan, which the connect screen and bug reports show, prints no cookie."""
    looks = await scan_browsers(home=home_with_sessions(tmp_path), system="linux")
    assert any(each.cookies for each in looks)
    assert PLANTED not in repr(looks)


def test_traceback_of_a_failing_reader_prints_no_cookie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The locals in a traceback, which Textual's crash screen shows, hold no cookie."""

    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    home_with_sessions(tmp_path)
    monkeypatch.setattr(cookie_jar, "merge_cookies", fail)
    shown = io.StringIO()
    try:
        firefox.scan_firefox_profile(profile_of_firefox(tmp_path))
    except ZeroDivisionError as error:
        traceback = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
        Console(file=shown, width=200).print(traceback)
    assert "ContainerCookie" in shown.getvalue()
    assert PLANTED not in shown.getvalue()


@pytest.mark.parametrize("broken", ["CAST(x'ff' || value AS TEXT)", "value || char(0) || '\x1b'"])
async def test_broken_value_is_quoted_nowhere(
    tmp_path: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken value is quoted in no message, although SQLite's own error would quote it."""
    file = fake_profiles.firefox(tmp_path / ".mozilla/firefox/x", [Made(PLANTED)])
    with closing(sqlite3.connect(file)) as browser, browser:
        browser.execute(f"UPDATE moz_cookies SET value = {broken}")  # noqa: S608 - the test's own text
    looks = await scan_browsers(home=tmp_path, system="linux")
    assert [each.outcome.value for each in looks] == ["not signed in"]
    assert PLANTED not in repr(looks) + "".join(capsys.readouterr())


def profile_of_firefox(home: Path) -> BrowserProfile:
    """Return the only Firefox profile below a home."""
    browser = next(each for each in BROWSERS if each.name == "Firefox")
    (profile,) = list_profiles(browser, build_base_folders(home), "linux") or []
    return profile

"""Scans of all browsers and profiles at once."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from claudemeter_tui.browsers import scan
from claudemeter_tui.browsers.profiles import BrowserProfile, UnknownBrowserError
from claudemeter_tui.browsers.scan import find_unmatched_profiles, scan_browsers
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the key is the one of Linux")


def people(home: Path) -> None:
    """Return a home with two browsers of two profiles each, and a third browser without any."""
    fake_profiles.chromium(home / ".config/chromium", "Default", [Made("c1")], name="Pat")
    fake_profiles.chromium(home / ".config/chromium", "Profile 1", [Made("c2", prefix=b"v20")], name="Work")
    fake_profiles.listed(home / ".mozilla/firefox", {"a.default": "default", "b.spare": "spare"})
    fake_profiles.firefox(
        home / ".mozilla/firefox/a.default", [Made("f1"), Made("f2", attributes="^userContextId=2")]
    )
    fake_profiles.firefox(home / ".mozilla/firefox/b.spare", [])
    (home / ".config/vivaldi").mkdir()


def outcomes(looks: tuple[ProfileScan, ...]) -> list[tuple[str, str]]:
    """Return session and outcome of each profile scan."""
    return [(each.session.label, each.outcome.value) for each in looks]


EVERYTHING = [
    ("Chromium, Pat", "session found"),
    ("Chromium, Work", "not supported"),
    ("Vivaldi", "not signed in"),
    ("Firefox, default", "session found"),
    ("Firefox, default, container 2", "session found"),
    ("Firefox, spare", "not signed in"),
]


@linux_only
async def test_scan_covers_every_profile_in_one_order(tmp_path: Path) -> None:
    """A scan lists browsers, profiles and containers in the same order each time."""
    people(tmp_path)
    assert outcomes(await scan_browsers(home=tmp_path, system="linux")) == EVERYTHING
    assert outcomes(await scan_browsers(home=tmp_path, system="linux")) == EVERYTHING


@linux_only
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["chromium"], EVERYTHING[:2]),
        (["CHROMIUM:pat"], EVERYTHING[:1]),
        (["chromium:profile 1"], EVERYTHING[1:2]),
        (["firefox:default"], EVERYTHING[3:5]),
        (["firefox:default, container 2"], EVERYTHING[4:5]),
        (["firefox:spare", "chromium:work"], [EVERYTHING[1], EVERYTHING[5]]),
        (["chrome-beta"], [("Chrome Beta", "not installed")]),
        (["chromium:absent", "chromium:pat"], [EVERYTHING[0], ("Chromium, absent", "no such profile")]),
    ],
)
async def test_scan_is_narrowed_by_name(
    tmp_path: Path, wanted: list[str], expected: list[tuple[str, str]]
) -> None:
    """`--browser NAME[:PROFILE]` selects by label or folder in any case; a missing one is reported."""
    people(tmp_path)
    assert expected == outcomes(await scan_browsers(wanted, home=tmp_path, system="linux"))


@linux_only
@pytest.mark.parametrize(
    ("ignored", "expected"),
    [
        (["Chromium"], EVERYTHING[2:]),
        (["firefox", "vivaldi"], EVERYTHING[:2]),
        (["chromium:Profile 1", "chromium:absent"], [EVERYTHING[0], *EVERYTHING[2:]]),
        (["firefox:default"], [*EVERYTHING[:3], EVERYTHING[5]]),
        (["firefox:default, container 2"], [*EVERYTHING[:4], EVERYTHING[5]]),
    ],
)
async def test_ignored_profiles_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignored: list[str], expected: list[tuple[str, str]]
) -> None:
    """A browser, a profile by label or folder, or a container is left out, and its file is not opened."""
    people(tmp_path)
    opened: list[str] = []
    real = scan._read_profile

    def read(profile: BrowserProfile) -> list[ProfileScan]:
        opened.append(f"{profile.browser.name}, {profile.label}")
        return real(profile)

    monkeypatch.setattr(scan, "_read_profile", read)
    assert expected == outcomes(await scan_browsers(ignored=ignored, home=tmp_path, system="linux"))
    assert set(opened) == {label for label, _ in expected if label != "Vivaldi" and "container" not in label}


@linux_only
def test_names_without_a_profile_are_found(tmp_path: Path) -> None:
    """Only browsers that are installed and profiles that exist match."""
    people(tmp_path)
    names = [
        "chromium",
        "Chromium:pat",
        "chromium:profile 1",
        "firefox:default, Work container",
        "Brave",
        "chromium:x",
    ]
    assert find_unmatched_profiles(names, home=tmp_path, system="linux") == ["Brave", "chromium:x"]


async def test_scan_rejects_an_unknown_browser(tmp_path: Path) -> None:
    """The error for an unknown browser names those that can be read."""
    with pytest.raises(UnknownBrowserError, match="unknown browser 'netscape'; supported: Chrome, "):
        await scan_browsers(["netscape"], home=tmp_path)


async def test_scan_without_any_browser_is_empty(tmp_path: Path) -> None:
    """Without an installed browser the scan is empty."""
    assert await scan_browsers(home=tmp_path, system="linux") == ()


async def test_scan_that_hangs_delays_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each profile has its own time limit; the other results arrive while one scan hangs."""
    fake_profiles.listed(tmp_path / ".mozilla/firefox", {"a.slow": "slow", "b.quick": "quick"})
    for folder in ("a.slow", "b.quick"):
        fake_profiles.firefox(tmp_path / ".mozilla/firefox" / folder, [Made("f")])
    hang, real = threading.Event(), scan._read_profile

    def read(profile: BrowserProfile) -> list[ProfileScan]:
        return real(profile) if profile.label == "quick" or hang.wait() else []

    monkeypatch.setattr(scan, "_read_profile", read)
    emitted: list[ProfileScan] = []
    try:
        looks = await scan_browsers(home=tmp_path, system="linux", limit=0.5, emit=emitted.append)
    finally:
        hang.set()
    assert outcomes(looks) == [("Firefox, slow", "timed out"), ("Firefox, quick", "session found")]
    assert looks[0].detail == "no reply within 0.5s: a password dialog or a lock may be blocking it"
    assert [each.session.label for each in emitted] == ["Firefox, quick", "Firefox, slow"]


@linux_only
async def test_scan_of_a_locked_database_ends_in_time(tmp_path: Path) -> None:
    """A lock, for which the library waits five seconds, blocks neither the event loop nor the other scans."""
    fake_profiles.chromium(tmp_path / ".config/chromium", "Default", [Made("c1")])
    file = fake_profiles.chromium(tmp_path / ".config/google-chrome", "Default", [Made("c2")])
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    beating = asyncio.create_task(tick())
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        looks = await scan_browsers(home=tmp_path, system="linux", limit=0.8)
        holder.execute("ROLLBACK")
    beating.cancel()
    assert outcomes(looks) == [("Chrome, Default", "timed out"), ("Chromium, Default", "session found")]
    assert ticks > 100


async def test_scan_of_a_forbidden_folder_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be listed hides no other browser."""
    fake_profiles.firefox(tmp_path / ".mozilla/firefox/a.default", [Made("f")])
    fake_profiles.chromium(tmp_path / ".config/chromium", "Default", [Made("c")])
    real = Path.iterdir

    def forbidden(path: Path) -> object:
        if path.name == "chromium":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", forbidden)
    looks = await scan_browsers(home=tmp_path, system="linux")
    assert outcomes(looks) == [("Chromium", "not readable"), ("Firefox, a.default", "session found")]
    assert str(tmp_path) not in looks[0].detail


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            FileNotFoundError(2, "gone"),
            ProfileScan(Session("Firefox", "x"), ScanOutcome.NO_COOKIE, "no cookies yet"),
        ),
        (
            PermissionError(13, "Permission denied"),
            ProfileScan(Session("Firefox", "x"), ScanOutcome.UNREADABLE, "permission denied"),
        ),
        (
            OSError(5, "Input/output error"),
            ProfileScan(Session("Firefox", "x"), ScanOutcome.UNREADABLE, "input/output error"),
        ),
    ],
    ids=["gone", "forbidden", "broken"],
)
@linux_only
async def test_scan_of_an_unreadable_file_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, expected: ProfileScan
) -> None:
    """A file that vanishes between listing and reading is reported."""
    fake_profiles.firefox(tmp_path / ".mozilla/firefox/x", [Made("f")])

    def fail(_: Path) -> bytes:
        raise error

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert (expected,) == await scan_browsers(home=tmp_path, system="linux")


async def test_scan_of_a_file_in_exclusive_use_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows' sharing violation (32) is reported as locked."""
    fake_profiles.firefox(tmp_path / ".mozilla/firefox/x", [Made("f")])

    class SharingError(PermissionError):
        winerror = 32

    def fail(_: Path) -> bytes:
        raise SharingError(13, "in use")

    monkeypatch.setattr(Path, "read_bytes", fail)
    (found,) = await scan_browsers(home=tmp_path, system="linux")
    assert ScanOutcome.LOCKED is found.outcome


@pytest.mark.parametrize("folder", [".mozilla/firefox/x", ".config/chromium/Default"])
async def test_scan_of_a_file_that_is_no_database_says_so(tmp_path: Path, folder: str) -> None:
    """A file of another kind, or another database, is reported as such."""
    (tmp_path / folder).mkdir(parents=True)
    for name in ("cookies.sqlite", "Cookies"):
        (tmp_path / folder / name).write_bytes(b"planted")
    (found,) = await scan_browsers(home=tmp_path, system="linux")
    assert (found.outcome, found.detail) == (
        ScanOutcome.UNREADABLE,
        "not a cookie database (DatabaseError)",
    )


async def test_bug_in_a_reader_is_raised_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception ends the scan loudly, instead of ending its thread silently."""
    fake_profiles.firefox(tmp_path / ".mozilla/firefox/x", [Made("f")])

    def fail(_: BrowserProfile) -> list[ProfileScan]:
        raise ZeroDivisionError

    monkeypatch.setattr(scan, "_read_profile", fail)
    with pytest.raises(ZeroDivisionError):
        await scan_browsers(home=tmp_path, system="linux")


async def test_scan_of_the_own_home_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an explicit home, HOME and XDG_CONFIG_HOME name the folders of the profiles."""
    fake_profiles.firefox(tmp_path / "conf/mozilla/firefox/x", [Made("f")])
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setitem(os.environ, name, str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "conf"))
    assert outcomes(await scan_browsers(system="linux")) == [("Firefox, x", "session found")]


def test_program_ends_while_a_scan_hangs(tmp_path: Path) -> None:
    """A thread that waits for a password dialog does not keep the program from quitting."""
    fake_profiles.firefox(tmp_path / ".mozilla/firefox/x", [Made("f")])
    script = """
import asyncio, sys, threading
from pathlib import Path
from claudemeter_tui.browsers import scan
scan._read_profile = lambda profile: threading.Event().wait()
print(asyncio.run(scan.scan_browsers(home=Path(sys.argv[1]), system="linux", limit=0.2))[0].outcome.value)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "timed out\n"


async def test_wanted_profile_cannot_send_escapes(tmp_path: Path) -> None:
    """The name of a profile that does not exist is printed without control characters."""
    people(tmp_path)
    scans = await scan_browsers(["chromium:\x1b[2J\x07"], home=tmp_path, system="linux")
    assert [each.session.label for each in scans] == ["Chromium, [2J"]

"""Sessions of the Firefox family, on databases made as Firefox makes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.browsers import firefox
from claudemeter_tui.browsers.folders import BROWSERS, build_base_folders
from claudemeter_tui.browsers.profiles import list_profiles
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made

FIREFOX = next(browser for browser in BROWSERS if browser.name == "Firefox")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the only profile, called "default"."""
    fake_profiles.listed(tmp_path / ".mozilla/firefox", {"x.default": "default"})
    return tmp_path / ".mozilla/firefox/x.default"


def looks(folder: Path) -> list[ProfileScan]:
    """Scan the only profile."""
    (profile,) = list_profiles(FIREFOX, build_base_folders(folder.parents[2]), "linux") or []
    return firefox.scan_firefox_profile(profile)


def keys(folder: Path) -> dict[str, str]:
    """Return the key of each session."""
    found = {each.session.label: each.cookies for each in looks(folder)}
    return {label: dict(cookies.reveal())["sessionKey"] for label, cookies in found.items() if cookies}


def name_containers(folder: Path, *identities: dict[str, Any]) -> None:
    """Write the container names as Firefox does when it exits."""
    (folder / "containers.json").write_text(json.dumps({"version": 5, "identities": identities}))


@pytest.mark.parametrize("milliseconds", [True, False], ids=["since 142", "before"])
def test_session_is_read_with_its_expiry(folder: Path, milliseconds: bool) -> None:  # noqa: FBT001 - a table
    """The expiry is read in seconds and in milliseconds (since Firefox 142)."""
    fake_profiles.firefox(
        folder, [Made("planted"), Made("b", name="a", host="claude.ai")], milliseconds=milliseconds
    )
    (found,) = looks(folder)
    assert (found.outcome, found.session.label) == (ScanOutcome.FOUND, "Firefox, default")
    assert datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC) == found.expires
    assert found.cookies
    assert dict(found.cookies.reveal()) == {"sessionKey": "planted", "a": "b"}


def test_session_is_read_while_firefox_is_open(folder: Path) -> None:
    """The newest sign-in counts while Firefox is open, although it is in the write-ahead log only."""
    with fake_profiles.open_firefox(folder, [Made("old")]) as browser:
        browser.execute("PRAGMA wal_checkpoint(PASSIVE)")
        with browser:
            browser.execute("UPDATE moz_cookies SET value = 'new'")
        assert keys(folder) == {"Firefox, default": "new"}


def test_containers_are_sessions_of_their_own(folder: Path) -> None:
    """Each container is a session with its given name or its number, in numeric order."""
    numbers = ["", "10", "2", "3", "4"]
    fake_profiles.firefox(
        folder, [Made(f"in{each}", attributes=f"^userContextId={each}" if each else "") for each in numbers]
    )
    name_containers(
        folder,
        {"userContextId": 2, "name": "Client\x1b"},
        {"userContextId": 3, "l10nId": "user-context-work"},
        {"userContextId": 4, "l10nID": "userContextBanking.label"},
    )
    expected = {
        "Firefox, default": "in",
        "Firefox, default, Client container": "in2",
        "Firefox, default, Work container": "in3",
        "Firefox, default, Banking container": "in4",
        "Firefox, default, container 10": "in10",
    }
    assert list(expected.items()) == list(keys(folder).items())


def test_container_alone_is_signed_in(folder: Path) -> None:
    """A profile with a session in a container only is not reported as signed out."""
    fake_profiles.firefox(folder, [Made("x", name="cf"), Made("planted", attributes="^userContextId=2")])
    assert keys(folder) == {"Firefox, default, container 2": "planted"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"identities": [5]}', '{"identities": [{"name": "x"}]}']
)
def test_containers_with_a_broken_list_go_by_number(folder: Path, text: str) -> None:
    """A broken file of container names hides no session."""
    fake_profiles.firefox(folder, [Made("planted", attributes="^userContextId=2")])
    (folder / "containers.json").write_text(text)
    assert keys(folder) == {"Firefox, default, container 2": "planted"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("^partitionKey=%28https%2Cclaude.ai%29", True),
        ("^partitionKey=%28https%2Cclaude.ai%2C8443%29", True),
        ("^firstPartyDomain=claude.ai", True),
        ("^partitionKey=%28https%2Cexample.com%29", False),
        ("^firstPartyDomain=example.com", False),
    ],
)
def test_cookies_kept_for_claude_inside_another_site_are_left_out(
    folder: Path,
    attributes: str,
    expected: bool,  # noqa: FBT001 - a table
) -> None:
    """Cookies of claude.ai embedded in another site are left out; the jar of claude.ai's own pages counts."""
    fake_profiles.firefox(folder, [Made("planted"), Made("x", name="cf_clearance", attributes=attributes)])
    (found,) = looks(folder)
    assert found.cookies
    assert expected is ("cf_clearance" in dict(found.cookies.reveal()))


@pytest.mark.parametrize(
    ("cookies", "words"),
    [
        ([], "claude.ai was never visited"),
        (
            [Made("x", host=".notclaude.ai"), Made("x", host="claude.ai.evil.com")],
            "claude.ai was never visited",
        ),
        ([Made("x", name="cf_bm")], "claude.ai was visited, but no one is signed in"),
        ([Made("")], "claude.ai was visited, but no one is signed in"),
        ([Made("planted\n")], "claude.ai was visited, but no one is signed in"),
    ],
)
def test_profile_without_a_session_says_so(folder: Path, cookies: list[Made], words: str) -> None:
    """A lookalike or an impossible value is no session, and the profile is reported as signed out."""
    fake_profiles.firefox(folder, cookies)
    (found,) = looks(folder)
    assert (ScanOutcome.NO_COOKIE, words) == (found.outcome, found.detail)


def test_row_of_odd_types_is_read_as_text(folder: Path) -> None:
    """A value of any SQLite type is read as text."""
    with fake_profiles.open_firefox(folder, [Made("planted")]) as browser, browser:
        browser.execute("UPDATE moz_cookies SET value = CAST(value AS BLOB), expiry = 'soon'")
    (found,) = looks(folder)
    assert keys(folder) == {"Firefox, default": "planted"}
    assert found.expires is None


def test_container_number_cannot_send_escapes(folder: Path) -> None:
    """A database is not trusted: its texts reach no terminal as they are."""
    fake_profiles.firefox(folder, [Made("in", attributes="^userContextId=\x1b[2J")])
    assert keys(folder) == {"Firefox, default, container [2J": "in"}

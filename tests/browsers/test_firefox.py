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
from claudemeter_tui.model.session import ProfileScan, ScanOutcome
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made

FIREFOX = next(browser for browser in BROWSERS if browser.name == "Firefox")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the one profile, called "default"."""
    fake_profiles.listed(tmp_path / ".mozilla/firefox", {"x.default": "default"})
    return tmp_path / ".mozilla/firefox/x.default"


def looks(folder: Path) -> list[ProfileScan]:
    """What the one profile gives."""
    (profile,) = list_profiles(FIREFOX, build_base_folders(folder.parents[2]), "linux") or []
    return firefox.scan_firefox_profile(profile)


def keys(folder: Path) -> dict[str, str]:
    """Session by session, its key."""
    found = {each.session.label: each.cookies for each in looks(folder)}
    return {label: dict(cookies.reveal())["sessionKey"] for label, cookies in found.items() if cookies}


def name_containers(folder: Path, *identities: dict[str, Any]) -> None:
    """What Firefox writes when it exits."""
    (folder / "containers.json").write_text(json.dumps({"version": 5, "identities": identities}))


@pytest.mark.parametrize("milliseconds", [True, False], ids=["since 142", "before"])
def test_session_is_read_with_its_expiry(folder: Path, milliseconds: bool) -> None:  # noqa: FBT001 - a table
    """Firefox 142 changed seconds into milliseconds."""
    fake_profiles.firefox(
        folder, [Made("planted"), Made("b", name="a", host="claude.ai")], milliseconds=milliseconds
    )
    (found,) = looks(folder)
    assert (found.outcome, found.session.label) == (ScanOutcome.FOUND, "Firefox, default")
    assert datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC) == found.expires
    assert found.cookies
    assert dict(found.cookies.reveal()) == {"sessionKey": "planted", "a": "b"}


def test_session_is_read_while_firefox_is_open(folder: Path) -> None:
    """The newest sign-in counts, which is in the write-ahead log alone."""
    with fake_profiles.open_firefox(folder, [Made("old")]) as browser:
        browser.execute("PRAGMA wal_checkpoint(PASSIVE)")
        with browser:
            browser.execute("UPDATE moz_cookies SET value = 'new'")
        assert keys(folder) == {"Firefox, default": "new"}


def test_containers_are_sessions_of_their_own(folder: Path) -> None:
    """Each by the name that the person or Firefox gave it, else by its number; in the order of numbers."""
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
    """Where only a container has a session, the profile itself is not reported as signed out."""
    fake_profiles.firefox(folder, [Made("x", name="cf"), Made("planted", attributes="^userContextId=2")])
    assert keys(folder) == {"Firefox, default, container 2": "planted"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"identities": [5]}', '{"identities": [{"name": "x"}]}']
)
def test_containers_with_a_broken_list_go_by_number(folder: Path, text: str) -> None:
    """Names are a courtesy: a broken file of them hides no session."""
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
    """Firefox keeps a jar for each site that embeds one; ours is the one of claude.ai's own pages."""
    fake_profiles.firefox(folder, [Made("planted"), Made("x", name="cf_clearance", attributes=attributes)])
    (found,) = looks(folder)
    assert found.cookies
    assert expected is ("cf_clearance" in dict(found.cookies.reveal()))


@pytest.mark.parametrize(
    ("cookies", "words"),
    [
        ([], "claude.ai was never visited here"),
        (
            [Made("x", host=".notclaude.ai"), Made("x", host="claude.ai.evil.com")],
            "claude.ai was never visited here",
        ),
        ([Made("x", name="cf_bm")], "claude.ai was visited, but nobody is signed in"),
        ([Made("")], "claude.ai was visited, but nobody is signed in"),
        ([Made("planted\n")], "claude.ai was visited, but nobody is signed in"),
    ],
)
def test_profile_without_a_session_says_so(folder: Path, cookies: list[Made], words: str) -> None:
    """Look-alikes are no session, and neither is a value that no cookie can have."""
    fake_profiles.firefox(folder, cookies)
    (found,) = looks(folder)
    assert (ScanOutcome.NO_COOKIE, words) == (found.outcome, found.detail)


def test_row_of_odd_types_is_read_as_text(folder: Path) -> None:
    """SQLite keeps any type in any column."""
    with fake_profiles.open_firefox(folder, [Made("planted")]) as browser, browser:
        browser.execute("UPDATE moz_cookies SET value = CAST(value AS BLOB), expiry = 'soon'")
    (found,) = looks(folder)
    assert keys(folder) == {"Firefox, default": "planted"}
    assert found.expires is None

"""Sessions of the Chromium family: each trap of browser_cookie3, on databases made as Chromium makes them."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import browser_cookie3
import pytest

from claudemeter_tui.browsers import chromium
from claudemeter_tui.browsers.folders import BROWSERS, build_base_folders
from claudemeter_tui.browsers.profiles import list_profiles
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the key is the one of Linux")

NAMED = {browser.name: browser for browser in BROWSERS}
BUS = "DBUS_SESSION_BUS_ADDRESS"


def look(home: Path, *cookies: Made, version: int = 24) -> ProfileScan:
    """Scan a Chrome profile with these cookies."""
    fake_profiles.chromium(home / ".config/google-chrome", "Default", cookies, version=version)
    (profile,) = list_profiles(NAMED["Chrome"], build_base_folders(home), "linux") or []
    (only,) = chromium.scan_chromium_profile(profile)
    return only


def jar(found: ProfileScan) -> dict[str, str]:
    """Return the cookies of a scan as a dict."""
    return dict(found.cookies.reveal()) if found.cookies else {}


def failing(error: BaseException) -> Any:
    """Return a reader of the library that raises on construction."""

    def build(**_: str) -> NoReturn:
        raise error

    return build


@pytest.mark.parametrize("version", [20, 24])
@pytest.mark.parametrize("prefix", [b"v10", b""])
def test_session_is_read_with_its_whole_jar(tmp_path: Path, version: int, prefix: bytes) -> None:
    """A session is read with all its cookies: encrypted or plain, with or without the domain's hash."""
    cookies = (
        Made("planted", prefix=prefix),
        Made("org", name="lastActiveOrg", host="claude.ai", prefix=prefix),
    )
    found = look(tmp_path, *cookies, version=version)
    assert (found.outcome, found.session.label) == (ScanOutcome.FOUND, "Chrome, Default")
    assert jar(found) == {"sessionKey": "planted", "lastActiveOrg": "org"}


def test_session_carries_its_expiry_and_the_browsers_own_name(tmp_path: Path) -> None:
    """A session has the cookie's expiry and a User-Agent with the version beside the profiles."""
    (tmp_path / ".config/google-chrome").mkdir(parents=True)
    (tmp_path / ".config/google-chrome/Last Version").write_text("150.0.1.2")
    found = look(tmp_path, Made("planted"))
    assert datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC) == found.expires
    assert found.user_agent
    assert "Chrome/150.0.0.0" in found.user_agent


def test_session_without_an_expiry_has_none(tmp_path: Path) -> None:
    """A session cookie of the browser has no known expiry."""
    assert look(tmp_path, Made("planted", expires=0)).expires is None


def test_cookies_of_other_domains_are_left_out(tmp_path: Path) -> None:
    """Cookies of other domains are left out, although the library matches a domain anywhere in the host."""
    others = [
        Made("x", name=f"other{number}", host=host)
        for number, host in enumerate([".notclaude.ai", "claude.ai.evil.com", ".evil.com", "claude.aix"])
    ]
    assert jar(look(tmp_path, *others, Made("planted"))) == {"sessionKey": "planted"}


def test_session_of_a_lookalike_domain_is_ignored(tmp_path: Path) -> None:
    """A session key of notclaude.ai is ignored, and no cookie is decrypted for it."""
    found = look(tmp_path, Made("x", host=".notclaude.ai"), Made("y", host="claude.ai.evil.com"))
    assert (found.outcome, found.detail) == (ScanOutcome.NO_COOKIE, "claude.ai was never visited")


def test_session_of_claude_ai_itself_counts_before_one_below_it(tmp_path: Path) -> None:
    """Of two session keys the one that a browser would send to claude.ai counts."""
    found = look(tmp_path, Made("below", host="a.claude.ai", expires=fake_profiles.LATER + 9), Made("own"))
    assert jar(found) == {"sessionKey": "own"}
    assert datetime.fromtimestamp(fake_profiles.LATER, UTC) == found.expires


def test_profile_without_a_session_key_asks_no_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signed-out profile is recognized by its cookie names, without the library or a keychain dialog."""
    monkeypatch.setattr(browser_cookie3, "Chrome", failing(AssertionError("it was asked")))
    found = look(tmp_path, Made("x", name="cf_bm"))
    assert (found.outcome, found.detail) == (
        ScanOutcome.NO_COOKIE,
        "claude.ai was visited, but no one is signed in",
    )


@pytest.mark.parametrize(
    ("cookie", "expected", "words"),
    [
        (Made("planted", prefix=b"v20"), ScanOutcome.UNSUPPORTED, "app-bound"),
        (Made("planted", prefix=b"v99"), ScanOutcome.UNDECRYPTABLE, "cannot be decrypted"),
        (Made("planted", prefix=b"v11", password="unknown"), ScanOutcome.UNDECRYPTABLE, "no D-Bus session"),
        (Made("planted", password="unknown"), ScanOutcome.UNDECRYPTABLE, "cannot be decrypted"),
        (Made("plant\x07ed"), ScanOutcome.UNDECRYPTABLE, "cannot be decrypted"),
        (Made("", prefix=b""), ScanOutcome.UNDECRYPTABLE, "cannot be decrypted"),
    ],
    ids=["app-bound", "unknown prefix", "keyring", "wrong key", "noise", "empty"],
)
def test_session_that_cannot_be_decrypted_is_not_signed_out(
    tmp_path: Path, cookie: Made, expected: ScanOutcome, words: str
) -> None:
    """A session that decrypts to an empty value or to noise is reported as unreadable, not as signed out."""
    found = look(tmp_path, cookie)
    assert expected is found.outcome
    assert words in found.detail
    assert found.cookies is None


def test_cookie_that_cannot_be_decrypted_leaves_the_others(tmp_path: Path) -> None:
    """A cookie of an unknown kind decrypts to an empty value and is not sent; the others are."""
    assert jar(look(tmp_path, Made("planted"), Made("x", name="a", prefix=b"v77"))) == {
        "sessionKey": "planted"
    }


@pytest.mark.parametrize("address", ["unix:path=/nowhere", "nonsense", "tcp:host=127.0.0.1,port=1"])
def test_session_is_read_where_the_bus_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """The built-in key needs no session bus; the person's own bus address stays as it is."""
    monkeypatch.setenv(BUS, address)
    assert jar(look(tmp_path, Made("planted"))) == {"sessionKey": "planted"}
    assert os.environ[BUS] == address


def test_environment_without_a_bus_stays_without(tmp_path: Path) -> None:
    """The temporary bus address is removed after the read, even if the read fails."""
    assert ScanOutcome.FOUND is look(tmp_path / "a", Made("planted")).outcome
    assert ScanOutcome.UNDECRYPTABLE is look(tmp_path / "b", Made("planted", password="unknown")).outcome
    assert BUS not in os.environ


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TypeError("planted"), ScanOutcome.UNREADABLE),
        (KeyError("planted"), ScanOutcome.UNREADABLE),
        (AttributeError("planted"), ScanOutcome.UNREADABLE),
        (RuntimeError("planted"), ScanOutcome.UNREADABLE),
        (browser_cookie3.sqlite3.DatabaseError("planted"), ScanOutcome.UNREADABLE),
        (browser_cookie3.sqlite3.OperationalError("planted is locked"), ScanOutcome.LOCKED),
        (browser_cookie3.BrowserCookieError("Unable to read database file"), ScanOutcome.LOCKED),
        (browser_cookie3.BrowserCookieError("Unable to get key for planted"), ScanOutcome.UNDECRYPTABLE),
        (UnicodeDecodeError("utf-8", b"planted", 0, 1, "planted"), ScanOutcome.UNDECRYPTABLE),
        (AssertionError("planted"), ScanOutcome.UNDECRYPTABLE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_library_errors_are_reported_without_their_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: ScanOutcome
) -> None:
    """Any exception of the library is reported without its text, which may quote what it was reading."""
    monkeypatch.setattr(browser_cookie3, "Chrome", failing(error))
    found = look(tmp_path, Made("planted"))
    assert expected is found.outcome
    assert found.detail
    assert "planted" not in repr(found)


@pytest.mark.parametrize("browser", [each.name for each in BROWSERS if each.reader_class and each.linux])
def test_every_browser_of_the_family_is_read(tmp_path: Path, browser: str) -> None:
    """Each browser of the family is read by the library's own class for it, from each of its folders."""
    for number, folder in enumerate(NAMED[browser].linux):
        base, _, rest = folder.partition("/")
        fake_profiles.chromium(
            build_base_folders(tmp_path)[base] / rest, "Default", [Made(f"planted{number}")]
        )
    found = [
        chromium.scan_chromium_profile(profile)[0]
        for profile in list_profiles(NAMED[browser], build_base_folders(tmp_path), "linux") or []
    ]
    keys = [jar(each)["sessionKey"] for each in found]
    assert [f"planted{number}" for number in range(len(NAMED[browser].linux))] == keys
    assert len(keys) == len({each.session.label for each in found})

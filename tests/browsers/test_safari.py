"""Sessions of Safari, on files made as Safari makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import browser_cookie3
import pytest

from claudemeter_tui.browsers.scan import scan_browsers
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of Safari's cookie file."""
    return tmp_path / "Library/Containers/com.apple.Safari/Data/Library/Cookies/Cookies.binarycookies"


def spoil(file: Path, content: bytes | None = None) -> None:
    """Cut a file short, or overwrite a part of it."""
    file.write_bytes(file.read_bytes()[:-12] if content is None else content)


async def safari(home: Path) -> ProfileScan:
    """Scan the only profile."""
    (only,) = await scan_browsers(["safari"], home=home, system="darwin")
    return only


async def test_session_is_read_with_its_jar(tmp_path: Path, file: Path) -> None:
    """Values are plain, times count from 2001, and lookalike domains are left out."""
    fake_profiles.safari(file, [Made("x", host=".notclaude.ai"), Made("planted"), Made("b", name="a")])
    found = await safari(tmp_path)
    assert (found.outcome, found.session.label) == (ScanOutcome.FOUND, "Safari")
    assert found.cookies
    assert dict(found.cookies.reveal()) == {"sessionKey": "planted", "a": "b"}
    assert datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC) == found.expires


async def test_file_cut_short_is_not_given_to_the_library(tmp_path: Path, file: Path) -> None:
    """A truncated file is not given to the library, which would read for ever and fill the memory."""
    spoil(fake_profiles.safari(file, [Made("planted")]))
    assert ScanOutcome.UNREADABLE is (await safari(tmp_path)).outcome


async def test_file_of_another_kind_is_not_readable(tmp_path: Path, file: Path) -> None:
    """A file of another kind is reported as unreadable without being quoted."""
    spoil(fake_profiles.safari(file, []), b"planted")
    found = await safari(tmp_path)
    assert ScanOutcome.UNREADABLE is found.outcome
    assert "planted" not in repr(found)


async def test_library_errors_are_reported_without_their_text(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any exception of the library is reported without its text, which may quote what it was reading."""

    def fail(**_: str) -> None:
        raise AssertionError("planted")

    monkeypatch.setattr(browser_cookie3, "Safari", fail)
    fake_profiles.safari(file, [Made("planted")])
    found = await safari(tmp_path)
    assert (found.outcome, found.detail) == (
        ScanOutcome.UNREADABLE,
        "browser_cookie3 failed (AssertionError)",
    )


async def test_profile_without_a_session_says_so(tmp_path: Path, file: Path) -> None:
    """A profile without a session is reported as signed out."""
    fake_profiles.safari(file, [Made("x", name="cf_bm")])
    assert ScanOutcome.NO_COOKIE is (await safari(tmp_path)).outcome


async def test_profile_without_a_file_holds_no_cookies_yet(tmp_path: Path, file: Path) -> None:
    """A missing cookie file means "no cookies yet", because every Mac has Safari, used or not."""
    file.parent.parent.mkdir(parents=True)
    found = await safari(tmp_path)
    assert (found.outcome, found.detail) == (ScanOutcome.NO_COOKIE, "no cookies yet")

"""Sessions of Safari, whose cookies are plain but guarded by macOS."""

from __future__ import annotations

from pathlib import Path

from claudemeter_tui.browsers import cookie_jar
from claudemeter_tui.browsers.cookie_jar import BrowserCookie
from claudemeter_tui.browsers.profiles import BrowserProfile, build_scan, build_signed_out_scan
from claudemeter_tui.model.session import ProfileScan, ScanOutcome


def scan_safari_profile(profile: BrowserProfile) -> list[ProfileScan]:
    """What the profile holds, at most one session.

    Raises:
        OSError: the file cannot be read.
    """
    if not _is_complete(profile.file):
        return [
            build_scan(
                profile, ScanOutcome.UNREADABLE, "its cookie file is not whole: look again in a moment"
            )
        ]
    try:
        found = _load_cookies(profile)
        cookies, expires = cookie_jar.merge_cookies(found), cookie_jar.find_expiry(found)
    except Exception as error:  # noqa: BLE001 - browser_cookie3 raises anything, with anything in it
        return [
            build_scan(profile, ScanOutcome.UNREADABLE, f"browser_cookie3 failed ({type(error).__name__})")
        ]
    if not cookies.has_session_key:
        return [build_signed_out_scan(profile, visited=bool(found))]
    return [build_scan(profile, ScanOutcome.FOUND, cookies=cookies, expires=expires)]


def _load_cookies(profile: BrowserProfile) -> tuple[BrowserCookie, ...]:
    import browser_cookie3  # noqa: PLC0415 - 75 ms, and only a reader's thread needs it

    reader = browser_cookie3.Safari(
        cookie_file=str(profile.file.absolute()), domain_name=cookie_jar.CLAUDE_DOMAIN
    )
    return tuple(
        BrowserCookie(
            cookie.domain, cookie.name, cookie.value or "", cookie_jar.parse_timestamp(cookie.expires)
        )
        for cookie in reader.load()
        if cookie_jar.is_claude_host(cookie.domain)
    )


def _is_complete(path: Path) -> bool:
    """Whether every page is there: on a file cut short the library reads on for ever."""
    with path.open("rb") as file:
        start = file.read(8)
        sizes = file.read(4 * int.from_bytes(start[4:8], "big"))
        pages = [int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4)]
    return start[:4] == b"cook" and path.stat().st_size >= 8 + len(sizes) + sum(pages)

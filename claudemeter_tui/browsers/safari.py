"""Read sessions of Safari, whose cookies are not encrypted but protected by macOS."""

from __future__ import annotations

from pathlib import Path

from claudemeter_tui.browsers import cookie_jar
from claudemeter_tui.browsers.profiles import BrowserProfile, build_scan, build_signed_out_scan
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome


def scan_safari_profile(profile: BrowserProfile) -> list[ProfileScan]:
    """Return the scan of a profile, which holds at most one session.

    Raises:
        OSError: the file cannot be read.
    """
    if not _is_complete(profile.file):
        return [build_scan(profile, ScanOutcome.UNREADABLE, "incomplete cookie file: retry in a moment")]
    try:
        import browser_cookie3  # noqa: PLC0415 - 75 ms, and only a reader's thread needs it

        reader = browser_cookie3.Safari(
            cookie_file=str(profile.file.absolute()), domain_name=cookie_jar.CLAUDE_DOMAIN
        )
        claude_cookies = cookie_jar.select_claude_cookies(reader.load())
        cookies, expires = cookie_jar.merge_cookies(claude_cookies)
    except Exception as error:  # noqa: BLE001 - browser_cookie3 raises anything, with anything in it
        return [
            build_scan(profile, ScanOutcome.UNREADABLE, f"browser_cookie3 failed ({type(error).__name__})")
        ]
    if not cookies.has_session_key:
        return [build_signed_out_scan(profile, visited=bool(claude_cookies))]
    return [build_scan(profile, ScanOutcome.FOUND, cookies=cookies, expires=expires)]


def _is_complete(path: Path) -> bool:
    """True if the file has every page that its header lists; the library never stops on a truncated file."""
    with path.open("rb") as file:
        # The header is `cook`, the number of pages, then each page's size, all big-endian.
        magic_and_count = file.read(8)
        page_sizes = file.read(4 * int.from_bytes(magic_and_count[4:8], "big"))
        pages = [
            int.from_bytes(page_sizes[offset : offset + 4], "big") for offset in range(0, len(page_sizes), 4)
        ]
    return magic_and_count[:4] == b"cook" and path.stat().st_size >= 8 + len(page_sizes) + sum(pages)

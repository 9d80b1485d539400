"""Sessions of Safari, whose cookies are plain but guarded by macOS."""

from __future__ import annotations

from pathlib import Path

from claudemeter_tui.sources.browsers import jar
from claudemeter_tui.sources.browsers.jar import Cookie
from claudemeter_tui.sources.browsers.outcome import Look, Outcome
from claudemeter_tui.sources.browsers.profiles import Profile
from claudemeter_tui.sources.browsers.session import look_at, signed_out


def read(profile: Profile) -> list[Look]:
    """What the profile holds, at most one session.

    Raises:
        OSError: the file cannot be read.
    """
    if not _whole(profile.file):
        return [look_at(profile, Outcome.UNREADABLE, "its cookie file is not whole: look again in a moment")]
    try:
        found = _load(profile)
        cookies, expires = jar.cookies(found), jar.expiry(found)
    except Exception as error:  # noqa: BLE001 - browser_cookie3 raises anything, with anything in it
        return [look_at(profile, Outcome.UNREADABLE, f"browser_cookie3 failed ({type(error).__name__})")]
    if not cookies.has_key:
        return [signed_out(profile, visited=bool(found))]
    return [look_at(profile, Outcome.FOUND, cookies=cookies, expires=expires)]


def _load(profile: Profile) -> tuple[Cookie, ...]:
    import browser_cookie3  # noqa: PLC0415 - 75 ms, and only a reader's thread needs it

    reader = browser_cookie3.Safari(cookie_file=str(profile.file.absolute()), domain_name=jar.DOMAIN)
    return tuple(
        Cookie(cookie.domain, cookie.name, cookie.value or "", jar.moment(cookie.expires))
        for cookie in reader.load()
        if jar.ours(cookie.domain)
    )


def _whole(path: Path) -> bool:
    """Whether every page is there: on a file cut short the library reads on for ever."""
    with path.open("rb") as file:
        start = file.read(8)
        sizes = file.read(4 * int.from_bytes(start[4:8], "big"))
        pages = [int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4)]
    return start[:4] == b"cook" and path.stat().st_size >= 8 + len(sizes) + sum(pages)

"""Sessions of the Firefox family, one for each container.

browser_cookie3 is not used: it misses the write-ahead log, and so the newest session, and merges
the containers into one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from claudemeter_tui.browsers import cookie_jar, sqlite_image
from claudemeter_tui.browsers.cookie_jar import BrowserCookie
from claudemeter_tui.browsers.profiles import BrowserProfile, build_scan, build_signed_out_scan
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.secrets import SESSION_KEY
from claudemeter_tui.model.session import ProfileScan, ScanOutcome

_QUERY = """SELECT host, CAST(name AS TEXT), CAST(value AS TEXT), CAST(expiry AS INTEGER),
    CAST(originAttributes AS TEXT) FROM moz_cookies WHERE host = ? OR host LIKE ?"""


@dataclass(frozen=True, slots=True)
class ContainerCookie:
    """A cookie, and the jar that Firefox keeps it in."""

    cookie: BrowserCookie
    container: str
    """The number of the container; empty for none."""
    is_foreign: bool
    """Kept for claude.ai inside of another site, where nobody is signed in."""


def scan_firefox_profile(profile: BrowserProfile) -> list[ProfileScan]:
    """Every session of the profile; without any, one look that says so.

    Raises:
        OSError: the database cannot be read.
        UnreadableError: it is none.
    """
    stored = sqlite_image.query_database(
        profile.file, _QUERY, _parse_row, cookie_jar.CLAUDE_DOMAIN, f"%.{cookie_jar.CLAUDE_DOMAIN}"
    )
    kept = [each for each in stored if not each.is_foreign]
    signed_in = {each.container for each in kept if each.cookie.name == SESSION_KEY and each.cookie.is_usable}
    if not signed_in:
        return [build_signed_out_scan(profile, visited=bool(kept))]
    names = _read_container_names(profile) if signed_in != {""} else {}
    return [
        _build_container_scan(profile, kept, number, names)
        for number in sorted(signed_in, key=_build_container_sort_key)
    ]


def _build_container_scan(
    profile: BrowserProfile, kept: list[ContainerCookie], number: str, names: Mapping[str, str]
) -> ProfileScan:
    held = [each.cookie for each in kept if each.container == number]
    named = f"{names[number]} container" if number in names else f"container {number}"
    return build_scan(
        profile,
        ScanOutcome.FOUND,
        container=named if number else "",
        cookies=cookie_jar.merge_cookies(held),
        expires=cookie_jar.find_expiry(held),
    )


def _parse_row(
    host: str, name: str, value: str | None, expires: int | None, attributes: str | None
) -> ContainerCookie:
    """A row. Its attributes are like `^userContextId=2&partitionKey=%28https%2Cclaude.ai%29`."""
    parts = parse_qs((attributes or "").lstrip("^"))
    top = (parts.get("partitionKey") or parts.get("firstPartyDomain") or [""])[0].strip("()").split(",")
    foreign = top != [""] and not cookie_jar.is_claude_host(top[min(1, len(top) - 1)])
    cookie = BrowserCookie(host, name, value or "", cookie_jar.parse_timestamp(expires))
    return ContainerCookie(cookie, parts.get("userContextId", [""])[0], foreign)


def _read_container_names(profile: BrowserProfile) -> dict[str, str]:
    """Number to name; Firefox writes the file when it exits, so it may be absent or behind."""
    try:
        text = profile.file.with_name("containers.json").read_text("utf-8", errors="replace")
        listed = json.loads(text)["identities"]
        named = {
            str(each["userContextId"]): each.get("name") or _format_built_in_name(each) for each in listed
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
    return {
        number: sanitize_text(name)
        for number, name in named.items()
        if isinstance(name, str) and sanitize_text(name)
    }


def _format_built_in_name(identity: Mapping[str, object]) -> str:
    """The name of one of Firefox's own: `user-context-work`, before 2024 `userContextWork.label`."""
    key = str(identity.get("l10nId") or identity.get("l10nID") or "")
    return key.removeprefix("user-context-").removeprefix("userContext").removesuffix(".label").capitalize()


def _build_container_sort_key(number: str) -> tuple[int, str]:
    return (int(number) if number.isdecimal() else 0, number)

"""Read sessions of the Firefox family, one for each container.

browser_cookie3 is not used: it ignores the write-ahead log, which holds the newest session, and it merges the
containers into one jar.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from claudemeter_tui.browsers import cookie_jar, sqlite_image
from claudemeter_tui.browsers.cookie_jar import BrowserCookie
from claudemeter_tui.browsers.profiles import BrowserProfile, build_scan, build_signed_out_scan
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.secrets import SESSION_KEY
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome

_QUERY = """SELECT host, CAST(name AS TEXT), CAST(value AS TEXT), CAST(expiry AS INTEGER),
    CAST(originAttributes AS TEXT) FROM moz_cookies WHERE host = ? OR host LIKE ?"""


class ContainerCookie(NamedTuple):
    """A cookie and its Firefox container."""

    cookie: BrowserCookie
    container: str
    """The number of the container; empty for cookies outside of containers."""
    is_foreign: bool
    """True if the cookie belongs to claude.ai embedded in another site, which is never signed in."""


def scan_firefox_profile(profile: BrowserProfile) -> list[ProfileScan]:
    """Return every session of the profile; if there is none, one scan with the reason.

    Raises:
        OSError: the database cannot be read.
        UnreadableDatabaseError: the file is not a cookie database.
    """
    stored = sqlite_image.query_database(profile.file, _QUERY, _parse_row, *cookie_jar.HOST_PATTERNS)
    own = [each for each in stored if not each.is_foreign]
    signed_in = {each.container for each in own if each.cookie.name == SESSION_KEY and each.cookie.is_usable}
    if not signed_in:
        return [build_signed_out_scan(profile, visited=bool(own))]
    # Most people use no containers, and then the file is not needed.
    names = _read_container_names(profile) if signed_in != {""} else {}
    scans = []
    for number in sorted(signed_in, key=lambda text: (int(text) if text.isdecimal() else 0, text)):
        label = f"{names[number]} container" if number in names else f"container {number}"
        cookies, expires = cookie_jar.merge_cookies(each.cookie for each in own if each.container == number)
        container = label if number else ""
        scans.append(
            build_scan(profile, ScanOutcome.FOUND, container=container, cookies=cookies, expires=expires)
        )
    return scans


def _parse_row(
    host: str, name: str, value: str | None, expires: int | None, attributes: str | None
) -> ContainerCookie:
    """Parse a row, whose attributes look like `^userContextId=2&partitionKey=%28https%2Cclaude.ai%29`."""
    # A partition key is `(scheme,host)` and names the top-level site; `firstPartyDomain` is a bare host.
    parts = parse_qs((attributes or "").lstrip("^"))
    top = (parts.get("partitionKey") or parts.get("firstPartyDomain") or [""])[0].strip("()").split(",")
    is_foreign = top != [""] and not cookie_jar.is_claude_host(top[min(1, len(top) - 1)])
    cookie = BrowserCookie(host, name, value or "", cookie_jar.parse_timestamp(expires))
    return ContainerCookie(cookie, sanitize_text(parts.get("userContextId", [""])[0]), is_foreign)


def _read_container_names(profile: BrowserProfile) -> dict[str, str]:
    """Return container numbers with their names; empty if they cannot be read.

    Firefox writes `containers.json` when it exits, so the file may be missing or out of date.
    """
    try:
        text = profile.file.with_name("containers.json").read_text("utf-8", errors="replace")
        identities = json.loads(text)["identities"]
        names = {
            str(each["userContextId"]): each.get("name") or _format_built_in_name(each) for each in identities
        }
    # The format is private to Firefox, so the content may have any shape.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
    texts = {number: sanitize_text(name) for number, name in names.items() if isinstance(name, str)}
    return {number: text for number, text in texts.items() if text}


def _format_built_in_name(identity: Mapping[str, object]) -> str:
    """Return a built-in container's name: `user-context-work`, before 2024 `userContextWork.label`."""
    key = str(identity.get("l10nId") or identity.get("l10nID") or "")
    return key.removeprefix("user-context-").removeprefix("userContext").removesuffix(".label").capitalize()

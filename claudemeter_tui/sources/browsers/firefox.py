"""Sessions of the Firefox family, one for each container.

browser_cookie3 is not used: it misses the write-ahead log, and so the newest session, and merges
the containers into one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from claudemeter_tui.sources.browsers import database, jar
from claudemeter_tui.sources.browsers.jar import Cookie
from claudemeter_tui.sources.browsers.outcome import Look, Outcome
from claudemeter_tui.sources.browsers.profiles import Profile
from claudemeter_tui.sources.browsers.session import look_at, signed_out
from claudemeter_tui.sources.cookies import SESSION_KEY
from claudemeter_tui.sources.plain import plain

_QUERY = """SELECT host, CAST(name AS TEXT), CAST(value AS TEXT), CAST(expiry AS INTEGER),
    CAST(originAttributes AS TEXT) FROM moz_cookies WHERE host = ? OR host LIKE ?"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A cookie, and the jar that Firefox keeps it in."""

    cookie: Cookie
    container: str
    """The number of the container; empty for none."""
    foreign: bool
    """Kept for claude.ai inside of another site, where nobody is signed in."""


def read(profile: Profile) -> list[Look]:
    """Every session of the profile; without any, one look that says so.

    Raises:
        OSError: the database cannot be read.
        UnreadableError: it is none.
    """
    stored = database.rows(profile.file, _QUERY, _kept, jar.DOMAIN, f"%.{jar.DOMAIN}")
    kept = [each for each in stored if not each.foreign]
    signed_in = {each.container for each in kept if each.cookie.name == SESSION_KEY and each.cookie.usable}
    if not signed_in:
        return [signed_out(profile, visited=bool(kept))]
    names = _containers(profile) if signed_in != {""} else {}
    return [_session(profile, kept, number, names) for number in sorted(signed_in, key=_order)]


def _session(profile: Profile, kept: list[Kept], number: str, names: Mapping[str, str]) -> Look:
    held = [each.cookie for each in kept if each.container == number]
    named = f"{names[number]} container" if number in names else f"container {number}"
    return look_at(
        profile,
        Outcome.FOUND,
        container=named if number else "",
        cookies=jar.cookies(held),
        expires=jar.expiry(held),
    )


def _kept(host: str, name: str, value: str | None, expires: int | None, attributes: str | None) -> Kept:
    """A row. Its attributes are like `^userContextId=2&partitionKey=%28https%2Cclaude.ai%29`."""
    parts = parse_qs((attributes or "").lstrip("^"))
    top = (parts.get("partitionKey") or parts.get("firstPartyDomain") or [""])[0].strip("()").split(",")
    foreign = top != [""] and not jar.ours(top[min(1, len(top) - 1)])
    cookie = Cookie(host, name, value or "", jar.moment(expires))
    return Kept(cookie, parts.get("userContextId", [""])[0], foreign)


def _containers(profile: Profile) -> dict[str, str]:
    """Number to name; Firefox writes the file when it exits, so it may be absent or behind."""
    try:
        text = profile.file.with_name("containers.json").read_text("utf-8", errors="replace")
        listed = json.loads(text)["identities"]
        named = {str(each["userContextId"]): each.get("name") or _built_in(each) for each in listed}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
    return {number: plain(name) for number, name in named.items() if isinstance(name, str) and plain(name)}


def _built_in(identity: Mapping[str, object]) -> str:
    """The name of one of Firefox's own: `user-context-work`, before 2024 `userContextWork.label`."""
    key = str(identity.get("l10nId") or identity.get("l10nID") or "")
    return key.removeprefix("user-context-").removeprefix("userContext").removesuffix(".label").capitalize()


def _order(number: str) -> tuple[int, str]:
    return (int(number) if number.isdecimal() else 0, number)

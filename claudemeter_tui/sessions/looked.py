"""What was looked at, and what is known of each session that was found there."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from claudemeter_tui.model.reading import CLAUDE_CODE, Looked, Session, Trouble
from claudemeter_tui.sessions.turns import Seat
from claudemeter_tui.sessions.ways import Ways
from claudemeter_tui.sources.browsers import Look
from claudemeter_tui.sources.claude_code.credentials import Found, Login
from claudemeter_tui.text import problems

BROWSERS = Session("Browsers")
"""Stands for all browsers where none was found."""


def looked(ways: Ways, looks: Collection[Look], login: Found | None, seats: Iterable[Seat]) -> list[Looked]:
    """A line for each profile that was looked at, for Claude Code's login, and for what was given by hand."""
    seated = {seat.session: seat for seat in seats}
    places = {place.session: place for place in (map(found, looks) if looks else no_browser(ways))}
    if login is not None:
        places[CLAUDE_CODE] = found_login(login)
    by_hand = {session: Looked(session, "session given", works=True) for session in seated}
    return [_judged(place, seated.get(place.session)) for place in (by_hand | places).values()]


def no_browser(ways: Ways) -> list[Looked]:
    """A line that says where none was found, if any was looked for."""
    return [] if ways.look is None else [Looked(BROWSERS, "none found", f"looked for {ways.searched}")]


def found(look: Look) -> Looked:
    """What a look at a profile gave."""
    return Looked(look.session, look.outcome.value, look.detail, works=look.cookies is not None)


def found_login(login: Found) -> Looked:
    """What looking for Claude Code's login gave."""
    if isinstance(login, Login):
        said = ", ".join(part for part in (login.place, login.plan) if part)
        return Looked(CLAUDE_CODE, "login found", said, works=True)
    return Looked(CLAUDE_CODE, login.lack.value, login.detail)


def refused(session: Session, trouble: Trouble) -> Looked:
    """A session that was found, and that the server does not accept."""
    if trouble in problems.RENEWED:
        return Looked(session, trouble.value, f"{problems.renewal(session)}.")
    return Looked(session, trouble.value, problems.TABLE[trouble].what)


def _judged(place: Looked, seat: Seat | None) -> Looked:
    """The line with what the server said of the session, if it was asked."""
    if seat is None or not place.works:
        return place
    if seat.trouble is not None:
        return refused(place.session, seat.trouble)
    email = seat.account.email if seat.account is not None else None
    return Looked(place.session, place.outcome, email or place.detail, works=True)

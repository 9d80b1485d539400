"""Every session tried once, for a terminal or a bug report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from claudemeter_tui.model.reading import CLAUDE_CODE, Failure, Looked, Reading, Reply, Session, Trouble
from claudemeter_tui.model.usage import Account
from claudemeter_tui.polling import Source
from claudemeter_tui.sessions.looked import found, found_login, no_browser, refused
from claudemeter_tui.sessions.ways import ClaudeCodeLogin, Ways
from claudemeter_tui.sources.browsers import Look
from claudemeter_tui.sources.claude_code.credentials import Login
from claudemeter_tui.sources.cookies import Cookies
from claudemeter_tui.text.sessions import NONE_WORKS, table

FOUND, NONE = 0, 3
"""Exit status where at least one session works, and where none does."""


def sessions_report(ways: Ways, write: Callable[[str], object]) -> int:
    """Try every session, hand the table to `write`, and give the exit status."""
    places = asyncio.run(checked(ways))
    works = any(place.works for place in places)
    write(table(places) if works else f"{table(places)}\n\n{NONE_WORKS}")
    return FOUND if works else NONE


async def checked(ways: Ways) -> list[Looked]:
    """What looking gave, place by place, and what the server says to each session that was found.

    Each is asked once whose it is; one that `works` was accepted.
    """
    if ways.given is not None:
        return [await _session(ways, *ways.given, None)]
    looks = await ways.look(ways.wanted, lambda _: None) if ways.look is not None else ()
    tried = await asyncio.gather(*(_looked(ways, look) for look in looks)) or no_browser(ways)
    login = [await _login(ways.claude_code)] if ways.claude_code is not None else []
    return [*tried, *login]


async def _looked(ways: Ways, look: Look) -> Looked:
    if look.cookies is None:
        return found(look)
    return await _session(ways, look.session, look.cookies, look.user_agent)


async def _session(ways: Ways, session: Session, cookies: Cookies, agent: str | None) -> Looked:
    """The whole jar, and where it has expired the key alone."""
    connection = await asyncio.to_thread(ways.connect, session, cookies, agent)
    try:
        said = await _asked(connection.source)
        if said is not None and _is_expired(said) and connection.present() != cookies.key_only():
            connection.use(cookies.key_only())
            said = await _asked(connection.source)
    finally:
        await connection.source.aclose()
    return _judged(session, said)


async def _login(way: ClaudeCodeLogin) -> Looked:
    """Claude Code's login, asked only where its budget allows it."""
    login = await asyncio.to_thread(way.find)
    if not isinstance(login, Login):
        return found_login(login)
    source = await asyncio.to_thread(way.connect)
    try:
        said = await _asked(source)
    finally:
        await source.aclose()
    if said is None:
        waiting = "not asked: it may be asked every three minutes at most, and was a moment ago"
        return Looked(CLAUDE_CODE, "login found", waiting)
    return _judged(CLAUDE_CODE, said)


async def _asked(source: Source) -> Reading | None:
    """What the server says to the question whose session it is; nothing else is asked."""
    async with aclosing(source.read(full=True)) as readings:
        async for reading in readings:
            if reading.account is not None:
                return reading
    return None


def _is_expired(reading: Reading) -> bool:
    return isinstance(reading.account, Failure) and reading.account.trouble is Trouble.EXPIRED


def _judged(session: Session, said: Reading | None) -> Looked:
    part = said.account if said is not None else None
    if said is None or not isinstance(part, Reply):
        return refused(session, part.trouble if isinstance(part, Failure) else Trouble.UNEXPECTED)
    account = part.value if isinstance(part.value, Account) else Account()
    number = len(said.roster or ())
    orgs = f"{number} org{'' if number == 1 else 's'}"
    return Looked(session, "works", f"{account.email or account.uuid or 'no name'}, {orgs}", works=True)

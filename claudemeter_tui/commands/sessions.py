"""`--sessions`: every session tried once, for a terminal or a bug report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from claudemeter_tui.formatting.problems import NO_SESSION_WORKS, format_session_table
from claudemeter_tui.formatting.values import format_count
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import (
    CLAUDE_CODE_LOGIN,
    ErrorKind,
    Failure,
    Reading,
    Reply,
    ScanResult,
    Session,
)
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session import Login, ProfileScan
from claudemeter_tui.sessions.discovery import (
    build_error_result,
    build_login_result,
    build_no_browser_result,
    build_scan_result,
)
from claudemeter_tui.sessions.poller import SessionSource
from claudemeter_tui.sessions.renewable import ClaudeCodeProvider, SessionProviders

EXIT_WORKS, EXIT_NONE_WORKS = 0, 3
"""Exit status where at least one session works, and where none does."""


def report_sessions(ways: SessionProviders, write: Callable[[str], object]) -> int:
    """Try every session, hand the table to `write`, and give the exit status."""
    places = asyncio.run(check_sessions(ways))
    works = any(place.is_working for place in places)
    write(format_session_table(places) if works else f"{format_session_table(places)}\n\n{NO_SESSION_WORKS}")
    return EXIT_WORKS if works else EXIT_NONE_WORKS


async def check_sessions(ways: SessionProviders) -> list[ScanResult]:
    """What looking gave, place by place, and what the server says to each session that was found.

    Each is asked once whose it is; one that `works` was accepted.
    """
    if ways.given_session is not None:
        return [await _check_session(ways, *ways.given_session, None)]
    looks = (
        await ways.browsers.scan(tuple(ways.browsers.filters), lambda _: None)
        if ways.browsers is not None
        else ()
    )
    tried = await asyncio.gather(*(_check_profile(ways, look) for look in looks)) or build_no_browser_result(
        ways
    )
    login = [await _check_login(ways.claude_code)] if ways.claude_code is not None else []
    return [*tried, *login]


async def _check_profile(ways: SessionProviders, look: ProfileScan) -> ScanResult:
    if look.cookies is None:
        return build_scan_result(look)
    return await _check_session(ways, look.session, look.cookies, look.user_agent)


async def _check_session(
    ways: SessionProviders, session: Session, cookies: Cookies, agent: str | None
) -> ScanResult:
    """The whole jar, and where it has expired the key alone."""
    connection = await asyncio.to_thread(ways.connect, session, cookies, agent)
    try:
        said = await _ask_account(connection.source)
        if (
            said is not None
            and _is_expired(said)
            and connection.get_cookies() != cookies.select_session_key()
        ):
            connection.set_cookies(cookies.select_session_key())
            said = await _ask_account(connection.source)
    finally:
        await connection.source.aclose()
    return _build_result(session, said)


async def _check_login(way: ClaudeCodeProvider) -> ScanResult:
    """Claude Code's login, asked only where its budget allows it."""
    login = await asyncio.to_thread(way.find_login)
    if not isinstance(login, Login):
        return build_login_result(login)
    source = await asyncio.to_thread(way.connect)
    try:
        said = await _ask_account(source)
    finally:
        await source.aclose()
    if said is None:
        waiting = "not asked: it may be asked every three minutes at most, and was a moment ago"
        return ScanResult(CLAUDE_CODE_LOGIN, "login found", waiting)
    return _build_result(CLAUDE_CODE_LOGIN, said)


async def _ask_account(source: SessionSource) -> Reading | None:
    """What the server says to the question whose session it is; nothing else is asked."""
    async with aclosing(source.read(full=True)) as readings:
        async for reading in readings:
            if reading.account is not None:
                return reading
    return None


def _is_expired(reading: Reading) -> bool:
    return isinstance(reading.account, Failure) and reading.account.error_kind is ErrorKind.EXPIRED


def _build_result(session: Session, said: Reading | None) -> ScanResult:
    part = said.account if said is not None else None
    if said is None or not isinstance(part, Reply):
        return build_error_result(
            session, part.error_kind if isinstance(part, Failure) else ErrorKind.UNEXPECTED
        )
    account = part.value if isinstance(part.value, Account) else Account()
    number = len(said.orgs or ())
    orgs = format_count(number, "org")
    return ScanResult(
        session, "works", f"{account.email or account.uuid or 'no name'}, {orgs}", is_working=True
    )

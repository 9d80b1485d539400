"""`--sessions`: try every session once and print the results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from claudemeter_tui.clock import use_daemon_threads
from claudemeter_tui.commands.stdout import EXIT_NO_SESSION
from claudemeter_tui.formatting.extension import describe_extension_cure
from claudemeter_tui.formatting.problems import describe_missing_session, format_session_table
from claudemeter_tui.formatting.values import format_count
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Failure, Reading, ScanResult, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session_search import Login, ProfileScan
from claudemeter_tui.sessions.discovery import (
    build_error_result,
    build_host_result,
    build_ignored_results,
    build_login_result,
    build_no_browser_result,
    build_scan_result,
)
from claudemeter_tui.sessions.poller import request_account
from claudemeter_tui.sessions.renewable import ClaudeCodeProvider, SessionProviders


def report_sessions(
    providers: SessionProviders,
    write: Callable[[str], object],
    list_notes: Callable[[Sequence[Org]], Iterable[str]] = lambda _: (),
) -> int:
    """Try every session, pass the table to `write` and return the exit status.

    Args:
        providers: access to the sessions.
        write: called with the text.
        list_notes: returns lines to print below the table, given the orgs of all sessions.
    """
    orgs: list[Org] = []
    results = asyncio.run(check_sessions(providers, orgs.extend))
    table = "\n".join((format_session_table(results), *list_notes(orgs)))
    if any(result.is_working for result in results):
        write(table)
        return 0
    failures = [(result.session, result.error_kind) for result in results if result.error_kind is not None]
    cure = f"{describe_missing_session(failures, results).cure} {describe_extension_cure(failures, results)}"
    write(f"{table}\n\n{cure.rstrip()}")
    return EXIT_NO_SESSION


async def check_sessions(
    providers: SessionProviders, add_orgs: Callable[[Iterable[Org]], object] = lambda _: None
) -> list[ScanResult]:
    """Return a line for each scanned place, with the server's reply to each session that was found.

    Each session requests its account once; `works` means that the server accepted the session.
    """
    use_daemon_threads()
    if providers.given_session is not None:
        return [await _check_session(providers, *providers.given_session, None, add_orgs)]

    async def check_profile(scan: ProfileScan) -> ScanResult:
        if scan.cookies is None:
            return build_scan_result(scan)
        return await _check_session(providers, scan.session, scan.cookies, scan.user_agent, add_orgs)

    browsers, login = providers.browsers, providers.claude_code
    scans = await browsers.scan(tuple(browsers.filters), lambda _: None) if browsers is not None else ()
    results = await asyncio.gather(*map(check_profile, scans)) or build_no_browser_result(providers)
    results += build_ignored_results(providers)
    if providers.find_hosts is not None:
        results += map(build_host_result, await asyncio.to_thread(providers.find_hosts))
    return [*results, await _check_login(login, add_orgs)] if login is not None else results


async def _check_session(
    providers: SessionProviders,
    session: Session,
    cookies: Cookies,
    agent: str | None,
    add_orgs: Callable[[Iterable[Org]], object],
) -> ScanResult:
    """Try all cookies, and if the session has expired, the key alone."""
    connection = await asyncio.to_thread(providers.connect, session, cookies, agent)
    try:
        reading = await request_account(connection.source)
        key = cookies.select_session_key()
        part = reading.account if reading is not None else None
        has_expired = isinstance(part, Failure) and part.error_kind is ErrorKind.EXPIRED
        # The key alone may work if the other cookies are out of date, as in `RenewableSession`.
        if has_expired and connection.get_cookies() != key:
            connection.set_cookies(key)
            reading = await request_account(connection.source)
    finally:
        await connection.source.aclose()
    add_orgs(reading.orgs or () if reading is not None else ())
    return _build_result(session, reading)


async def _check_login(
    provider: ClaudeCodeProvider, add_orgs: Callable[[Iterable[Org]], object]
) -> ScanResult:
    """Try Claude Code's login if its budget allows it."""
    login = await asyncio.to_thread(provider.find_login)
    if not isinstance(login, Login):
        return build_login_result(login)
    source = await asyncio.to_thread(provider.connect)
    try:
        reading = await request_account(source)
    finally:
        await source.aclose()
    if reading is None:
        limit = "not checked: at most one request every three minutes is allowed"
        return ScanResult(CLAUDE_CODE_LOGIN, "login found", limit)
    add_orgs(reading.orgs or ())
    return _build_result(CLAUDE_CODE_LOGIN, reading)


def _build_result(session: Session, reading: Reading | None) -> ScanResult:
    part = reading.account if reading is not None else None
    if isinstance(part, Failure):
        return build_error_result(session, part.error_kind)
    if reading is None or part is None:
        return build_error_result(session, ErrorKind.UNEXPECTED)
    account = part.value if isinstance(part.value, Account) else Account()
    orgs = format_count(len(reading.orgs or ()), "org")
    return ScanResult(
        session, "works", f"{account.email or account.uuid or 'no name'}, {orgs}", is_working=True
    )

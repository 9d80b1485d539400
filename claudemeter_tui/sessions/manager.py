"""The feed of all accounts that are signed in on this machine."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from claudemeter_tui.clock import Clock, WallClock, run_in_daemon_thread
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
    NO_SESSION,
    PASTED_COOKIE,
    ErrorKind,
    Failure,
    Reading,
    Reply,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.secrets import BadCookieError, Cookies
from claudemeter_tui.model.session_search import PasteResult
from claudemeter_tui.sessions.discovery import SessionDiscovery
from claudemeter_tui.sessions.leases import AccountLeases, NoLeases
from claudemeter_tui.sessions.poller import (
    PostReading,
    compute_request_pause,
    request_account,
    sleep_until_set,
)
from claudemeter_tui.sessions.renewable import SessionProviders
from claudemeter_tui.sessions.scheduler import PollScheduler

SCAN_INTERVAL, EMPTY_SCAN_INTERVAL = timedelta(minutes=3), timedelta(minutes=1)
"""Time between two scans, normally and while there is no session."""
CLOSE_TIMEOUT = 2.0
"""Seconds at the end in which the leases are released; they expire otherwise."""
SCANNING_SESSION = Session("Looking for sessions")
"""Session under which a bug in the scan is shown."""


class SessionManager:
    """Finds every session, and reads each account through one of its sessions."""

    def __init__(
        self,
        providers: SessionProviders,
        *,
        interval: timedelta = timedelta(seconds=60),
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        leases: AccountLeases | None = None,
    ) -> None:
        """Find sessions through `providers` and read each account every `interval`.

        `leases` lets one of several processes poll an account; without it, this one always polls.
        """
        self._clock = clock or WallClock()
        self._leases = leases or NoLeases()
        self._scheduler = PollScheduler(
            clock=self._clock, jitter=jitter, on_poll_end=self._post_scan_results, leases=self._leases
        )
        self._discovery = SessionDiscovery(
            providers, self._scheduler, interval=interval, on_change=self._post_scan_results
        )
        self._scan_requested = asyncio.Event()
        self._settled = asyncio.Event()
        self._last_results: tuple[ScanResult, ...] | None = None
        self._post: PostReading = lambda _: None

    async def run(self, post: PostReading) -> None:
        """Post readings until cancelled."""
        self._post = post
        try:
            async with asyncio.TaskGroup() as tasks:
                self._scheduler.start(post, tasks)
                self._discovery.start(tasks)
                asked = True  # includes browsers that may open a password dialog
                while True:
                    begun = self._clock.now()
                    await self._scan_sessions(asked=asked)
                    wait = SCAN_INTERVAL if self._discovery.has_sessions else EMPTY_SCAN_INTERVAL
                    await sleep_until_set(self._clock, wait.total_seconds(), self._scan_requested)
                    asked = self._scan_requested.is_set()
                    if asked and (pause := compute_request_pause(begun, self._clock.now())):
                        await self._clock.sleep(pause.total_seconds())
                    self._scan_requested.clear()
        finally:
            await self._scheduler.close()
            with suppress(TimeoutError):
                await run_in_daemon_thread(self._leases.close, CLOSE_TIMEOUT)

    async def poll_once(self, post: PostReading) -> None:
        """Post readings until every account has been read once."""
        running = asyncio.create_task(self.run(post))
        settled = asyncio.create_task(self._settled.wait())
        try:
            await asyncio.wait((running, settled), return_when=asyncio.FIRST_COMPLETED)
        finally:
            settled.cancel()
            running.cancel()
            await asyncio.wait((running, settled))
        if not running.cancelled():
            running.result()

    def poll_now(self) -> None:
        """Poll now, and scan every browser again."""
        self._scan_requested.set()
        self._scheduler.poll_now()

    async def offer_session(self, text: str) -> PasteResult:
        """Add a session from a Cookie header or a `sessionKey` if the server accepts it.

        The cookies are kept only in memory, and the only request is for the account and its orgs.
        """
        try:
            cookies = Cookies.parse(text)
        except BadCookieError as error:
            return PasteResult(error_kind=ErrorKind.NO_SESSION, detail=str(error))
        finally:
            del text  # a crash screen shows local variables
        number = sum(slot.session.browser == PASTED_COOKIE for slot in self._scheduler.slots)
        session = Session(PASTED_COOKIE, str(number + 1) if number else "")
        slot = await self._discovery.connect_slot(session, cookies)
        reading = await request_account(slot)
        if reading is not None and isinstance(reading.account, Reply):
            self._scheduler.add(slot)
            return PasteResult(slot.state.account, len(reading.orgs or ()))
        await slot.close()
        if reading is not None and isinstance(reading.account, Failure):
            return PasteResult(error_kind=reading.account.error_kind, detail=reading.account.detail)
        return PasteResult(error_kind=ErrorKind.UNEXPECTED)

    async def _scan_sessions(self, *, asked: bool) -> None:
        """Scan for sessions; an unexpected exception becomes a problem until the next scan succeeds."""
        try:
            await self._discovery.scan(asked=asked)
        except Exception as error:  # noqa: BLE001 - the dashboard runs for weeks and must survive it
            bug = Failure.from_exception(error, Endpoint.ACCOUNT, self._clock.now())
            self._post(Reading(SCANNING_SESSION, bug.at, bug))
        else:
            self._post(Reading(SCANNING_SESSION, self._clock.now(), session_removed=True))
        self._scheduler.allows_last_resorts = True
        self._scheduler.update_pollers()
        self._post_scan_results()

    def _post_scan_results(self) -> None:
        """Post the scanned places if they or their state have changed, and a failure without a session."""
        if not self._scheduler.allows_last_resorts:  # the first scan is not complete
            return
        now, results = self._clock.now(), self._discovery.list_scan_results()
        is_settled = self._scheduler.is_settled
        if not self._discovery.has_sessions:
            cause = "; ".join(f"{result.session.label}: {result.outcome}" for result in results)
            failure = Failure(ErrorKind.NO_SESSION, Endpoint.ACCOUNT, now, cause)
            schedule = Schedule(now + EMPTY_SCAN_INTERVAL, EMPTY_SCAN_INTERVAL)
            found = Reading(NO_SESSION, now, failure, schedule=schedule, scan_results=results)
            self._post(found._replace(has_everyone_answered=is_settled))
        elif results != self._last_results or (is_settled and not self._settled.is_set()):
            self._post(Reading(NO_SESSION, now, scan_results=results, has_everyone_answered=is_settled))
        self._last_results = results
        if is_settled:
            self._settled.set()

"""The feed of every account that is signed in on this machine."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta

from claudemeter_tui.clock import Clock, WallClock
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
    PASTED_COOKIE,
    ErrorKind,
    Failure,
    PasteResult,
    Reading,
    Reply,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.secrets import BadCookieError, Cookies
from claudemeter_tui.sessions.discovery import SessionDiscovery
from claudemeter_tui.sessions.poller import sleep_until_set
from claudemeter_tui.sessions.renewable import SessionProviders
from claudemeter_tui.sessions.scheduler import PollScheduler, PostReading, SessionSlot

SCAN_INTERVAL, EMPTY_SCAN_INTERVAL = timedelta(minutes=3), timedelta(minutes=1)
"""Between two looks at everything; the second one as long as there is no session at all."""
NO_SESSION = Session("")
"""Stands in where a reading is about no session."""
SCANNING_SESSION = Session("Looking for sessions")
"""Whose problem a bug in the looking is."""


class SessionManager:
    """Finds every session, and reads each account through one of its sessions."""

    def __init__(
        self,
        ways: SessionProviders,
        *,
        interval: timedelta = timedelta(seconds=60),
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Find sessions by `ways` and read each account every `interval`."""
        self._clock = clock or WallClock()
        self._scheduler = PollScheduler(
            interval=interval, clock=self._clock, jitter=jitter, over=self._post_scan_results
        )
        self._discovery = SessionDiscovery(ways, self._scheduler, interval=interval, clock=self._clock)
        self._scan_requested = asyncio.Event()
        self._settled = asyncio.Event()
        self._has_scanned = False
        self._last_results: tuple[ScanResult, ...] | None = None
        self._post: PostReading = lambda _: None

    async def run(self, post: PostReading) -> None:
        """Post readings until cancelled."""
        self._post = post
        try:
            async with asyncio.TaskGroup() as tasks:
                self._scheduler.start(post, tasks)
                self._discovery.start(tasks)
                asked = True
                while True:
                    await self._scan_sessions(asked=asked)
                    asked = await self._wait_for_next_scan()
        finally:
            await self._scheduler.close()

    async def poll_once(self, post: PostReading) -> None:
        """Post readings until every account has been read once, then end."""
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
        """Poll now, and look at every browser again."""
        self._scan_requested.set()
        self._scheduler.poll_now()

    async def offer_session(self, text: str) -> PasteResult:
        """Take a Cookie header or a `sessionKey` as one more session, if the server accepts it.

        It is kept in memory only, and asked about once.
        """
        try:
            cookies = Cookies.parse(text)
        except BadCookieError as error:
            return PasteResult(error_kind=ErrorKind.NO_SESSION, detail=str(error))
        finally:
            del text
        taken = sum(seat.session.browser == PASTED_COOKIE for seat in self._scheduler.slots)
        seat = await self._discovery.connect_slot(
            Session(PASTED_COOKIE, str(taken + 1) if taken else ""), cookies
        )
        offered = await _validate_slot(seat)
        if offered.error_kind is None:
            self._scheduler.add(seat)
        else:
            await seat.close()
        return offered

    async def _scan_sessions(self, *, asked: bool) -> None:
        """Look for sessions; what nobody foresaw is told, and looked at again later."""
        try:
            await self._discovery.scan(asked=asked)
        except Exception as error:  # noqa: BLE001 - a pane that is open for weeks outlives it
            bug = Failure.from_exception(error, Endpoint.ACCOUNT, self._clock.now())
            self._post(Reading(SCANNING_SESSION, bug.at, bug))
        else:
            self._post(Reading(SCANNING_SESSION, self._clock.now(), session_removed=True))
        self._has_scanned = self._scheduler.allows_last_resorts = True
        self._scheduler.update_pollers()
        self._post_scan_results()

    async def _wait_for_next_scan(self) -> bool:
        """Wait until the next look is due; gives whether somebody asked for it."""
        wait = SCAN_INTERVAL if self._discovery.has_sessions else EMPTY_SCAN_INTERVAL
        await sleep_until_set(self._clock, wait.total_seconds(), self._scan_requested)
        poked = self._scan_requested.is_set()
        self._scan_requested.clear()
        return poked

    def _post_scan_results(self) -> None:
        """Say what was looked at, where it has changed, and that there is no session, where it is so."""
        if not self._has_scanned:
            return
        now = self._clock.now()
        looked = self._discovery.list_scan_results()
        if not self._discovery.has_sessions:
            self._post(_build_no_session_reading(looked, now + EMPTY_SCAN_INTERVAL))
        elif looked != self._last_results:
            self._post(Reading(NO_SESSION, now, scan_results=looked))
        self._last_results = looked
        if self._scheduler.is_settled:
            self._settled.set()


def _build_no_session_reading(looked: tuple[ScanResult, ...], again_at: datetime) -> Reading:
    """That there is no session, and why."""
    at = again_at - EMPTY_SCAN_INTERVAL
    why = "; ".join(f"{place.session.label}: {place.outcome}" for place in looked)
    failure = Failure(ErrorKind.NO_SESSION, Endpoint.ACCOUNT, at, why)
    return Reading(
        NO_SESSION, at, failure, schedule=Schedule(again_at, EMPTY_SCAN_INTERVAL), scan_results=looked
    )


async def _validate_slot(seat: SessionSlot) -> PasteResult:
    """What the server says to a session, asked once."""
    async with aclosing(seat.source.read(full=True)) as readings:
        async for reading in readings:
            part = reading.account
            if isinstance(part, Failure):
                return PasteResult(error_kind=part.error_kind, detail=part.detail)
            if isinstance(part, Reply):
                seat.record_account(reading)
                return PasteResult(seat.account, len(reading.orgs or ()))
    return PasteResult(error_kind=ErrorKind.UNEXPECTED)

"""Run `--json --watch`: print one line of JSON per event, until interrupted or the reader closes the pipe.

The first lines show the current state of each org, so that a reader sees that the program is running.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

from claudemeter_tui.commands.once import choose_orgs, explain_empty_store, write_line
from claudemeter_tui.commands.stdout import has_reader
from claudemeter_tui.feed import RunningFeed
from claudemeter_tui.formatting.events import format_event_json
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.model.verdict import get_state_severity, judge

TICK_SECONDS = 1.0
"""Seconds between two checks of the clock, because resets and stale figures cause events without a reply."""


class EventWatcher:
    """Collect new events, of one org or of all."""

    def __init__(self, event_log: EventLog, org: str | None = None) -> None:
        """Start with this event log; `org` is a number, a name or a UUID, None for all."""
        self._event_log = event_log
        self._org = org
        self._key: OrgKey | None = None
        self._read: set[OrgKey] = set()
        self._explained = False

    def update(self, store: Store, now: datetime) -> Iterator[Event]:
        """Return the state of each org when it is first read, then the events since the last update.

        Raises:
            SettingsError: there are orgs, but none matches.
        """
        if self._org is not None and self._key is None and store.orgs:
            self._key = choose_orgs(store.orgs, self._org)[0].key
        # Another account of the same org may show it from now on.
        served = store.find_org_state(self._key)
        self._key = served.key if served is not None else self._key
        self._event_log = self._event_log.observe(store, now)
        first_read = [
            state for state in store.orgs if state.read_at is not None and state.key not in self._read
        ]
        self._read.update(state.key for state in first_read)
        events = (*(build_first_read_event(state, now) for state in first_read), *self._event_log.new_events)
        return (event for event in events if self._org is None or event.org_key == self._key)

    def explain_silence(self, store: Store) -> Iterator[str]:
        """Yield the reasons once, if the first polls read nothing."""
        all_polled = bool(store.sessions) and all(session.schedule is not None for session in store.sessions)
        if all_polled and not self._explained:
            self._explained = True
            yield from () if self._read else explain_empty_store(store)


def build_first_read_event(state: OrgState, now: datetime) -> Event:
    """Build the event for an org that is read for the first time."""
    verdict = judge(state, now)
    return Event(
        EventKind.FIRST_READ,
        now,
        state.session,
        state.org,
        state.key,
        after=verdict.state,
        credit_lock=verdict.credit_locks[0] if verdict.is_locked else None,
        until=verdict.ends_at or (verdict.credits_reopen_at if verdict.is_locked else None),
        endpoints=(Endpoint.USAGE,),
        severity=get_state_severity(verdict.state, is_locked=verdict.is_locked),
    )


def run_watch(
    feed: RunningFeed,
    now: Callable[[], datetime],
    *,
    thresholds: tuple[float, ...],
    org: str | None = None,
    print_reason: Callable[[str], None] = lambda _: None,
) -> int:
    """Print events until the reader closes the pipe; return the exit status.

    Args:
        feed: The feed to poll.
        now: The feed's clock.
        thresholds: Percentages that cause an event when usage passes them.
        org: The only org whose events are printed, by number, name or UUID. None for all.
        print_reason: Called with each reason, one line, if the first poll reads nothing.

    Raises:
        SettingsError: no org matches, or standard output fails.
    """
    asyncio.run(_watch_feed(feed, now, EventWatcher(EventLog(thresholds=thresholds), org), print_reason))
    return 0


async def _watch_feed(
    feed: RunningFeed, now: Callable[[], datetime], watcher: EventWatcher, print_reason: Callable[[str], None]
) -> None:
    """Poll in one task and print in another, so that a full pipe never delays a poll."""
    # Without a maximum size, so that a poll never waits for the reader.
    readings: asyncio.Queue[tuple[Reading, datetime]] = asyncio.Queue()

    async def print_events() -> None:
        """Print the events of each reading and of the clock until the pipe is closed."""
        store = Store()
        while has_reader():  # without events nothing is written, and no write fails
            try:
                # Unlike wait_for, a timeout never swallows a cancellation.
                async with asyncio.timeout(TICK_SECONDS):
                    reading, moment = await readings.get()
                store = store.apply_safely(reading)
            except TimeoutError:
                moment = now()
            for event in watcher.update(store, moment):
                if not write_line(format_event_json(event)):
                    return
            for reason in watcher.explain_silence(store):
                print_reason(reason)

    polls = feed.run(lambda reading: readings.put_nowait((reading, now())))
    tasks = [asyncio.ensure_future(coroutine) for coroutine in (polls, print_events())]
    try:
        # The printing task ends when the reader closes the pipe; the feed ends only with an error.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        # A cancelled task that no one awaits would print a warning at exit.
        await asyncio.gather(*tasks, return_exceptions=True)

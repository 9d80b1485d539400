"""A person and a server over weeks, with cycles and sums that are known from the script, not from replies."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Schedule
from tests.bodies import Json, extra_usage_body, org_body, overage_body, prepaid_body, usage_body
from tests.scenes import SESSION, OrgBodies, readings

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)
CAP = 9_000_00
"""Cap in cents; never reached."""


@dataclass
class Cycle:
    """A cycle as the server has it, with what the polls saw of it."""

    start: datetime
    end: datetime
    percent: int = 0
    peak: int = 0
    """Highest percentage in a poll."""
    full_at: datetime | None = None
    """First poll that saw it full."""
    full: timedelta = timedelta(0)
    """Time full, from poll to poll and up to the reset."""
    spent: int = 0
    """Cents of the rises that polls saw in it."""
    is_end_seen: bool = False
    """True if polls ran on both sides of its end."""
    last: datetime | None = None
    """Last poll in it."""


@dataclass
class Quarter:
    """The script: work on weekdays from 8 to 18 UTC; the week resets on Monday at 9, the month on its first.

    Use beyond a full 5-hour window is charged to the credits.
    """

    start: datetime
    days: int
    step: timedelta
    off: tuple[tuple[datetime, datetime], ...] = ()
    """Spans in which the program does not run."""
    failing: tuple[tuple[datetime, datetime], ...] = ()
    """Spans in which the usage reply is an error."""
    withdrawn: tuple[tuple[datetime, datetime], ...] = ()
    """Spans in which the organization's ceiling is reached: no use and no cap is reported."""
    sessions: list[Cycle] = field(default_factory=list)
    weeks: list[Cycle] = field(default_factory=list)
    months: list[Cycle] = field(default_factory=list)
    spending: list[tuple[datetime, int]] = field(default_factory=list)
    """Time of each poll that saw a rise, with the cents; without those that rose over a pause."""

    def run(self) -> Iterator[tuple[datetime, list[Reading]]]:
        """Yield time and readings of each poll."""
        chance = random.Random(15)  # noqa: S311 - a simulation
        now, end = self.start, self.start + self.days * DAY
        self.weeks.append(Cycle(*_find_week(now)))
        self.months.append(Cycle(*_find_month(now)))
        used = seen = 0
        polled: datetime | None = None
        read: datetime | None = None
        while now < end:
            if now >= self.months[-1].end:
                used = seen = 0
            self._turn(now)
            if now.weekday() < 5 and 8 <= now.hour < 18 and chance.random() < 0.5:
                used += self._prompt(now, chance.randrange(1, 12))
            is_off, is_failing, is_withdrawn = (
                any(first <= now < last for first, last in spans)
                for spans in (self.off, self.failing, self.withdrawn)
            )
            if not is_off:
                rise = 0 if is_withdrawn else max(0, used - seen)
                seen = seen if is_withdrawn else used
                is_pause = read is not None and now - read > 2.5 * self.step
                if rise and (not is_pause or (read is not None and _find_quarter(now) <= read)):
                    self.spending.append((now, rise))
                is_gap = polled is None or now - polled > 2.5 * self.step
                latest = read if is_pause and read is not None else now
                self._watch(now, None if is_gap else polled, rise, latest, is_failing=is_failing)
                polled, read = now, read if is_withdrawn else now
                yield now, self._answer(now, used, chance, is_failing=is_failing, is_withdrawn=is_withdrawn)
            now += self.step

    def list_more_usage(self, jitter: Callable[[datetime], str]) -> Json:  # noqa: ARG002
        """Return further keys of the usage reply; `jitter` formats a reset."""
        return {}

    def _turn(self, now: datetime) -> None:
        """Begin the week and the month that this time is in."""
        while now >= self.weeks[-1].end:
            self.weeks.append(Cycle(*_find_week(now)))
        while now >= self.months[-1].end:
            self.months.append(Cycle(*_find_month(now)))

    def _prompt(self, now: datetime, share: int) -> int:
        """Use a share of the 5-hour window, and of the week; return the cents that are charged."""
        if not self.sessions or now >= self.sessions[-1].end:
            start = now.replace(second=0, microsecond=0)
            self.sessions.append(Cycle(start, start + 5 * HOUR))
        session, week = self.sessions[-1], self.weeks[-1]
        charged = 7 * max(0, session.percent + share - 100)
        session.percent = min(100, session.percent + share)
        week.percent = min(99, week.percent + share % 2)
        return charged

    def _watch(
        self, now: datetime, polled: datetime | None, rise: int, latest: datetime, *, is_failing: bool
    ) -> None:
        """Note what this poll sees; `polled` is the one before, if there is no gap between them.

        A rise is that of the cycles that began until `latest`, and of the month.
        """
        running = self.sessions[-1:] if self.sessions and now < self.sessions[-1].end else []
        for cycle in [] if is_failing else self.sessions[-2:]:
            if polled is not None and cycle.last == polled and cycle.percent >= 100 and cycle.full_at:
                cycle.full += max(timedelta(0), min(now, cycle.end) - polled)
        for cycles, one in ((self.sessions, running), (self.weeks, self.weeks[-1:])):
            for ended in [] if is_failing else cycles:
                if ended.end <= now and polled is not None and ended.last == polled:
                    ended.is_end_seen = True
            for cycle in [] if is_failing else one:
                cycle.peak, cycle.last = max(cycle.peak, cycle.percent), now
                if cycle.percent >= 100 and cycle.full_at is None:
                    cycle.full_at = now
        for cycle in (*running, self.weeks[-1], self.months[-1]):
            cycle.spent += rise if cycle.start <= latest or cycle is self.months[-1] else 0

    def _answer(
        self, now: datetime, used: int, chance: random.Random, *, is_failing: bool, is_withdrawn: bool
    ) -> list[Reading]:
        """Return the readings of a poll; the resets jitter by a second."""
        running = self.sessions[-1] if self.sessions and now < self.sessions[-1].end else None

        def jitter(moment: datetime) -> str:
            return (moment + timedelta(seconds=chance.uniform(-1, 1))).isoformat()

        locked: dict[str, Any] = {"reason": "org_level_disabled_until"} if is_withdrawn else {}
        figures = (0, None) if is_withdrawn else (used, CAP)
        extra = extra_usage_body(float(figures[0]), figures[1])
        if is_withdrawn:
            extra |= {"disabled_reason": "org_level_disabled_until"}
        usage = usage_body(
            running.percent if running else 0.0,
            float(self.weeks[-1].percent),
            resets_at=jitter(running.end) if running else None,
            week_resets_at=jitter(self.weeks[-1].end),
            extra_usage=extra,
            **self.list_more_usage(jitter),
        )
        overage = overage_body(*figures, **locked)
        bodies = OrgBodies(org_body(), usage, overage, prepaid=prepaid_body(24_435))
        *posted, _ = readings(bodies, at=now)
        if is_failing:
            posted = [_break_usage(reading) for reading in posted]
        return [*posted, Reading(SESSION, now, schedule=Schedule(now + self.step, self.step))]


def _break_usage(reading: Reading) -> Reading:
    """Return the reading with an error instead of the usage reply."""
    broken = tuple(
        OrgReading(
            report.org,
            {
                endpoint: Failure(ErrorKind.SERVER_ERROR, endpoint, part.at, "status 502")
                if endpoint == "usage"
                else part
                for endpoint, part in report.parts.items()
            },
        )
        for report in reading.org_readings
    )
    return reading._replace(org_readings=broken)


def _find_quarter(moment: datetime) -> datetime:
    """Return the start of the quarter of an hour of a moment."""
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def _find_week(moment: datetime) -> tuple[datetime, datetime]:
    """Return start and end of the week of a moment: Monday at 9 UTC."""
    start = moment.replace(hour=9, minute=0, second=0, microsecond=0) - moment.weekday() * DAY
    start -= WEEK if start > moment else timedelta(0)
    return start, start + WEEK


def _find_month(moment: datetime) -> tuple[datetime, datetime]:
    """Return start and end of the month of a moment in UTC."""
    start = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + 32 * DAY).replace(day=1)

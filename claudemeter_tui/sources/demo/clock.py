"""Time in the demo: clocks that run fast or skip, and the moment of a day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%f+00:00"
_SECONDS = "%Y-%m-%dT%H:%M:%SZ"
_JITTER = (307_270, -387_244, 46_361, -121_508)
"""Microseconds around the full minute: the real server's times move between two polls."""


class DemoClock:
    """A clock that runs faster than the real one.

    Args:
        start: what it shows at first, aware.
        speed: simulated seconds in a real one, above 0.
        monotonic: real seconds.
    """

    def __init__(
        self, start: datetime, speed: float = 60.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._start = start.astimezone(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._began = monotonic()

    def now(self) -> datetime:
        """The simulated time, aware, UTC."""
        return self._start + timedelta(seconds=(self._monotonic() - self._began) * self._speed)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many simulated seconds."""
        await asyncio.sleep(seconds / self._speed)


class SkippingClock:
    """A clock that stands still, except that sleeping moves it on at once: for pictures and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The simulated time, aware, UTC."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Move on by so many seconds, counted from now: two sleepers at once do not add up."""
        until = self._now + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self._now = max(self._now, until)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a day."""

    day: datetime
    """When the day began: a full minute, aware, UTC."""
    minute: float
    """Since then, 0 to 1440."""

    @classmethod
    def of(cls, now: datetime, first: datetime) -> Moment:
        """The moment of `now` in its own day, where `first` is the start of the first one."""
        days, rest = divmod(now.astimezone(UTC) - first, _DAY)
        return cls(first + days * _DAY, rest / _MINUTE)

    def jittery(self, minute: int) -> str:
        """A time of the day as `/usage` writes it: a little beside the full minute."""
        near = timedelta(minutes=minute, microseconds=_JITTER[int(self.minute) % len(_JITTER)])
        return (self.day + near).strftime(_MICROSECONDS)

    def whole(self, minute: int) -> str:
        """A time of the day in whole seconds."""
        return (self.day + timedelta(minutes=minute)).strftime(_SECONDS)

    def date(self, days: int) -> str:
        """The date so many days after this one's."""
        return (self.day + timedelta(days=days)).strftime("%Y-%m-%d")

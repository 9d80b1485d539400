"""How often the bearer endpoints may be called: one budget for every running dashboard, kept on disk.

About 28 requests in a rolling hour are let through: one poll every 180 s or slower.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claudemeter_tui.storage import LOCK_TIMEOUT, lock_file

MIN_POLL_INTERVAL = timedelta(seconds=180)
"""The least time between two polls."""
HOUR = timedelta(hours=1)
MAX_REQUESTS_PER_HOUR = 25
"""Requests in a rolling hour; the server was seen to refuse the 29th."""
MIN_HOLD, MAX_HOLD = timedelta(seconds=300), timedelta(seconds=1800)
"""The wait after a 429 that names none: it doubles from the one to the other."""
MAX_SERVER_HOLD = timedelta(days=7)
"""The longest wait that is believed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RequestLog:
    """The requests of the last hour, and the last 429 as long as it counts."""

    requested_at: tuple[datetime, ...] = ()
    """One moment for each request, oldest first."""
    refused_at: datetime | None = None
    """When the last 429 came. None: a good answer came since, or none ever did."""
    hold: timedelta = timedelta(0)
    """How long to wait from `refused_at`."""
    streak: int = 0
    """How many 429 without a wait of their own came since the last good answer."""

    def compute_next_allowed(self, requests: int, now: datetime) -> datetime:
        """When so many requests may be made, at the earliest `now`."""
        moments = [now, self.held_until or now]
        if self.requested_at:
            moments.append(self.requested_at[-1] + MIN_POLL_INTERVAL)
        full_by = len(self.requested_at) + requests - MAX_REQUESTS_PER_HOUR
        if full_by > 0:
            moments.append(self.requested_at[min(full_by, len(self.requested_at)) - 1] + HOUR)
        return max(moments)

    @property
    def held_until(self) -> datetime | None:
        """The end of the wait after a 429. None: there is none."""
        return self.refused_at + self.hold if self.refused_at is not None else None

    def is_held(self, now: datetime) -> bool:
        """Whether a 429 keeps the next poll from being made now."""
        return self.held_until is not None and self.held_until > now

    def prune(self, now: datetime) -> RequestLog:
        """The ledger as it counts now: what is over an hour old is dropped.

        Moments that lie ahead show that the clock was set back: all are moved by the same time, so that
        the last is now and no wait becomes longer than it was meant to be.
        """
        ahead = max((*self.requested_at, self.refused_at or now, now)) - now
        moved = [moment - ahead for moment in self.requested_at]
        return replace(
            self,
            requested_at=tuple(moment for moment in moved if now - moment < HOUR),
            refused_at=None if self.refused_at is None else self.refused_at - ahead,
        )

    def add_requests(self, requests: int, now: datetime) -> RequestLog:
        """The ledger after so many requests were let through."""
        return replace(self, requested_at=(*self.requested_at, *(now for _ in range(requests))))

    def record_throttled(self, retry_after: timedelta | None, now: datetime) -> RequestLog:
        """The ledger after a 429; a wait that the server names counts in full, but never below the pace."""
        if retry_after is not None and retry_after > timedelta(0):
            return replace(
                self, refused_at=now, hold=min(max(retry_after, MIN_POLL_INTERVAL), MAX_SERVER_HOLD)
            )
        hold = min(MIN_HOLD * 2 ** min(self.streak, 10), MAX_HOLD)
        return replace(self, refused_at=now, hold=hold, streak=min(self.streak + 1, 10))

    def record_success(self) -> RequestLog:
        """The ledger after an answer that is no 429."""
        return replace(self, refused_at=None, hold=timedelta(0), streak=0)

    def to_json(self) -> str:
        """One line of JSON: times and counts, nothing else."""
        return json.dumps(
            {
                "asked": [_to_timestamp(moment) for moment in self.requested_at],
                "refused_at": _to_timestamp(self.refused_at) if self.refused_at else None,
                "hold": self.hold.total_seconds(),
                "streak": self.streak,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> RequestLog:
        """What `written` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            match json.loads(text):
                case {"asked": list(asked), "refused_at": refused_at, "hold": hold, "streak": int(streak)}:
                    return cls(
                        _parse_timestamps(asked),
                        None if refused_at is None else _parse_timestamp(refused_at),
                        _check_range(timedelta(seconds=_check_number(hold)), MAX_SERVER_HOLD),
                        max(0, min(streak, 10)),
                    )
        except (OverflowError, RecursionError):
            raise ValueError("out of range") from None
        raise ValueError("of another form")


def _to_timestamp(moment: datetime) -> float:
    return (moment - _EPOCH).total_seconds()


def _parse_timestamp(stamp: object) -> datetime:
    return _EPOCH + _check_range(timedelta(seconds=_check_number(stamp)), _LATEST_MOMENT - _EPOCH)


def _parse_timestamps(stamps: Iterable[object]) -> tuple[datetime, ...]:
    return tuple(sorted(map(_parse_timestamp, stamps))[-MAX_REQUESTS_PER_HOUR:])


def _check_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no number")  # noqa: TRY004 - one error for all that is wrong
    return float(value)


def _check_range(time: timedelta, most: timedelta) -> timedelta:
    if not timedelta(0) <= time <= most:
        raise ValueError("out of range")
    return time


RATE_LIMIT_FILE = "claude-code.json"
"""In the state folder."""
MAX_RATE_LIMIT_BYTES = 16_384
"""Bytes; a real one has less than a thousand."""


@dataclass(frozen=True, slots=True)
class RequestPermit:
    """Whether to ask now."""

    is_granted: bool
    next_allowed_at: datetime
    """When the next poll may be made: after this one where it is granted, instead of it where not."""
    is_throttled: bool = False
    """A 429 is what it waits for."""


class RequestBudget:
    """The right to ask, counted in a file that all processes of this person share.

    The file is locked while it is read and written, never while anything is asked. What cannot be read
    counts as if somebody had just asked. Where there can be no file, this process keeps count alone,
    and begins with a pause, because it cannot know who asked before. Every call may block for a moment.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime], *, patience: float = LOCK_TIMEOUT) -> None:
        """Keep count in `folder`, by the clock `now`; wait `patience` seconds for another process."""
        self._path = folder / RATE_LIMIT_FILE
        self._now = now
        self._patience = patience
        self._memory_log: RequestLog | None = None
        self._thread_lock = threading.Lock()

    def request_permit(self, requests: int = 1) -> RequestPermit:
        """Ask for leave to make so many requests as one poll; what is granted is spent."""
        return self._apply_step(lambda ledger, now: _grant_requests(ledger, requests, now))

    def record_throttled(self, retry_after: timedelta | None) -> RequestPermit:
        """Tell of a 429 and the wait that it named, if any."""
        return self._apply_step(
            lambda ledger, now: _build_permit(ledger.record_throttled(retry_after, now), now)
        )

    def record_success(self) -> RequestPermit:
        """Tell of an answer that was no 429."""
        return self._apply_step(lambda ledger, now: _build_permit(ledger.record_success(), now))

    def _apply_step(
        self, step: Callable[[RequestLog, datetime], tuple[RequestLog, RequestPermit]]
    ) -> RequestPermit:
        """Put the ledger through a step, under the lock."""
        with self._thread_lock:
            try:
                return self._apply_in_file(step)
            except TimeoutError:
                return RequestPermit(is_granted=False, next_allowed_at=self._now() + MIN_POLL_INTERVAL)
            except OSError:
                return self._apply_in_memory(step)

    def _apply_in_file(
        self, step: Callable[[RequestLog, datetime], tuple[RequestLog, RequestPermit]]
    ) -> RequestPermit:
        with lock_file(self._path, self._patience) as file:
            now, content = self._now(), file.read(MAX_RATE_LIMIT_BYTES)
            after, leave = step(_parse_log(content, now).prune(now), now)
            written = after.to_json().encode()
            if written != content:
                file.write(written)
        return leave

    def _apply_in_memory(
        self, step: Callable[[RequestLog, datetime], tuple[RequestLog, RequestPermit]]
    ) -> RequestPermit:
        now = self._now()
        known = self._memory_log if self._memory_log is not None else RequestLog(requested_at=(now,))
        self._memory_log, leave = step(known.prune(now), now)
        return leave


def _parse_log(content: bytes, now: datetime) -> RequestLog:
    if not content:
        return RequestLog()
    try:
        return RequestLog.from_json(content.decode())
    except ValueError:
        return RequestLog(requested_at=(now,))


def _grant_requests(ledger: RequestLog, requests: int, now: datetime) -> tuple[RequestLog, RequestPermit]:
    opens_at = ledger.compute_next_allowed(requests, now)
    if opens_at > now:
        return ledger, RequestPermit(
            is_granted=False, next_allowed_at=opens_at, is_throttled=ledger.is_held(now)
        )
    after = ledger.add_requests(requests, now)
    return after, RequestPermit(is_granted=True, next_allowed_at=after.compute_next_allowed(1, now))


def _build_permit(ledger: RequestLog, now: datetime) -> tuple[RequestLog, RequestPermit]:
    held_now = ledger.is_held(now)
    return ledger, RequestPermit(
        is_granted=False, next_allowed_at=ledger.compute_next_allowed(1, now), is_throttled=held_now
    )

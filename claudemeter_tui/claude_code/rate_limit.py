"""Limit the calls of the bearer endpoints: one budget on disk, shared by all dashboards of this person.

The server accepts about 28 requests in a rolling hour: one poll every 180 s or slower.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field, Strict

from claudemeter_tui.storage import LOCK_TIMEOUT, hold_lock, read_start, write_private_file

MIN_POLL_INTERVAL = timedelta(seconds=180)
"""Shortest time between two polls."""
HOUR = timedelta(hours=1)
MAX_REQUESTS_PER_HOUR = 25
"""Requests in a rolling hour; the server refused the 29th in a test."""
MIN_HOLD, MAX_HOLD = timedelta(seconds=300), timedelta(seconds=1800)
"""Wait after a 429 that names no wait: it doubles from the first value up to the second."""
MAX_SERVER_HOLD = timedelta(days=7)
"""Longest wait that is accepted from the server."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RequestLog(NamedTuple):
    """The requests of the last hour, and the last 429 while it is in force."""

    requested_at: tuple[datetime, ...] = ()
    """Moment of each request, oldest first."""
    refused_at: datetime | None = None
    """Moment of the last 429. None if there was none, or a good reply has arrived since."""
    hold: timedelta = timedelta(0)
    """Length of the wait that starts at `refused_at`."""
    streak: int = 0
    """Number of 429 replies without a named wait since the last good reply."""

    def compute_next_allowed(self, requests: int, now: datetime) -> datetime:
        """Return the earliest moment, not before `now`, at which this number of requests is allowed."""
        moments = [now, self.held_until or now]
        if self.requested_at:
            moments.append(self.requested_at[-1] + MIN_POLL_INTERVAL)
        full_by = len(self.requested_at) + requests - MAX_REQUESTS_PER_HOUR
        if full_by > 0:
            moments.append(self.requested_at[min(full_by, len(self.requested_at)) - 1] + HOUR)
        return max(moments)

    @property
    def held_until(self) -> datetime | None:
        """End of the wait after a 429. None if there is no wait."""
        return self.refused_at + self.hold if self.refused_at is not None else None

    def is_held(self, now: datetime) -> bool:
        """Return True if a 429 forbids a poll now."""
        return self.held_until is not None and self.held_until > now

    def prune(self, now: datetime) -> RequestLog:
        """Return the log without requests that are over an hour old.

        Moments in the future show that the clock was set back. All moments are then shifted equally, so that
        the last one is now and no wait becomes longer.
        """
        ahead = max((*self.requested_at, self.refused_at or now, now)) - now
        moved = [moment - ahead for moment in self.requested_at]
        return self._replace(
            requested_at=tuple(moment for moment in moved if now - moment < HOUR),
            refused_at=None if self.refused_at is None else self.refused_at - ahead,
        )

    def add_requests(self, requests: int, now: datetime) -> RequestLog:
        """Return the log with this number of new requests."""
        return self._replace(requested_at=(*self.requested_at, *(now for _ in range(requests))))

    def record_throttled(self, retry_after: timedelta | None, now: datetime) -> RequestLog:
        """Return the log after a 429; a wait named by the server is extended to `MIN_POLL_INTERVAL`."""
        if retry_after is not None and retry_after > timedelta(0):
            return self._replace(
                refused_at=now, hold=min(max(retry_after, MIN_POLL_INTERVAL), MAX_SERVER_HOLD)
            )
        hold = min(MIN_HOLD * 2 ** min(self.streak, 10), MAX_HOLD)
        return self._replace(refused_at=now, hold=hold, streak=min(self.streak + 1, 10))

    def record_success(self) -> RequestLog:
        """Return the log after a reply that is not a 429."""
        return self._replace(refused_at=None, hold=timedelta(0), streak=0)

    def to_json(self) -> str:
        """Return one line of JSON with times and counts only."""
        return json.dumps(
            {
                "asked": [moment.timestamp() for moment in self.requested_at],
                "refused_at": self.refused_at.timestamp() if self.refused_at else None,
                "hold": self.hold.total_seconds(),
                "streak": self.streak,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> RequestLog:
        """Read the output of `to_json`.

        Raises:
            ValueError: The text is not such output.
        """
        stored = _StoredLog.model_validate_json(text)
        requested_at = sorted(_EPOCH + timedelta(seconds=stamp) for stamp in stored.asked)
        return cls(
            tuple(requested_at[-MAX_REQUESTS_PER_HOUR:]),
            None if stored.refused_at is None else _EPOCH + timedelta(seconds=stored.refused_at),
            timedelta(seconds=stored.hold),
            max(0, min(stored.streak, 10)),
        )


_Timestamp = Annotated[float, Strict(), Field(ge=0, le=datetime(2200, 1, 1, tzinfo=UTC).timestamp())]


class _StoredLog(BaseModel):
    """The JSON of a log, with times in seconds since 1970."""

    asked: list[_Timestamp]
    refused_at: _Timestamp | None
    hold: Annotated[float, Strict(), Field(ge=0, le=MAX_SERVER_HOLD.total_seconds())]
    """Length of the wait after a 429, in seconds."""
    streak: Annotated[int, Strict()]


RATE_LIMIT_FILE = "claude-code.json"
"""Name of the file in the state folder."""
MAX_RATE_LIMIT_BYTES = 16_384
"""Maximum bytes; a real file has less than a thousand."""


class RequestPermit(NamedTuple):
    """The answer to a request for a poll."""

    is_granted: bool
    next_allowed_at: datetime
    """Moment of the next poll: the one after this poll if it is granted, else the next chance."""
    is_throttled: bool = False
    """True if a 429 is the reason to wait."""


class RequestBudget:
    """The number of requests left, counted in a file that all processes of this person share.

    The file is locked while it is read and written, never during a request. An unreadable file counts as a
    request made now. If the folder is not writable, this process counts only its own requests and begins with
    a pause, because it cannot know of earlier ones. Every call may block for a moment.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime], *, patience: float = LOCK_TIMEOUT) -> None:
        """Count in `folder`, by the clock `now`; wait up to `patience` seconds for another process."""
        self._path = folder / RATE_LIMIT_FILE
        self._now = now
        self._patience = patience
        self._memory_log: RequestLog | None = None
        self._thread_lock = threading.Lock()

    def request_permit(self, requests: int = 1) -> RequestPermit:
        """Request a permit for one poll with this number of requests; a granted permit counts as used."""

        def grant(log: RequestLog, now: datetime) -> tuple[RequestLog, RequestPermit]:
            opens_at = log.compute_next_allowed(requests, now)
            if opens_at > now:
                return log, RequestPermit(
                    is_granted=False, next_allowed_at=opens_at, is_throttled=log.is_held(now)
                )
            after = log.add_requests(requests, now)
            return after, RequestPermit(is_granted=True, next_allowed_at=after.compute_next_allowed(1, now))

        return self._apply_step(grant)

    def record_throttled(self, retry_after: timedelta | None) -> RequestPermit:
        """Record a 429 and the wait that it names, if any."""
        return self._apply_step(lambda log, now: _build_permit(log.record_throttled(retry_after, now), now))

    def record_success(self) -> RequestPermit:
        """Record a reply that was not a 429."""
        return self._apply_step(lambda log, now: _build_permit(log.record_success(), now))

    def _apply_step(
        self, step: Callable[[RequestLog, datetime], tuple[RequestLog, RequestPermit]]
    ) -> RequestPermit:
        """Apply a step to the log under the lock, and return its permit."""
        with self._thread_lock:
            try:
                with hold_lock(self._path, self._patience):
                    now = self._now()
                    after, permit = step(self._read_log(now).prune(now), now)
                    # Write even an unchanged log, because that makes the file private again.
                    write_private_file(self._path, after.to_json())
            except TimeoutError:
                return RequestPermit(is_granted=False, next_allowed_at=self._now() + MIN_POLL_INTERVAL)
            except OSError:
                now = self._now()
                known = self._memory_log or RequestLog(requested_at=(now,))
                self._memory_log, permit = step(known.prune(now), now)
            return permit

    def _read_log(self, now: datetime) -> RequestLog:
        try:
            return RequestLog.from_json(read_start(self._path, MAX_RATE_LIMIT_BYTES).decode())
        except FileNotFoundError:
            return RequestLog()
        except ValueError:
            return RequestLog(requested_at=(now,))


def _build_permit(log: RequestLog, now: datetime) -> tuple[RequestLog, RequestPermit]:
    opens_at = log.compute_next_allowed(1, now)
    return log, RequestPermit(is_granted=False, next_allowed_at=opens_at, is_throttled=log.is_held(now))

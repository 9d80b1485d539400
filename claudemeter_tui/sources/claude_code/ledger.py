"""What was asked of the bearer endpoints and what they said to it: pure, so that the rules are a table.

About 28 requests in a rolling hour are let through (WIRE: one poll every 180 s or slower).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

PACE = timedelta(seconds=180)
"""The least time between two polls."""
HOUR = timedelta(hours=1)
MOST_AN_HOUR = 25
"""Requests in a rolling hour; the server was seen to refuse the 29th."""
FIRST_HOLD, LAST_HOLD = timedelta(seconds=300), timedelta(seconds=1800)
"""The wait after a 429 that names none: it doubles from the one to the other."""
LONGEST_HOLD = timedelta(days=7)
"""The longest wait that is believed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The requests of the last hour, and the last 429 as long as it counts."""

    asked: tuple[datetime, ...] = ()
    """One moment for each request, oldest first."""
    refused_at: datetime | None = None
    """When the last 429 came. None: a good answer came since, or none ever did."""
    hold: timedelta = timedelta(0)
    """How long to wait from `refused_at`."""
    streak: int = 0
    """How many 429 without a wait of their own came since the last good answer."""

    def opens_at(self, requests: int, now: datetime) -> datetime:
        """When so many requests may be made, at the earliest `now`."""
        moments = [now, self.held_until or now]
        if self.asked:
            moments.append(self.asked[-1] + PACE)
        full_by = len(self.asked) + requests - MOST_AN_HOUR
        if full_by > 0:
            moments.append(self.asked[min(full_by, len(self.asked)) - 1] + HOUR)
        return max(moments)

    @property
    def held_until(self) -> datetime | None:
        """The end of the wait after a 429. None: there is none."""
        return self.refused_at + self.hold if self.refused_at is not None else None

    def is_held(self, now: datetime) -> bool:
        """Whether a 429 keeps the next poll from being made now."""
        return self.held_until is not None and self.held_until > now

    def at(self, now: datetime) -> Ledger:
        """The ledger as it counts now: what is over an hour old is dropped.

        Moments that lie ahead show that the clock was set back: all are moved by the same time, so that
        the last is now and no wait becomes longer than it was meant to be.
        """
        ahead = max((*self.asked, self.refused_at or now, now)) - now
        moved = [moment - ahead for moment in self.asked]
        return replace(
            self,
            asked=tuple(moment for moment in moved if now - moment < HOUR),
            refused_at=None if self.refused_at is None else self.refused_at - ahead,
        )

    def asking(self, requests: int, now: datetime) -> Ledger:
        """The ledger after so many requests were let through."""
        return replace(self, asked=(*self.asked, *(now for _ in range(requests))))

    def refused(self, retry_after: timedelta | None, now: datetime) -> Ledger:
        """The ledger after a 429; a wait that the server names counts in full, but never below the pace."""
        if retry_after is not None and retry_after > timedelta(0):
            return replace(self, refused_at=now, hold=min(max(retry_after, PACE), LONGEST_HOLD))
        hold = min(FIRST_HOLD * 2 ** min(self.streak, 10), LAST_HOLD)
        return replace(self, refused_at=now, hold=hold, streak=min(self.streak + 1, 10))

    def answered(self) -> Ledger:
        """The ledger after an answer that is no 429."""
        return replace(self, refused_at=None, hold=timedelta(0), streak=0)

    def written(self) -> str:
        """One line of JSON: times and counts, nothing else."""
        return json.dumps(
            {
                "asked": [_stamp(moment) for moment in self.asked],
                "refused_at": _stamp(self.refused_at) if self.refused_at else None,
                "hold": self.hold.total_seconds(),
                "streak": self.streak,
            }
        )

    @classmethod
    def parsed(cls, text: str) -> Ledger:
        """What `written` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            match json.loads(text):
                case {"asked": list(asked), "refused_at": refused_at, "hold": hold, "streak": int(streak)}:
                    return cls(
                        _moments(asked),
                        None if refused_at is None else _moment(refused_at),
                        _within(timedelta(seconds=_number(hold)), LONGEST_HOLD),
                        max(0, min(streak, 10)),
                    )
        except (OverflowError, RecursionError):
            raise ValueError("out of range") from None
        raise ValueError("of another form")


def _stamp(moment: datetime) -> float:
    return (moment - _EPOCH).total_seconds()


def _moment(stamp: object) -> datetime:
    return _EPOCH + _within(timedelta(seconds=_number(stamp)), _LAST - _EPOCH)


def _moments(stamps: Iterable[object]) -> tuple[datetime, ...]:
    return tuple(sorted(map(_moment, stamps))[-MOST_AN_HOUR:])


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no number")  # noqa: TRY004 - one error for all that is wrong
    return float(value)


def _within(time: timedelta, most: timedelta) -> timedelta:
    if not timedelta(0) <= time <= most:
        raise ValueError("out of range")
    return time

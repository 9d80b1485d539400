"""How often the bearer endpoints may be asked: one budget for every running dashboard, kept on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui.sources.claude_code.ledger import PACE, Ledger
from claudemeter_tui.sources.claude_code.lock import PATIENCE, held

FILE = "claude-code.json"
"""In the state folder."""
LARGEST_FILE = 16_384
"""Bytes; a real one has less than a thousand."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether to ask now."""

    granted: bool
    opens_at: datetime
    """When the next poll may be made: after this one where it is granted, instead of it where not."""
    throttled: bool = False
    """A 429 is what it waits for."""


class Budget:
    """The right to ask, counted in a file that all processes of this person share.

    The file is locked while it is read and written, never while anything is asked. What cannot be read
    counts as if somebody had just asked. Where there can be no file, this process keeps count alone,
    and begins with a pause, because it cannot know who asked before. Every call may block for a moment.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime], *, patience: float = PATIENCE) -> None:
        """Keep count in `folder`, by the clock `now`; wait `patience` seconds for another process."""
        self._path = folder / FILE
        self._now = now
        self._patience = patience
        self._alone: Ledger | None = None
        self._turn = threading.Lock()

    def take(self, requests: int = 1) -> Leave:
        """Ask for leave to make so many requests as one poll; what is granted is spent."""
        return self._change(lambda ledger, now: _taken(ledger, requests, now))

    def refused(self, retry_after: timedelta | None) -> Leave:
        """Tell of a 429 and the wait that it named, if any."""
        return self._change(lambda ledger, now: _told(ledger.refused(retry_after, now), now))

    def answered(self) -> Leave:
        """Tell of an answer that was no 429."""
        return self._change(lambda ledger, now: _told(ledger.answered(), now))

    def _change(self, step: Callable[[Ledger, datetime], tuple[Ledger, Leave]]) -> Leave:
        """Put the ledger through a step, under the lock."""
        with self._turn:
            try:
                return self._in_file(step)
            except TimeoutError:
                return Leave(granted=False, opens_at=self._now() + PACE)
            except OSError:
                return self._in_memory(step)

    def _in_file(self, step: Callable[[Ledger, datetime], tuple[Ledger, Leave]]) -> Leave:
        with held(self._path, self._patience) as file:
            now, content = self._now(), file.read(LARGEST_FILE)
            after, leave = step(_parsed(content, now).at(now), now)
            written = after.written().encode()
            if written != content:
                file.write(written)
        return leave

    def _in_memory(self, step: Callable[[Ledger, datetime], tuple[Ledger, Leave]]) -> Leave:
        now = self._now()
        known = self._alone if self._alone is not None else Ledger(asked=(now,))
        self._alone, leave = step(known.at(now), now)
        return leave


def _parsed(content: bytes, now: datetime) -> Ledger:
    if not content:
        return Ledger()
    try:
        return Ledger.parsed(content.decode())
    except ValueError:
        return Ledger(asked=(now,))


def _taken(ledger: Ledger, requests: int, now: datetime) -> tuple[Ledger, Leave]:
    opens_at = ledger.opens_at(requests, now)
    if opens_at > now:
        return ledger, Leave(granted=False, opens_at=opens_at, throttled=ledger.is_held(now))
    after = ledger.asking(requests, now)
    return after, Leave(granted=True, opens_at=after.opens_at(1, now))


def _told(ledger: Ledger, now: datetime) -> tuple[Ledger, Leave]:
    held_now = ledger.is_held(now)
    return ledger, Leave(granted=False, opens_at=ledger.opens_at(1, now), throttled=held_now)

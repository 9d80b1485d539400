"""Write what follows from the readings: the runs of every figure, sums, cycles and events."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from claudemeter_tui.model.events import Event
from claudemeter_tui.model.store import OrgState


class Deriver:
    """Writes the derived tables of one archive, within the transactions of `Archive.append`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through this connection."""
        self._connection = connection

    def observe(self, org_id: int, before: OrgState | None, after: OrgState, at: datetime) -> None:
        """Update the derived tables after one more reading of an org."""

    def append_event(self, org_id: int | None, event: Event) -> None:
        """Add an event; `org_id` is None if it concerns a whole session."""

    def forget_new(self) -> None:
        """Forget everything that was remembered from a transaction which was undone."""

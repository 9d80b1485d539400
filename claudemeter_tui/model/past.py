"""A past moment, as the archive knows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui.model.archive_rows import FigureRow, Owner
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.history import VERDICT_FIGURE
from claudemeter_tui.model.store import UNKNOWN_AFTER, OrgKey, Store
from claudemeter_tui.model.verdict import VerdictState

EVENTS_SPAN = timedelta(days=1)
"""Time before a past moment whose events are shown."""


class PastFigures(NamedTuple):
    """The last figures of one org at a past moment, without the replies that they are from."""

    at: datetime
    key: OrgKey
    owner: Owner
    rows: tuple[FigureRow, ...]
    """The last value of each figure, read at the moment or before it; never empty."""

    @property
    def verdict(self) -> FigureRow | None:
        """The verdict as it was stored. None if it was not confirmed within the 15 minutes before."""
        found = (row for row in self.rows if row.figure == VERDICT_FIGURE)
        return next((row for row in found if self.at - row.confirmed_at <= UNKNOWN_AFTER), None)

    @property
    def state(self) -> VerdictState:
        """The state of the verdict; UNKNOWN if nothing was read then."""
        known = {each.value: each for each in VerdictState}
        return (
            known.get(str(self.verdict.value), VerdictState.UNKNOWN) if self.verdict else VerdictState.UNKNOWN
        )


class PastMoment(NamedTuple):
    """Everything known at a past moment."""

    at: datetime
    key: OrgKey
    """The org of which every reading of some hours is known; of the others, only the last minutes."""
    store: Store
    """Without the org if the replies about it are no longer kept."""
    events: tuple[Event, ...] = ()
    """Events of the day before the moment, oldest first."""
    figures: PastFigures | None = None
    """Figures of the org, only if its replies of that time are no longer kept."""

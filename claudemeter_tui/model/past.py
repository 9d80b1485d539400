"""A past moment, as the archive knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from claudemeter_tui.model.events import Event
from claudemeter_tui.model.store import Store

EVENTS_SPAN = timedelta(days=1)
"""Time before a past moment whose events are shown."""


@dataclass(frozen=True, slots=True)
class PastMoment:
    """Everything known at a past moment."""

    at: datetime
    store: Store
    """Empty if the replies of that time are no longer kept."""
    events: tuple[Event, ...] = ()
    """Events of the day before the moment, oldest first."""

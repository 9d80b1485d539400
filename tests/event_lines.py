"""An event as one line of text, for comparisons and stored outputs."""

from __future__ import annotations

from datetime import datetime, tzinfo

from claudemeter_tui.formatting.events import describe_event
from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.events import Event


def format_event_line(event: Event, now: datetime, zone: tzinfo | None = None, name: str = "") -> str:
    """Return `14:31 BLOCKED: your monthly cap is reached`; the org's name after the time, if given."""
    text = f"{name} · {describe_event(event, zone)}" if name else describe_event(event, zone)
    return f"{format_moment(event.at, now, zone)} {text}"

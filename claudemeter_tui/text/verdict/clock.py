"""The moment and the place that the words are for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from claudemeter_tui.text import format as forms


@dataclass(frozen=True, slots=True)
class Clock:
    """Every form of a moment, as seen from another one."""

    now: datetime
    zone: tzinfo | None
    """None: the system's own."""

    def ahead(self, moment: datetime | None) -> datetime | None:
        """The moment, if it is to come."""
        return moment if moment is not None and moment > self.now else None

    def until(self, moment: datetime) -> str:
        """`16:00 (in 1h 12m)`."""
        return forms.until(moment, self.now, self.zone)

    def when(self, moment: datetime) -> str:
        """`16:00`, `Tue 14:00`."""
        return forms.when(moment, self.now, self.zone)

    def by(self, moment: datetime) -> str:
        """`until Fri May 1 00:00 (in 5d 9h)`: locks last for days, so their date is spelled out."""
        here, there = forms.local(self.now, self.zone), forms.local(moment, self.zone)
        day = "" if here.date() == there.date() else f"{forms.day(there.date(), here.date())} "
        return f"until {day}{there:%H:%M} (in {forms.countdown(moment - self.now)})"

    def at(self, moment: datetime) -> str:
        """`at 16:00`, but `Tue 14:00`."""
        said = self.when(moment)
        return f"at {said}" if said[:1].isdigit() else said

    def ago(self, moment: datetime | None) -> str:
        """`18s ago`; empty for None."""
        return forms.age(self.now - moment) if moment is not None else ""

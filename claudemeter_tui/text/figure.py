"""One figure in words, with the reply it came from and when that was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.store import OrgState, SessionState
from claudemeter_tui.model.usage import Meter, Origin, Severity
from claudemeter_tui.text import format as form

NOT_REPORTED = "not reported"
ENDPOINTS = {Origin.OVERAGE: Endpoint.OVERAGE, Origin.OWN: Endpoint.OWN_OVERAGE}
"""The reply of each origin; every other origin stands in the usage reply."""
PLACES = {Origin.EXTRA_USAGE: "usage: extra_usage", Origin.SPEND: "usage: spend"}
"""Origins that are a part of a reply only."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is known."""

    label: str
    value: str
    source: str
    """The reply it came from, or that it was worked out."""
    at: datetime | None = None
    """When that was read. None: never, or it was not read at all."""
    severity: Severity = Severity.NORMAL
    endpoint: Endpoint | None = None
    """The reply to look into. None: there is no single one."""
    key: str = ""
    """What to look for in it; empty where there is no single key."""
    by: str = ""
    """The session that read it, for people; several with semicolons. Empty: it was not read."""

    def told(self, now: datetime) -> str:
        """All of it in one line, for the clipboard."""
        return f"{self.label}: {self.value} ({self.origin(now)})"

    def origin(self, now: datetime) -> str:
        """`usage via Chrome, Default · 18s ago`."""
        return f"{self.whence} · {form.age(now - self.at)}" if self.at is not None else self.whence

    @property
    def whence(self) -> str:
        """`usage via Chrome, Default`."""
        return f"{self.source} via {self.by}" if self.by else self.source


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Teller:
    """One org at one moment: makes figures of what is known about it."""

    state: OrgState
    session: SessionState
    """The session that serves the org: its account reply lists it."""
    now: datetime
    zone: tzinfo | None = None

    def read(
        self,
        endpoint: Endpoint,
        label: str,
        value: str,
        *,
        key: str = "",
        severity: Severity = Severity.NORMAL,
    ) -> Figure:
        """What a reply says."""
        at, by = self.at(endpoint), self.by(endpoint)
        return Figure(label, value, str(endpoint), at, severity, endpoint, key, by)

    def metered(
        self, meter: Meter, label: str, value: str, *, key: str = "", severity: Severity = Severity.NORMAL
    ) -> Figure:
        """What a reply says about the credits."""
        endpoint = endpoint_of(meter)
        at, by = self.at(endpoint), self.by(endpoint)
        return Figure(label, value, place(meter.origin), at, severity, endpoint, key, by)

    def derived(
        self, label: str, value: str, *endpoints: Endpoint, severity: Severity = Severity.NORMAL
    ) -> Figure:
        """What this program has worked out from these replies, as old as the oldest of them."""
        reads = {endpoint: at for endpoint in endpoints if (at := self.at(endpoint)) is not None}
        source = f"worked out from {', '.join(reads)}" if reads else "worked out"
        return Figure(label, value, source, min(reads.values(), default=None), severity, by=self.by(*reads))

    def at(self, endpoint: Endpoint) -> datetime | None:
        """When a reply was read. None: never."""
        replies = self.session.replies if endpoint is Endpoint.ACCOUNT else self.state.replies
        reply = replies.get(endpoint)
        return reply.at if reply is not None else None

    def by(self, *endpoints: Endpoint) -> str:
        """The sessions that read these replies, each once; empty where none did."""
        sessions = {
            self.session.session if endpoint is Endpoint.ACCOUNT else self.state.came_by.get(endpoint): None
            for endpoint in endpoints
        }
        return "; ".join(session.label for session in sessions if session is not None)

    def when(self, moment: datetime) -> str:
        """A moment and how far it is; one that has passed says so."""
        if moment <= self.now:
            return f"{form.when(moment, self.now, self.zone)}, which has passed"
        return form.until(moment, self.now, self.zone)


def endpoint_of(meter: Meter) -> Endpoint:
    """The reply that a meter stands in."""
    return ENDPOINTS.get(meter.origin, Endpoint.USAGE)


def place(origin: Origin) -> str:
    """Where a credit figure stands, for people: `overage`, `usage: extra_usage`."""
    return PLACES.get(origin) or str(ENDPOINTS[origin])

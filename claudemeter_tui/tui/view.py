"""What a widget is given to draw: the store at a moment, seen from one org."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from claudemeter_tui.model.store import OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.windows import Window
from claudemeter_tui.tui.layout import Layout

if TYPE_CHECKING:  # the first frame shows neither
    from claudemeter_tui.model.events import Event
    from claudemeter_tui.model.verdict import Verdict


PANEL_INTERVAL = 60
"""Seconds between two looks of the panels at the clock: drawing them all is dear."""
_LAST_MINUTE = timedelta(seconds=62)
"""The last minute of a countdown, in which it shows seconds, and what it takes to leave it."""


@dataclass(frozen=True)
class View:
    """Everything on screen is drawn from this, and from nothing else."""

    store: Store = field(default_factory=Store)
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    key: OrgKey | None = None
    """The selected org. None: no org is known yet."""
    zone: tzinfo | None = None
    """None: the system's own time zone."""
    layout: Layout = field(default_factory=Layout)
    """What the terminal has room for."""
    span: timedelta | None = None
    """How far back the chart looks. None: the whole run."""
    prefers_windows: bool = False
    """The chart shows how full the windows were, also where there are credits to show."""
    events: tuple[Event, ...] = ()
    """What has happened in this run, oldest first."""
    ascii: bool = False
    """Draw with ASCII alone."""
    note: str = ""
    """Said beside the program's name: "demo". Empty in earnest."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all has been read, nor tried."""
        return self.store == Store()

    @cached_property
    def state(self) -> OrgState | None:
        """The selected org. None: no org is known yet, or it has left."""
        return self.store.find_org_state(self.key)

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict on the selected org. None without one."""
        if self.state is None:
            return None
        from claudemeter_tui.model.verdict import judge  # noqa: PLC0415 - the first frame does without it

        return judge(self.state, self.now)

    @cached_property
    def session(self) -> SessionState | None:
        """The session that serves the selected org, else the first one. None before the first poll."""
        if self.state is not None:
            return self.store.find_session_state(self.state.session)
        return next(iter(self.store.sessions), None)

    @cached_property
    def panel_time(self) -> datetime:
        """The moment as coarse as the panels need it: only a countdown's last minute shows seconds."""
        step = (
            1
            if any(timedelta(0) <= moment - self.now <= _LAST_MINUTE for moment in self._iterate_countdowns())
            else PANEL_INTERVAL
        )
        seconds = int(self.now.timestamp())
        return datetime.fromtimestamp(seconds - seconds % step, UTC)

    def looks_like(self, other: View) -> bool:
        """Whether nothing but the seconds of the header can look different."""
        return (
            self.store is other.store
            and self.events is other.events
            and self._get_appearance() == other._get_appearance()
        )

    def _get_appearance(self) -> tuple[object, ...]:
        return self.key, self.zone, self.span, self.prefers_windows, self.ascii, self.note, self.panel_time

    def _iterate_countdowns(self) -> Iterator[datetime]:
        """What is counted down to on screen."""
        if self.state is None:
            return
        yield from (window.resets_at for window in _get_windows(self.state) if window.resets_at is not None)
        yield from (meter.until for meter in self.state.credits.meters if meter.until is not None)

    @property
    def index(self) -> int:
        """The selected org's place among all, from 0; 0 without one."""
        return next((i for i, state in enumerate(self.store.orgs) if state.key == self.key), 0)

    def find_neighbour(self, step: int) -> OrgKey | None:
        """The org so many tabs further, round the ends. None without orgs."""
        orgs = self.store.orgs
        if not orgs:
            return None
        if self.state is None:
            return orgs[0].key
        return orgs[(self.index + step) % len(orgs)].key


def _get_windows(state: OrgState) -> tuple[Window, ...]:
    return state.plan.windows if state.plan else ()

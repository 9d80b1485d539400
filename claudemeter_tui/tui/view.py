"""What a widget is given to draw: the store at a moment, seen from one org."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from claudemeter_tui.model.forecast import LimitForecast, forecast_limit
from claudemeter_tui.model.spending import SpendRate, compute_spend_rate
from claudemeter_tui.model.store import UNKNOWN_AFTER, OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.verdict import Verdict, judge
from claudemeter_tui.tui.layout import Layout

if TYPE_CHECKING:
    from claudemeter_tui.model.events import Event


PANEL_INTERVAL = 60
"""Seconds between two looks of the panels at the clock: drawing them all is dear."""
_LAST_MINUTE = timedelta(seconds=62)
"""The last minute of a countdown, in which it shows seconds, and what it takes to leave it."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, eq=False)
class OrgFigures:
    """The values derived from the state of one org, valid for a minute at most."""

    state: OrgState
    verdict: Verdict
    rate: SpendRate | None
    """How fast credits are spent. None: nothing can be said, or nothing is being spent."""
    forecast: LimitForecast | None
    """When the cap or the balance is reached. None: nothing can be said."""
    valid_from: datetime
    valid_until: datetime
    """The end of the minute, or the moment in it at which a reset, a date or the age changes the verdict."""

    @classmethod
    def derive(cls, state: OrgState, now: datetime) -> OrgFigures:
        """Compute everything from the state of one org."""
        rate = compute_spend_rate(state.series, now)
        changes = [moment for moment in _iterate_changes(state) if moment > now]
        return cls(
            state=state,
            verdict=judge(state, now),
            rate=rate,
            forecast=forecast_limit(state.credits, rate, now),
            valid_from=now,
            valid_until=min((now.replace(second=0, microsecond=0) + _MINUTE, *changes)),
        )

    def is_valid(self, state: OrgState, now: datetime) -> bool:
        """Return True if this is what `derive` would give."""
        return self.state is state and self.valid_from <= now < self.valid_until


def _iterate_changes(state: OrgState) -> Iterator[datetime]:
    """Yield the moments at which the verdict can change without a new reply."""
    yield from _iterate_countdowns(state)
    if state.plan is not None:
        yield from (grant.ends_at for grant in state.plan.saved_resets if grant.ends_at is not None)
    if state.subscription is not None and state.subscription.paused_until is not None:
        yield state.subscription.paused_until
    if state.credits.paused_until is not None:
        yield state.credits.paused_until
    for reply in state.replies.values():
        yield reply.at + UNKNOWN_AFTER + datetime.resolution
    if state.read_at is not None:
        yield state.read_at + 2 * state.interval + datetime.resolution


def _iterate_countdowns(state: OrgState) -> Iterator[datetime]:
    """Yield the moments that are counted down to on screen."""
    for window in state.plan.windows if state.plan is not None else ():
        if window.resets_at is not None:
            yield window.resets_at
    for meter in state.credits.meters:
        if meter.until is not None:
            yield meter.until


class FigureCache:
    """Keeps the figures of each org for a minute, so that every part of the screen reads the same ones."""

    def __init__(self) -> None:
        self._minute: datetime | None = None
        self._figures: dict[OrgKey, OrgFigures] = {}

    def get_figures(self, state: OrgState, now: datetime) -> OrgFigures:
        """Return the figures of an org at a moment; derive them only if the kept ones are out of date."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._figures = minute, {}
        known = self._figures.get(state.key)
        if known is None or not known.is_valid(state, now):
            known = self._figures[state.key] = OrgFigures.derive(state, now)
        return known


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
    figure_cache: FigureCache = field(default_factory=FigureCache, compare=False, repr=False)
    """Shared by all views of a run."""

    @property
    def is_empty(self) -> bool:
        """True if nothing at all has been read or tried."""
        return self.store == Store()

    def get_figures(self, state: OrgState) -> OrgFigures:
        """Return verdict, rate and forecast of an org at the moment of this view."""
        return self.figure_cache.get_figures(state, self.now)

    @cached_property
    def state(self) -> OrgState | None:
        """The selected org. None: no org is known yet, or it has left."""
        return self.store.find_org_state(self.key)

    @cached_property
    def figures(self) -> OrgFigures | None:
        """Verdict, rate and forecast of the selected org. None without one."""
        return self.get_figures(self.state) if self.state is not None else None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the selected org. None without one."""
        return self.figures.verdict if self.figures is not None else None

    @cached_property
    def session(self) -> SessionState | None:
        """The session that serves the selected org, else the first one. None before the first poll."""
        if self.state is not None:
            return self.store.find_session_state(self.state.session)
        return next(iter(self.store.sessions), None)

    @cached_property
    def panel_time(self) -> datetime:
        """The moment as coarse as the panels need it: only a countdown's last minute shows seconds."""
        countdowns = _iterate_countdowns(self.state) if self.state is not None else ()
        is_last_minute = any(timedelta(0) <= moment - self.now <= _LAST_MINUTE for moment in countdowns)
        step = 1 if is_last_minute else PANEL_INTERVAL
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

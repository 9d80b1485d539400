"""Input of every widget: the store at a moment, with one org selected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.catalogue import FIVE_HOURS
from claudemeter_tui.model.forecast import LimitForecast, SpendRate, compute_spend_rate, forecast_limit
from claudemeter_tui.model.store import SPENDING_SPAN, UNKNOWN_AFTER, OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.time_series import CreditSeries
from claudemeter_tui.model.verdict import Verdict, judge
from claudemeter_tui.tui.layout import Layout

if TYPE_CHECKING:
    from claudemeter_tui.model.day import Today
    from claudemeter_tui.model.events import Event
    from claudemeter_tui.model.history import HistoryAnswer
    from claudemeter_tui.model.machine import MachineUsage
    from claudemeter_tui.model.past import PastFigures
    from claudemeter_tui.model.problems import ProblemCause, ProblemGroup
    from claudemeter_tui.model.time_series import ArchivedSeries, Histories


RUN_LEAD = timedelta(hours=1)
"""Time before the run that the chart of its credits shows too, as far as the archive has figures of it."""
RUN_SPAN = timedelta(hours=5)
"""Period that is read from the archive for the charts of the run: a 5-hour window."""
EVENTS_SPAN = timedelta(days=7)
"""Time before the run whose events are listed."""
PANEL_INTERVAL = 60
"""Seconds between two updates of the panels' clock, because drawing them all is expensive."""
_LAST_MINUTE = timedelta(seconds=62)
"""Remaining time below which a countdown shows seconds, with a margin for the change."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, eq=False)
class OrgFigures:
    """The values derived from the state of one org, valid for a minute at most."""

    state: OrgState
    verdict: Verdict
    rate: SpendRate | None
    """Spending rate. None if it is not known or nothing is being spent."""
    forecast: LimitForecast | None
    """Forecast of when the cap or the balance is reached. None if it is not known."""
    valid_from: datetime
    valid_until: datetime
    """End of the minute, or an earlier moment at which a reset, a date or the age changes the verdict."""

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


def _iterate_changes(state: OrgState) -> Iterator[datetime]:
    """Yield the moments at which the verdict can change without a new reply."""
    yield from _iterate_countdowns(state)
    yield from state.saved_resets.iter_changes()
    if state.subscription is not None and state.subscription.paused_until is not None:
        yield state.subscription.paused_until
    if state.credits.paused_until is not None:
        yield state.credits.paused_until
    if state.in_plan_period is not None and state.in_plan_period.spending is not None:
        yield state.in_plan_period.spending.last_rise_at + SPENDING_SPAN + datetime.resolution
    if (refusal := state.last_refusal) is not None:
        yield refusal.at + FIVE_HOURS + datetime.resolution
        if refusal.resets_at is not None:
            yield refusal.resets_at
    for reply in state.replies.values():
        yield reply.at + UNKNOWN_AFTER + datetime.resolution
    if state.read_at is not None:
        yield state.read_at + 2 * state.interval + datetime.resolution


def _iterate_countdowns(state: OrgState) -> Iterator[datetime]:
    """Yield the moments that have a countdown on screen."""
    for window in state.plan.windows if state.plan is not None else ():
        if window.resets_at is not None:
            yield window.resets_at
    for meter in state.credits.meters:
        if meter.until is not None:
            yield meter.until


class HistoryState(Enum):
    """State of the history on screen."""

    OFF = "off"
    """There is no archive."""
    READING = "reading"
    READ = "read"
    """The archive has answered for this org and span, or cannot be read."""


class MachineState(Enum):
    """State of the use of this machine on screen."""

    HISTORY_OFF = "history off"
    """There is no archive, which keeps what transcripts hold."""
    OFF = "off"
    """No transcripts are read."""
    READING = "reading"
    READ = "read"
    """The archive has answered, or cannot be read."""


@dataclass(frozen=True)
class View:
    """Everything needed to draw the screen."""

    store: Store = field(default_factory=Store)
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    key: OrgKey | None = None
    """Key of the selected org. None if no org is known yet."""
    zone: tzinfo | None = None
    """Time zone of the screen. None for the system's."""
    layout: Layout = field(default_factory=Layout)
    """Parts that fit in the terminal."""
    span: timedelta | None = None
    """Period of the chart. None for the whole run."""
    prefers_windows: bool = False
    """True if the chart shows the windows even though there are credits."""
    events: tuple[Event, ...] = ()
    """Events of this run, oldest first."""
    earlier_events: tuple[Event, ...] = ()
    """Events of the days before this run, oldest first. Empty until they are read."""
    earlier_since: datetime | None = None
    """Time from which all events are known, also of a past moment. None if earlier ones are not read."""
    events_state: HistoryState = HistoryState.OFF
    """State of `earlier_events`."""
    dismissed: frozenset[ProblemCause] = frozenset()
    """Causes of problems that the user has dismissed."""
    ascii: bool = False
    """True to draw with ASCII only."""
    note: str = ""
    """Text beside the program's name, such as "demo". Empty with real figures."""
    message: str = ""
    """Message about a key press, in a pane with one line only. Empty for none."""
    seen_at: datetime | None = None
    """The time at which `now` is a past moment on screen, to the second. None if `now` is the present."""
    return_title: str = ""
    """Name of the screen in which the past moment was chosen. Empty for none."""
    past_figures: PastFigures | None = None
    """Figures of the selected org at a past moment whose replies are no longer kept. None for all others."""
    archived: ArchivedSeries | None = None
    """Earlier figures of the selected org, for its charts. None if there are none, or not yet."""
    today: Today | None = None
    """Archived figures of every org since midnight. None without an archive, or before it was read."""
    history: HistoryAnswer | None = None
    """History of the selected org over `history_weeks`. None if it is not read yet, or cannot be read."""
    history_weeks: int = 4
    """Span of the history screen in weeks."""
    history_state: HistoryState = HistoryState.OFF
    machine: MachineUsage | None = None
    """Use of this machine, and the rises of the selected org. None if not read yet, or not readable."""
    machine_state: MachineState = MachineState.HISTORY_OFF
    transcript_folders: tuple[str, ...] = ()
    """Folders that are searched for transcripts; empty if they are not to be shown."""
    figure_cache: dict[OrgKey, OrgFigures] = field(default_factory=dict, compare=False, repr=False)
    """Cache shared by all views of a run, so that every part of the screen uses the same figures."""

    @property
    def past_label(self) -> str:
        """`as of Sat Apr 25 14:02` for a past moment; empty for the present."""
        if self.seen_at is None:
            return ""
        return f"as of {format_moment(self.now, self.seen_at, self.zone)}"

    @property
    def present(self) -> datetime:
        """The time now, also while a past moment is on screen."""
        return self.now if self.seen_at is None else self.seen_at

    @property
    def is_empty(self) -> bool:
        """True if nothing at all has been read or tried."""
        return self.store == Store()

    def get_figures(self, state: OrgState) -> OrgFigures:
        """Return verdict, rate and forecast of an org at the moment of this view."""
        cache, now = self.figure_cache, self.now
        known = cache.get(state.key)
        if known is None or known.state is not state or not known.valid_from <= now < known.valid_until:
            # All of them expire with the minute; drop them, so that removed orgs do not stay in memory.
            for key in [key for key, figures in cache.items() if figures.valid_until <= now]:
                del cache[key]
            known = cache[state.key] = OrgFigures.derive(state, now)
        return known

    @cached_property
    def state(self) -> OrgState | None:
        """State of the selected org. None if no org is known yet or the org was removed."""
        return self.store.find_org_state(self.key)

    @cached_property
    def figures(self) -> OrgFigures | None:
        """Verdict, rate and forecast of the selected org. None if no org is selected."""
        return self.get_figures(self.state) if self.state is not None else None

    @cached_property
    def credit_series(self) -> CreditSeries:
        """Used credits for the chart: those of this run and of the hour before it, or of a longer period."""
        if self.state is None:
            return CreditSeries()
        live = self.state.series
        if self.archived is None:
            return live
        series = self.archived.extend_credits(live, self.state.max_pause)
        if self.span is not None:
            return series
        return series.begin_at((live.runs[0].first if live.runs else self.now) - RUN_LEAD)

    @cached_property
    def histories(self) -> Histories:
        """Utilization by window for the chart: that of this run, and earlier ones from the archive."""
        if self.state is None:
            return {}
        if self.archived is None:
            return self.state.histories
        return self.archived.extend_histories(self.state.histories, self.state.max_pause)

    @property
    def verdict(self) -> Verdict | None:
        """Verdict of the selected org. None if no org is selected."""
        return self.figures.verdict if self.figures is not None else None

    @cached_property
    def session(self) -> SessionState | None:
        """Session of the selected org, or the first session. None before the first poll."""
        return self.store.find_session_of_org(self.key)

    @cached_property
    def problem_groups(self) -> tuple[ProblemGroup, ...]:
        """All current problems by cause."""
        if not self.store.problems:  # the first frame loads nothing for them
            return ()
        from claudemeter_tui.model.problems import group_problems  # noqa: PLC0415

        return group_problems(self.store)

    @property
    def open_problems(self) -> tuple[ProblemGroup, ...]:
        """The problems with missing figures that are not dismissed."""
        return tuple(group for group in self._undismissed if not group.is_informational)

    @property
    def open_notes(self) -> tuple[ProblemGroup, ...]:
        """The problems without missing figures that are not dismissed."""
        return tuple(group for group in self._undismissed if group.is_informational)

    @property
    def _undismissed(self) -> tuple[ProblemGroup, ...]:
        return tuple(group for group in self.problem_groups if group.cause not in self.dismissed)

    @cached_property
    def panel_time(self) -> datetime:
        """The time rounded for the panels, where only the last minute of a countdown shows seconds."""
        countdowns = _iterate_countdowns(self.state) if self.state is not None else ()
        is_last_minute = any(timedelta(0) <= moment - self.now <= _LAST_MINUTE for moment in countdowns)
        step = 1 if is_last_minute else PANEL_INTERVAL
        seconds = int(self.now.timestamp())
        return datetime.fromtimestamp(seconds - seconds % step, UTC)

    def join_events(self) -> tuple[Event, ...]:
        """Return the events of earlier runs and of this one, oldest first, each of them once."""
        return join_events(self.earlier_events, self.events)

    def looks_like(self, other: View) -> bool:
        """Return True if only the seconds in the header can differ from the other, earlier view."""
        return (
            self.store is other.store
            and self.events is other.events
            and self.earlier_events is other.earlier_events
            and self.archived is other.archived
            and self.today is other.today
            and self.past_figures is other.past_figures
            and self.history is other.history
            and self.machine is other.machine
            and self._get_appearance() == other._get_appearance()
            and self.now < other._figures_valid_until
        )

    @cached_property
    def _figures_valid_until(self) -> datetime:
        """The first moment at which the verdict of any org can change without a new reply."""
        ends = (self.get_figures(state).valid_until for state in self.store.orgs)
        return min(ends, default=datetime.max.replace(tzinfo=UTC))

    def _get_appearance(self) -> tuple[object, ...]:
        # All fields except the time, and except those that are compared by identity.
        words = self.note, self.past_label, self.return_title, self.message
        history = self.history_state, self.history_weeks, self.events_state, self.dismissed
        machine = self.machine_state, self.transcript_folders
        look = self.key, self.zone, self.span, self.prefers_windows, self.ascii
        return *look, words, history, machine, self.panel_time

    @property
    def index(self) -> int:
        """Index of the selected org, from 0; 0 if no org is selected."""
        return next((i for i, state in enumerate(self.store.orgs) if state.key == self.key), 0)


def join_events(earlier: Sequence[Event], own: Sequence[Event]) -> tuple[Event, ...]:
    """Return the events of earlier runs and of this one, oldest first, each of them once."""
    # The archive can have an event of this run, whose time is before its start: that of a reset.
    known = {_identify(event) for event in own}
    every = [*(event for event in earlier if _identify(event) not in known), *own]
    # Of several events of one moment, the most severe one is the newest.
    return tuple(sorted(every, key=lambda event: (event.at, event.severity)))


def _identify(event: Event) -> tuple[object, ...]:
    """Return a key that no other event has, with the time to the millisecond, as in the archive."""
    return event.kind, round(event.at.timestamp() * 1000), event.org_key, event.subject

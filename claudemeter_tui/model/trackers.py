"""Track figures so that each transition emits one event and flapping replies emit none.

The server occasionally sends a placeholder (a window of 0% without a reset), a null instead of an object, or
a reset that is a second off. So a figure counts as gone only if several replies in a row lack it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.credits import Balance, Credits, Meter, Tranche
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    SUBJECT_POOL,
    Event,
    EventKind,
    find_earliest,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Reply, ReplyValue
from claudemeter_tui.model.resets import SavedResets
from claudemeter_tui.model.store import SPENDING_SPAN, OrgState, SessionState
from claudemeter_tui.model.time_series import MAX_BRIDGED_PAUSE
from claudemeter_tui.model.verdict import Verdict, VerdictState, get_state_severity
from claudemeter_tui.model.windows import FULL_FROM, Plan, Severity, Window

REPLIES_TO_CONFIRM = 3
"""Number of replies in a row without a figure after which it counts as gone; placeholders last one or two
polls.
"""
THRESHOLD_RESET_DROP = 5.0
"""Percentage points that a figure must be below a threshold before it can pass the threshold again."""
EXPIRY_WARNING = timedelta(days=3)
"""Time before the expiry of a part of the balance, or of a saved reset, at which a warning is due."""
MIN_BALANCE_CHANGE = 1
"""Smallest reported rise or fall of the balance, in whole units of its currency. Smaller ones can come from a
correction by the server, or from the seconds between the replies of one poll.
"""
MAX_CORRECTION = 2
"""Largest correction by the server in minor units; this matters for currencies without decimals."""
Thresholds = tuple[float, ...]
"""Percentages, each above 0."""
PREPAID_ENDPOINTS = (Endpoint.PREPAID,)


@dataclass(frozen=True, slots=True)
class EventSink:
    """Collect the events of one observation, in the order in which they are detected."""

    now: datetime
    thresholds: Thresholds
    """Percentages that cause an event when a figure passes them."""
    state: OrgState | SessionState
    """The org or the session of the events."""
    events: list[Event] = field(default_factory=list)

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Append an event with these fields; `at` defaults to now."""
        at, state = fields.pop("at", self.now), self.state
        org, key = (state.org, state.key) if isinstance(state, OrgState) else (None, None)
        self.events.append(Event(kind, at, state.session, org, key, **fields))

    def find_passed_threshold(self, percent: float | None) -> float:
        """Return the highest threshold at or below a percentage; 0 if there is none."""
        return max((each for each in self.thresholds if each <= (percent or 0.0)), default=0.0)


class MeterTracker(NamedTuple):
    """Confirmed figures of one meter, and the events already emitted for it."""

    meter: Meter
    passed_threshold: float = 0.0
    """The highest threshold that was passed; 0 for none."""
    replies_below: int = 0
    """Number of replies in a row clearly below that threshold."""
    replies_without_cap: int = 0
    """Number of replies in a row without a cap, although there was one."""

    @classmethod
    def start(cls, meter: Meter, sink: EventSink) -> MeterTracker:
        """Start tracking a meter; conditions that already hold emit no event."""
        return cls(meter, sink.find_passed_threshold(meter.percent))

    @property
    def is_settled(self) -> bool:
        """True if no figure awaits confirmation."""
        return not self.replies_below and not self.replies_without_cap

    def update(self, meter: Meter, sink: EventSink) -> MeterTracker:
        """Return the tracker after one more reply."""
        old, new, lost_cap_count = self.meter, meter, 0
        # A running meter can lack its used amount for a poll.
        if new.used is None:
            new = new._replace(used=old.used)
        if new.cap is None and old.cap is not None:
            lost_cap_count = self.replies_without_cap + 1
            # A missing cap can also mean a withdrawn meter; only `is_uncapped` means that there is no cap.
            if new.is_uncapped and lost_cap_count >= REPLIES_TO_CONFIRM:
                lost_cap_count = 0
            else:
                new = new._replace(cap=old.cap, is_uncapped=False)
        subject = SUBJECT_EXTRA_USAGE if new.is_personal else SUBJECT_POOL
        emit = partial(sink.emit, subject=subject, endpoints=(new.origin.endpoint,))
        are_caps_known = all(one.cap is not None or one.is_uncapped for one in (old, new))
        has_cap_changed = are_caps_known and old.cap != new.cap
        if has_cap_changed:
            emit(EventKind.CAP_CHANGED, before=old.cap, after=new.cap)
        percent = new.percent
        threshold = sink.find_passed_threshold(percent)
        if threshold > self.passed_threshold:
            more = {"threshold": threshold, "severity": Severity.from_percent(percent)}
            emit(EventKind.THRESHOLD, before=old.percent, after=percent, **more)
        is_below = percent is not None and percent < self.passed_threshold - THRESHOLD_RESET_DROP
        replies_below = self.replies_below + 1 if is_below else 0
        # A threshold can be passed again after another cap, or once the figure stays clearly below it.
        if has_cap_changed or replies_below >= REPLIES_TO_CONFIRM:
            return MeterTracker(new, threshold, 0, lost_cap_count)
        return MeterTracker(new, max(threshold, self.passed_threshold), replies_below, lost_cap_count)


class BalanceTracker(NamedTuple):
    """The last balance, and whether its auto-reload works."""

    amount: Money | None = None
    """The last amount that later ones are compared with. None if none was read yet."""
    is_reload_stopped: bool | None = None
    """True if auto-reload does not work. None if that was never read."""
    fell_after: datetime | None = None
    """Time of the last prepaid reply with `amount`, if the balance has fallen since and the fall must wait
    for the use to be read. None otherwise.
    """

    @property
    def is_settled(self) -> bool:
        """True if no fall of the balance has to wait for the use to be read."""
        return self.fell_after is None

    def update(
        self, balance: Balance | None, old: OrgState, new: OrgState, sink: EventSink
    ) -> BalanceTracker:
        """Emit the events of one more balance and return the tracker.

        Args:
            balance: The confirmed balance. None if none was read.
            old: The org before.
            new: The org now.
            sink: Collects the events.
        """
        if balance is None:
            return self
        emit = partial(sink.emit, endpoints=PREPAID_ENDPOINTS)
        is_stopped, amount = balance.is_reload_stopped, balance.amount
        if is_stopped and self.is_reload_stopped is False:
            codes = ", ".join(balance.reload_stop_codes)
            emit(EventKind.AUTO_RELOAD_STOPPED, after=codes, severity=Severity.WARNING)
        after = BalanceTracker(amount or self.amount, is_stopped)
        # Another currency is neither a refill nor a fall.
        if amount is None or self.amount is None or amount.unit != self.amount.unit:
            return after
        if _is_reported(amount, self.amount):
            emit(EventKind.BALANCE_REFILLED, before=self.amount, after=amount)
        if _is_reported(self.amount, amount):
            read = old.replies.get(Endpoint.PREPAID)
            since = self.fell_after or (read.at if read is not None else sink.now)
            runs = new.series.runs
            if runs and runs[-1].minor is None:
                return after._replace(amount=self.amount, fell_after=since)
            spent = _measure_spending_from_balance(amount, old, new, since)
            if spent is not None and _is_reported(self.amount, replace(amount, minor=amount.minor + spent)):
                unspent = replace(amount, minor=self.amount.minor - amount.minor - spent)
                amounts = {"before": self.amount, "after": amount, "amount": unspent}
                emit(EventKind.BALANCE_FELL, severity=Severity.WARNING, **amounts)
        return after


def _is_reported(high: Money, low: Money) -> bool:
    """Return True if the first amount is above the second one by more than a correction."""
    return high.major - low.major >= MIN_BALANCE_CHANGE and high.minor - low.minor > MAX_CORRECTION


def _measure_spending_from_balance(
    amount: Money, old: OrgState, new: OrgState, since: datetime
) -> Decimal | None:
    """Return the maximum, in minor units, that can have been spent from the balance since a moment.

    None if that is not known: the use was not read, it has fallen, or others also spend from the balance. The
    use in the 15 minutes before the moment counts too, because a balance can follow the use with a delay.
    """
    series = new.series
    rise = series.monotonic_rise
    # The moment may be the time of another reply of the same poll.
    if rise is None or rise.first - since > new.interval / 2:
        return None
    spent = series.compute_spent_since(since - SPENDING_SPAN)
    if spent.unit != amount.unit:
        return None if spent.minor else Decimal(0)
    if not new.org.is_shared:
        return spent.minor
    pools = [state.credits.pool_meter for state in (old, new)]
    used = [pool.used for pool in pools if pool is not None and pool.used is not None]
    if len(used) < len(pools) or {money.unit for money in used} != {amount.unit}:
        return None
    return max(spent.minor, used[1].minor - used[0].minor)


TrancheKey = tuple[datetime, bool]
"""Expiry of a part of the balance, and True if that part is a promotion."""


def update_warned_tranches(
    warned: frozenset[TrancheKey], balance: Balance | None, sink: EventSink, *, first: bool
) -> frozenset[TrancheKey]:
    """Emit an event for each part that expires soon, and return all parts that have caused one.

    With `first`, which means the first balance, emit nothing.
    """
    known = {key for key in warned if key[0] > sink.now}
    for key, tranche in _find_expiring(balance):
        is_soon = key[0] - EXPIRY_WARNING <= sink.now < key[0]
        if is_soon and key not in known and not first:
            more = {"before": tranche.remaining, "until": key[0], "severity": Severity.WARNING}
            sink.emit(EventKind.TRANCHE_EXPIRING, endpoints=PREPAID_ENDPOINTS, **more)
        if is_soon:
            known.add(key)
    return frozenset(known)


def find_next_warning(balance: Balance | None, resets: SavedResets, now: datetime) -> datetime | None:
    """Return the time of the next warning that money or a saved reset expires; None if none does."""
    ends = (*(key[0] for key, _ in _find_expiring(balance)), *resets.count_by_loss(now))
    warning_times = (end - EXPIRY_WARNING for end in ends)
    return find_earliest(moment for moment in warning_times if moment > now)


def _find_expiring(balance: Balance | None) -> Iterator[tuple[TrancheKey, Tranche]]:
    for tranche in balance.tranches if balance is not None else ():
        if tranche.expires_at is not None and tranche.remaining.minor > 0:
            yield (tranche.expires_at, tranche.is_promotional), tranche


def update_warned_resets(
    warned: frozenset[datetime], resets: SavedResets, sink: EventSink, *, first: bool
) -> frozenset[datetime]:
    """Emit an event for the saved resets that expire soon, and return the times that have caused one.

    With `first`, which means the first usage reply, emit nothing.
    """
    known = {lost_at for lost_at in warned if lost_at > sink.now}
    for lost_at, count in resets.count_by_loss(sink.now).items():
        is_soon = lost_at - EXPIRY_WARNING <= sink.now
        if is_soon and lost_at not in known and not first:
            more = {"before": float(count), "until": lost_at, "severity": Severity.WARNING}
            sink.emit(EventKind.SAVED_RESET_EXPIRING, endpoints=USAGE_ENDPOINTS, **more)
        if is_soon:
            known.add(lost_at)
    return frozenset(known)


@dataclass(frozen=True, slots=True)
class Debounced:
    """The confirmed replies; verdicts are based on these."""

    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    doubt_counts: Mapping[Endpoint, int] = field(default_factory=dict)
    """Number of replies in a row that contained less than the confirmed one, by endpoint; never 0."""

    def matches(self, replies: Mapping[Endpoint, Reply]) -> bool:
        """True if the given replies are exactly the confirmed ones."""
        if self.replies is replies:
            return True
        return all(self.replies.get(endpoint) is reply for endpoint, reply in replies.items())

    def update(self, fresh: Mapping[Endpoint, Reply], windows: tuple[Window, ...]) -> Debounced:
        """Return the confirmed replies after these new replies; the usage reply gets these windows."""
        replies, doubt_counts = dict(self.replies), dict(self.doubt_counts)
        for endpoint, new in fresh.items():
            doubt_count = doubt_counts.pop(endpoint, 0) + 1
            # Without an old reply, the new one counts at once.
            old = replies.get(endpoint) if doubt_count < REPLIES_TO_CONFIRM else None
            if endpoint is Endpoint.USAGE:
                replies[endpoint], is_doubtful = _debounce_usage(new, old, windows)
            else:
                is_doubtful = (
                    old is not None and _is_empty_value(new.value) and not _is_empty_value(old.value)
                )
                if not is_doubtful:
                    replies[endpoint] = new
            if is_doubtful:
                doubt_counts[endpoint] = doubt_count
        return Debounced(replies, doubt_counts)


def _is_empty_value(value: ReplyValue) -> bool:
    """True if a reply about credits contains nothing."""
    match value:
        case Meter():
            return value.is_enabled is None and value.used is None and value.reason is None
        case Balance():
            return value.amount is None
    return value is None


def _debounce_usage(new: Reply, old: Reply | None, windows: tuple[Window, ...]) -> tuple[Reply, bool]:
    """Return the usage reply with these windows and with meters that it lacks, and True if it lacks any."""
    plan = new.value if isinstance(new.value, Plan) else Plan(is_reported=False)
    old_plan = old.value if old is not None and isinstance(old.value, Plan) else Plan()
    origins = {meter.origin for meter in plan.meters}
    lost_meters = tuple(meter for meter in old_plan.meters if meter.origin not in origins)
    if windows == plan.windows and not lost_meters:
        return new, False
    # An empty reply (`{}`) does not show that the plan has no plan-wide window; only a kept one counts.
    is_reported = plan.is_reported or any(window.is_plan_wide for window in windows)
    completed = replace(plan, windows=windows, meters=(*plan.meters, *lost_meters), is_reported=is_reported)
    return replace(new, value=completed), bool(lost_meters)


WORKING_STATES = (VerdictState.CAN_WORK, VerdictState.ON_CREDITS)
Emit = Callable[..., None]
"""Type of `EventSink.emit` with some arguments bound."""


def find_unseen_end(ends_at: datetime | None, now: datetime) -> datetime | None:
    """Return the known end of a state that is over now, if it passed while nothing was read; else None."""
    return ends_at if ends_at is not None and now - ends_at > MAX_BRIDGED_PAUSE else None


class VerdictTracker(NamedTuple):
    """The last certain verdict."""

    state: VerdictState | None = None
    """Never UNKNOWN. None if no verdict was certain yet."""
    is_locked: bool | None = None
    """True if the credits are locked, or were and are not open since. None if that was never certain."""
    credit_lock: CreditLock | None = None
    """The first lock of the credits, or the last one until they are open. None if `is_locked` is not true."""
    lock_ends_at: datetime | None = None
    """Earliest known end of a lock. None if no lock has one."""
    ends_at: datetime | None = None
    """End of `state` as it was last known. None if it had none."""
    spending_since: datetime | None = None
    """Start of the last spending while the plan had room. None if there was none."""

    def observe(self, verdict: Verdict, sink: EventSink, credits_: Credits) -> VerdictTracker:
        """Emit the events of one more verdict and return the tracker; an uncertain one changes nothing."""
        is_certain = verdict.credits is not CreditState.UNKNOWN
        # WAIT with unknown credits may turn out to be ON CREDITS or BLOCKED.
        is_uncertain = verdict.state is VerdictState.UNKNOWN or (
            verdict.state is VerdictState.WAIT and not is_certain
        )
        new = VerdictTracker(
            self.state if is_uncertain else verdict.state,
            self.is_locked,
            self.credit_lock,
            find_earliest(lock.until for lock in verdict.credit_locks),
            self.ends_at if is_uncertain else verdict.ends_at,
            verdict.plan_spending.since if verdict.plan_spending is not None else self.spending_since,
        )
        # Credits that are switched off instead of locked still refuse: only open credits end a lock.
        if is_certain and (verdict.is_locked or verdict.credits is CreditState.OPEN or not self.is_locked):
            lock = verdict.credit_locks[0] if verdict.is_locked else None
            if lock is not None and lock.is_balance_outdated and self.credit_lock is not None:
                lock = self.credit_lock  # nothing but the age of the balance has changed
            new = new._replace(is_locked=verdict.is_locked, credit_lock=lock)
        meter = credits_.find_deciding_meter(sink.now) or credits_.lead_meter
        replies = (Endpoint.USAGE, meter.origin.endpoint) if meter else (Endpoint.USAGE,)
        # A meter can come from the usage reply, which is already listed.
        emit = partial(sink.emit, endpoints=tuple(dict.fromkeys(replies)))
        if self.state is not None and new.state is not self.state:
            self._emit_state_change(new, verdict, emit, find_unseen_end(self.ends_at, sink.now))
        # A lock causes an event even if the credits were not known to be open, as with contradicting replies.
        if self.state is not None:
            self._emit_lock_change(new, verdict, emit)
        if verdict.plan_spending is not None and new.spending_since != self.spending_since:
            window = next(iter(verdict.plan_spending.likely_windows), None)
            likely = {"subject": window.label, "before": window.percent} if window is not None else {}
            emit(EventKind.SPENDING, after=verdict.plan_spending.spent, severity=Severity.WARNING, **likely)
        return new

    def _emit_state_change(
        self, new: VerdictTracker, verdict: Verdict, emit: Emit, ended_at: datetime | None
    ) -> None:
        """Emit the events of a new state.

        Args:
            new: the tracker with the new state.
            verdict: the new verdict.
            emit: emits an event.
            ended_at: end of the old state, if it passed while nothing was read. None otherwise.
        """
        states = {"before": self.state, "after": new.state}
        severity = get_state_severity(verdict.state, is_locked=verdict.is_locked)
        if new.state is VerdictState.BLOCKED:
            lock = {"credit_lock": new.credit_lock, "until": verdict.ends_at}
            emit(EventKind.BLOCKED, severity=severity, **states, **lock)
        if self.state is VerdictState.BLOCKED and new.state in WORKING_STATES:
            is_off = verdict.credits in (CreditState.OFF, CreditState.ABSENT)
            subject = SUBJECT_PLAN if new.is_locked and not is_off else SUBJECT_EXTRA_USAGE
            emit(EventKind.LIFTED, subject=subject, credit_lock=self.credit_lock, until=ended_at, **states)
        if new.state is VerdictState.ON_CREDITS:
            full = next(iter(verdict.full_windows), None)
            window = {"after": full.label, "until": full.resets_at} if full else {"after": None}
            emit(EventKind.ON_CREDITS, severity=severity, **states | window)
        elif new.state is VerdictState.WAIT:
            emit(EventKind.WAIT, until=verdict.ends_at, severity=severity, **states)
        elif self.state is VerdictState.ON_CREDITS and new.state is VerdictState.CAN_WORK:
            emit(EventKind.BACK_IN_PLAN, until=ended_at, **states)

    def _emit_lock_change(self, new: VerdictTracker, verdict: Verdict, emit: Emit) -> None:
        """Emit events for the start, the end and the change of a lock while the plan has room."""
        lock = {"credit_lock": new.credit_lock, "until": verdict.credits_reopen_at}
        old_code, new_code = self._lock_code, new._lock_code
        if new.is_locked and not self.is_locked and new.state is not VerdictState.BLOCKED:
            emit(EventKind.CREDITS_BLOCKED, severity=Severity.CRITICAL, **lock)
        # If the lock blocked work, the change of state has emitted the LIFTED event.
        elif self.is_locked and not new.is_locked and self.state is not VerdictState.BLOCKED:
            states = {"before": self.state, "after": new.state}
            emit(EventKind.LIFTED, subject=SUBJECT_EXTRA_USAGE, credit_lock=self.credit_lock, **states)
        elif self.is_locked and new.is_locked and new.state is self.state and new_code != old_code:
            codes = {"before": old_code, "after": new_code}
            severity = max(Severity.CRITICAL, get_state_severity(verdict.state, is_locked=True))
            emit(EventKind.STILL_BLOCKED, severity=severity, **lock, **codes)

    @property
    def _lock_code(self) -> str | None:
        """The code that identifies the first lock. None if there is no lock."""
        lock = self.credit_lock
        if lock is None:
            return None
        # A cap or a balance is the same lock with and without a raw reason.
        return lock.cause if lock.cause in (Cause.CAP, Cause.EMPTY_BALANCE) else lock.reason or lock.cause


RESET_TOLERANCE = timedelta(minutes=2)
"""Maximum time before a reset at which its effect counts as on time, because clocks differ."""
MIN_RESET_MOVE = timedelta(minutes=5)
"""Minimum change of the reset time; smaller changes are jitter of the server."""
EARLY_RESET_DROP = 5.0
"""Percentage points by which a window must fall to count as reset early; the server rounds."""
USAGE_ENDPOINTS = (Endpoint.USAGE,)


class WindowTracker(NamedTuple):
    """Confirmed figures of a window, and the events already emitted for it."""

    window: Window
    doubt_count: int = 0
    """Number of replies in a row that were not confirmed."""
    is_full: bool = False
    passed_threshold: float = 0.0
    """The highest threshold passed in this cycle; 0 for none."""
    is_reset_over: bool = False
    """True if the reset has passed and its event was emitted."""

    @classmethod
    def start(cls, window: Window, sink: EventSink) -> WindowTracker:
        """Start tracking a window; conditions that already hold emit no event."""
        threshold = sink.find_passed_threshold(window.percent)
        return cls(window, 0, window.is_full(sink.now), threshold, window.is_due(sink.now))

    @property
    def due_at(self) -> datetime | None:
        """Time of the next WINDOW_RESET event by the clock. None if not known, or already emitted."""
        return None if self.is_reset_over else self.window.resets_at

    def update(self, new: Window | None, sink: EventSink) -> WindowTracker | None:
        """Return the tracker after one more reply; None if the window is gone."""
        old, is_due = self.window, self.window.is_due(sink.now)
        can_doubt = self._is_in_use and not is_due and self.doubt_count + 1 < REPLIES_TO_CONFIRM
        # Do not believe at once that a running window vanished, lost its figure, or fell to 0% without a new
        # reset.
        if can_doubt and (new is None or new.is_placeholder_of(old)):
            return self._replace(doubt_count=self.doubt_count + 1)
        if new is None:
            return None
        if new == old and not self.doubt_count:
            return self
        if new.resets_at is None and new.percent and not is_due:
            new = new._replace(resets_at=old.resets_at)
        return self._update_cycle(new, sink).update_figures(new, sink)

    def tick(self, sink: EventSink) -> WindowTracker:
        """Return the tracker for the current time; a due reset emits its event even without a reply."""
        old = self.window
        if self.is_reset_over or not old.is_due(sink.now):
            return self
        if old.is_allowance and (self._is_in_use or old.limit is not None):
            sink.emit(EventKind.ALLOWANCE_EXPIRED, at=old.resets_at, subject=old.label, before=old.percent)
        elif self._is_in_use:
            figures = {"before": old.percent, "is_freed": self.is_full}
            sink.emit(EventKind.WINDOW_RESET, at=old.resets_at, subject=old.label, **figures)
        return self._replace(is_reset_over=True, is_full=False, passed_threshold=0.0)

    @property
    def _is_in_use(self) -> bool:
        """True if a reset would change anything."""
        return bool(self.window.percent) or self.window.locked_reason is not None

    def _update_cycle(self, new: Window, sink: EventSink) -> WindowTracker:
        """Return the tracker for the cycle of the new figures, after emitting the events of a reset."""
        old, is_freed = self.window, self.is_freed(new, sink.now)
        emit = partial(sink.emit, subject=old.label, endpoints=USAGE_ENDPOINTS)
        percents = {"before": old.percent, "after": new.percent}
        if new.is_allowance:
            # An allowance never resets: another figure or end means a new or a larger allowance.
            threshold = sink.find_passed_threshold(new.percent)
            is_over = self.is_reset_over and new.is_due(sink.now)
            return self._replace(
                doubt_count=0,
                passed_threshold=min(self.passed_threshold, threshold),
                is_reset_over=is_over,
            )
        if self.is_reset(new, sink.now):
            if self._is_in_use and not self.is_reset_over:
                emit(EventKind.WINDOW_RESET, is_freed=is_freed, **percents)
            # Without a figure here, the caller emits the events of everything that the new cycle has reached.
            return WindowTracker(new._replace(percent=None))
        if is_freed or self.has_fallen(new):
            emit(EventKind.WINDOW_RESET_EARLY, is_freed=is_freed, until=old.resets_at, **percents)
            return WindowTracker(new, passed_threshold=sink.find_passed_threshold(new.percent))
        move = new.resets_at - old.resets_at if new.resets_at and old.resets_at else timedelta(0)
        if abs(move) >= MIN_RESET_MOVE and not self.is_reset_over:
            emit(EventKind.WINDOW_MOVED, before=old.resets_at, after=new.resets_at, until=new.resets_at)
        return self._replace(doubt_count=0) if self.doubt_count else self

    def is_reset(self, new: Window, now: datetime) -> bool:
        """Return True if the new figures belong to a cycle that began when this one was due."""
        old = self.window.resets_at
        if self.is_reset_over:
            return not new.is_due(now)
        is_later = new.resets_at is None or (old is not None and new.resets_at >= old + MIN_RESET_MOVE)
        return old is not None and now >= old - RESET_TOLERANCE and is_later

    def is_freed(self, new: Window, now: datetime) -> bool:
        """Return True if the window was full and has room now."""
        return self.is_full and not new.is_full(now)

    def has_fallen(self, new: Window) -> bool:
        """Return True if the percentage fell by more than rounding explains, and to less than 100%."""
        if self.is_reset_over or self.window.percent is None or new.percent is None:
            return False
        return min(new.percent, FULL_FROM) < min(self.window.percent, FULL_FROM) - EARLY_RESET_DROP

    def update_figures(self, new: Window, sink: EventSink) -> WindowTracker:
        """Emit the events of the new figures and return the updated tracker."""
        is_full, threshold = new.is_full(sink.now), self.passed_threshold
        if not self.is_reset_over:
            threshold = max(threshold, sink.find_passed_threshold(new.percent))
        emit = partial(sink.emit, subject=new.label, endpoints=USAGE_ENDPOINTS)
        figures = {"before": self.window.percent, "after": new.percent, "until": new.resets_at}
        if is_full and not self.is_full:
            severity = Severity.FULL if new.is_plan_wide else Severity.CRITICAL
            kind = EventKind.ALLOWANCE_USED_UP if new.is_allowance else EventKind.WINDOW_FILLED
            emit(kind, severity=severity, **figures)
        # WINDOW_FILLED replaces the event of a threshold of 100%.
        elif threshold > self.passed_threshold and not is_full:
            more = {"threshold": threshold, "severity": Severity.from_percent(new.percent)}
            emit(EventKind.THRESHOLD, **figures, **more)
        return WindowTracker(new, 0, is_full, threshold, self.is_reset_over)

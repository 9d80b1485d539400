"""Track figures so that each transition emits one event and flapping replies emit none.

The server now and then sends a placeholder (a window of 0% without a reset), a null in place of an object, a
reset that is a second off. A figure that vanishes must stay away before it counts as gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from claudemeter_tui.model.catalogue import CreditState, Endpoint
from claudemeter_tui.model.credits import Balance, Credits, Meter, Tranche
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    SUBJECT_POOL,
    EventKind,
    EventSink,
    Thresholds,
    find_passed_threshold,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Reply, ReplyValue
from claudemeter_tui.model.verdict import CreditLock, Verdict, VerdictState
from claudemeter_tui.model.windows import FULL_FROM, Plan, Severity, Window

REPLIES_TO_CONFIRM = 3
"""Replies in a row that must lack a figure before it counts as gone."""


THRESHOLD_RESET_DROP = 5.0
"""Percentage points below a threshold from which it can be passed again."""
TRANCHE_EXPIRY_WARNING = timedelta(days=3)
"""How long before its end a part of the balance is about to expire."""
MIN_REFILL = 1
"""Whole units of the currency; a smaller rise of the balance is a correction."""
PREPAID_ENDPOINTS = (Endpoint.PREPAID,)


@dataclass(frozen=True, slots=True)
class MeterTracker:
    """What is believed of one reply's account of the credits, and what was told."""

    meter: Meter
    passed_threshold: float = 0.0
    """The highest threshold that was passed; 0 for none."""
    replies_below: int = 0
    """Replies in a row that were clearly below it."""
    replies_without_cap: int = 0
    """Replies in a row that named no cap where there was one."""

    @classmethod
    def start(cls, meter: Meter, thresholds: Thresholds) -> MeterTracker:
        """A meter that is seen for the first time: what is so already is not told."""
        return cls(meter, find_passed_threshold(meter.percent, thresholds))

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for the next replies."""
        return not self.replies_below and not self.replies_without_cap

    def update(self, meter: Meter, thresholds: Thresholds, sink: EventSink) -> MeterTracker:
        """The watch after one more reply."""
        new, lost_cap = self._complete_meter(meter)
        old, changed = self.meter, _has_cap_changed(self.meter, new)
        subject = SUBJECT_EXTRA_USAGE if new.is_personal else SUBJECT_POOL
        replies = (new.origin.endpoint,)
        if changed:
            sink.emit(
                EventKind.CAP_CHANGED, subject=subject, before=old.cap, after=new.cap, endpoints=replies
            )
        percent = new.percent
        mark = find_passed_threshold(percent, thresholds)
        if mark > self.passed_threshold:
            percents = {"before": old.percent, "after": percent, "threshold": mark}
            severity = Severity.from_percent(percent)
            sink.emit(EventKind.THRESHOLD, subject=subject, endpoints=replies, severity=severity, **percents)
        fell = (
            self.replies_below + 1
            if percent is not None and percent < self.passed_threshold - THRESHOLD_RESET_DROP
            else 0
        )
        again = changed or fell >= REPLIES_TO_CONFIRM
        passed = mark if again else max(mark, self.passed_threshold)
        return MeterTracker(new, passed, 0 if again else fell, lost_cap)

    def _complete_meter(self, new: Meter) -> tuple[Meter, int]:
        """The new figures with what they lack, and how often in a row the cap was missing."""
        old = self.meter
        if new.used is None:
            new = replace(new, used=old.used)
        if new.cap is not None or old.cap is None:
            return new, 0
        lost = self.replies_without_cap + 1
        if new.is_uncapped and lost >= REPLIES_TO_CONFIRM:
            return new, 0
        return replace(new, cap=old.cap, is_uncapped=False), lost


def _has_cap_changed(old: Meter, new: Meter) -> bool:
    """Whether the cap is another one, or came, or went; both must be known."""
    if old.cap == new.cap:
        return False
    return all(meter.cap is not None or meter.is_uncapped for meter in (old, new))


def update_balance(old: Money | None, balance: Balance | None, sink: EventSink) -> Money | None:
    """The balance to remember: the new one where there is one; a rise is told."""
    new = balance.amount if balance is not None else None
    if old is None or new is None:
        return new or old
    rose = new.unit == old.unit and new.major - old.major >= MIN_REFILL
    if rose:
        sink.emit(EventKind.BALANCE_REFILLED, before=old, after=new, endpoints=PREPAID_ENDPOINTS)
    return new


TrancheKey = tuple[datetime, bool]
"""When a part of the balance expires, and whether it is a promotion."""


def update_warned_tranches(
    warned: frozenset[TrancheKey], balance: Balance | None, sink: EventSink, *, first: bool
) -> frozenset[TrancheKey]:
    """The parts whose end was told; those that are about to expire are told, except at first sight."""
    known = {key for key in warned if key[0] > sink.now}
    for key, tranche in _find_expiring(balance):
        if key in known or not key[0] - TRANCHE_EXPIRY_WARNING <= sink.now < key[0]:
            continue
        known.add(key)
        if not first:
            more = {"before": tranche.remaining, "until": key[0], "severity": Severity.WARNING}
            sink.emit(EventKind.TRANCHE_EXPIRING, endpoints=PREPAID_ENDPOINTS, **more)
    return frozenset(known)


def find_next_warning(balance: Balance | None, now: datetime) -> datetime | None:
    """When the next part of a balance is about to expire. None: none will be."""
    soon = [key[0] - TRANCHE_EXPIRY_WARNING for key, _ in _find_expiring(balance)]
    return min((moment for moment in soon if moment > now), default=None)


def _find_expiring(balance: Balance | None) -> Iterator[tuple[TrancheKey, Tranche]]:
    for tranche in balance.tranches if balance is not None else ():
        if tranche.expires_at is not None and tranche.remaining.minor > 0:
            yield (tranche.expires_at, tranche.is_promotional), tranche


@dataclass(frozen=True, slots=True)
class Debounced:
    """The replies to judge by."""

    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    doubt_counts: Mapping[Endpoint, int] = field(default_factory=dict)
    """Replies in a row that said less than the one believed; an endpoint without any is missing."""

    def matches(self, replies: Mapping[Endpoint, Reply]) -> bool:
        """Whether nothing in these replies is doubted or completed."""
        if self.replies is replies:
            return True
        return all(self.replies.get(endpoint) is reply for endpoint, reply in replies.items())

    def update(self, fresh: Mapping[Endpoint, Reply], windows: tuple[Window, ...]) -> Debounced:
        """What is believed after these new replies, with these windows in the usage reply."""
        replies, doubts = dict(self.replies), dict(self.doubt_counts)
        for endpoint, new in fresh.items():
            old = self.replies.get(endpoint) if doubts.get(endpoint, 0) + 1 < REPLIES_TO_CONFIRM else None
            whole = (
                _debounce_usage(new, old, windows)
                if endpoint is Endpoint.USAGE
                else _debounce_reply(new, old)
            )
            replies[endpoint], doubtful = whole
            doubts[endpoint] = doubts.get(endpoint, 0) + 1 if doubtful else 0
        return Debounced(replies, {endpoint: count for endpoint, count in doubts.items() if count})


def _debounce_reply(new: Reply, old: Reply | None) -> tuple[Reply, bool]:
    """The reply to believe, and whether the new one is doubted; without an old one it is not."""
    if old is not None and _is_empty_value(new.value) and not _is_empty_value(old.value):
        return old, True
    return new, False


def _is_empty_value(value: ReplyValue) -> bool:
    """Whether a reply about credits says nothing."""
    match value:
        case Meter():
            return value.is_enabled is None and value.used is None and value.reason is None
        case Balance():
            return value.amount is None
    return value is None


def _debounce_usage(new: Reply, old: Reply | None, windows: tuple[Window, ...]) -> tuple[Reply, bool]:
    """The usage reply with these windows, and with the meters that only this one lacks."""
    plan = new.value if isinstance(new.value, Plan) else Plan(is_reported=False)
    was = old.value if old is not None and isinstance(old.value, Plan) else Plan()
    lost = tuple(_find_lost_meters(plan, was))
    if windows == plan.windows and not lost:
        return new, False
    reported = plan.is_reported or bool(windows)
    whole = replace(plan, windows=windows, meters=(*plan.meters, *lost), is_reported=reported)
    return replace(new, value=whole), bool(lost)


def _find_lost_meters(plan: Plan, was: Plan) -> Iterator[Meter]:
    origins = {meter.origin for meter in plan.meters}
    return (meter for meter in was.meters if meter.origin not in origins)


WORKING_STATES = (VerdictState.CAN_WORK, VerdictState.ON_CREDITS)


@dataclass(frozen=True, slots=True)
class VerdictTracker:
    """The last verdict that was certain."""

    state: VerdictState | None = None
    """Never UNKNOWN. None: nothing was certain yet."""
    is_locked: bool | None = None
    """Whether the credits are locked. None: that was never certain."""
    credit_lock: CreditLock | None = None
    """What locks them first. None: they are not locked."""
    lock_ends_at: datetime | None = None
    """When a lock ends by its date. None: none does."""

    def observe(self, verdict: Verdict, sink: EventSink, credits_: Credits) -> VerdictTracker:
        """Where the org stands by one more verdict, on these credits; what is not certain changes nothing."""
        certain = verdict.credits is not CreditState.UNKNOWN
        unsure = verdict.state is VerdictState.UNKNOWN or (verdict.state is VerdictState.WAIT and not certain)
        due = min((shut.until for shut in verdict.credit_locks if shut.until is not None), default=None)
        new = VerdictTracker(
            state=self.state if unsure else verdict.state,
            is_locked=verdict.is_locked if certain else self.is_locked,
            credit_lock=(verdict.credit_locks[0] if verdict.is_locked else None)
            if certain
            else self.credit_lock,
            lock_ends_at=due,
        )
        if self.state is not None and new.state is not self.state:
            self._emit_state_change(new, verdict, _find_endpoints(credits_, sink.now), sink)
        if self.is_locked is not None and (new.is_locked, new.credit_lock) != (
            self.is_locked,
            self.credit_lock,
        ):
            self._emit_lock_change(new, verdict, _find_endpoints(credits_, sink.now), sink)
        return new

    def _emit_state_change(
        self, new: VerdictTracker, verdict: Verdict, replies: tuple[Endpoint, ...], sink: EventSink
    ) -> None:
        """Tell how another state was reached."""
        states = {"before": self.state, "after": new.state, "endpoints": replies}
        if new.state is VerdictState.BLOCKED:
            lock = {"credit_lock": new.credit_lock, "until": verdict.ends_at, "severity": Severity.FULL}
            sink.emit(EventKind.BLOCKED, **states, **lock)
        if self.state is VerdictState.BLOCKED and new.state in WORKING_STATES:
            sink.emit(
                EventKind.LIFTED,
                subject=SUBJECT_PLAN if new.is_locked else SUBJECT_EXTRA_USAGE,
                credit_lock=self.credit_lock,
                **states,
            )
        if new.state is VerdictState.ON_CREDITS:
            full = next(iter(verdict.full_windows), None)
            window = {"after": full.label if full else None, "until": full.resets_at if full else None}
            sink.emit(EventKind.ON_CREDITS, severity=Severity.CRITICAL, **(states | window))
        elif new.state is VerdictState.WAIT and self.state is not VerdictState.CAN_WORK:
            sink.emit(EventKind.WAIT, until=verdict.ends_at, severity=Severity.FULL, **states)
        elif self.state is VerdictState.ON_CREDITS and new.state is VerdictState.CAN_WORK:
            sink.emit(EventKind.BACK_IN_PLAN, **states)

    def _emit_lock_change(
        self, new: VerdictTracker, verdict: Verdict, replies: tuple[Endpoint, ...], sink: EventSink
    ) -> None:
        """Tell of a lock beside room in the plan, of its end, and of another lock in its place."""
        lock = {"credit_lock": new.credit_lock, "until": verdict.credits_reopen_at, "endpoints": replies}
        if new.is_locked and not self.is_locked and new.state is not VerdictState.BLOCKED:
            sink.emit(EventKind.CREDITS_BLOCKED, severity=Severity.CRITICAL, **lock)
        elif self.is_locked and not new.is_locked and self.state is not VerdictState.BLOCKED:
            states = {"before": self.state, "after": new.state, "endpoints": replies}
            sink.emit(EventKind.LIFTED, subject=SUBJECT_EXTRA_USAGE, credit_lock=self.credit_lock, **states)
        elif (
            self.is_locked
            and new.is_locked
            and new.state is self.state
            and _get_lock_code(self.credit_lock) != _get_lock_code(new.credit_lock)
        ):
            codes = {"before": _get_lock_code(self.credit_lock), "after": _get_lock_code(new.credit_lock)}
            sink.emit(EventKind.STILL_BLOCKED, severity=Severity.CRITICAL, **lock, **codes)


def _get_lock_code(shut: CreditLock | None) -> str | None:
    """What tells two locks apart."""
    return (shut.reason or shut.cause) if shut is not None else None


def _find_endpoints(credits_: Credits, now: datetime) -> tuple[Endpoint, ...]:
    """The replies that a verdict rests on."""
    meter = credits_.find_deciding_meter(now) or credits_.lead_meter
    return tuple(dict.fromkeys((Endpoint.USAGE, *([meter.origin.endpoint] if meter else ()))))


RESET_TOLERANCE = timedelta(minutes=2)
"""A reset that is seen this long before its time is on time: clocks differ."""
MIN_RESET_MOVE = timedelta(minutes=5)
"""A reset that is off by less has not moved."""
EARLY_RESET_DROP = 5.0
"""Percentage points by which a window must fall to count as reset early; the server rounds."""
USAGE_ENDPOINTS = (Endpoint.USAGE,)


@dataclass(frozen=True, slots=True)
class WindowTracker:
    """What is believed of a window, and what was told."""

    window: Window
    doubt_count: int = 0
    """Replies in a row that were not believed."""
    is_full: bool = False
    passed_threshold: float = 0.0
    """The highest threshold that was passed in this period; 0 for none."""
    is_reset_over: bool = False
    """Its reset is past, and was told."""

    @classmethod
    def start(cls, window: Window, now: datetime, thresholds: Thresholds) -> WindowTracker:
        """A window that is seen for the first time: what is so already is not told."""
        passed = find_passed_threshold(window.percent, thresholds)
        return cls(
            window, is_full=window.is_full(now), passed_threshold=passed, is_reset_over=window.is_due(now)
        )

    @property
    def due_at(self) -> datetime | None:
        """When its reset is to be told by the clock. None: it is not known, or was told."""
        return None if self.is_reset_over else self.window.resets_at

    def update(self, new: Window | None, thresholds: Thresholds, sink: EventSink) -> WindowTracker | None:
        """The watch after one more reply; None: the reply has no such window, or it is gone."""
        if self.doubt_count + 1 < REPLIES_TO_CONFIRM and self._is_doubtful(new, sink.now):
            return replace(self, doubt_count=self.doubt_count + 1)
        if new is None:
            return None
        if new == self.window and not self.doubt_count:
            return self
        new = self._complete_window(new, sink.now)
        return self._update_cycle(new, thresholds, sink).update_figures(new, thresholds, sink)

    def tick(self, sink: EventSink) -> WindowTracker:
        """The watch after the clock: a reset that has come is told even where nothing can be read."""
        old = self.window
        if self.is_reset_over or not old.is_due(sink.now):
            return self
        if self._is_in_use:
            figures = {"before": old.percent, "is_freed": self.is_full}
            sink.emit(EventKind.WINDOW_RESET, at=old.resets_at, subject=old.label, **figures)
        return replace(self, is_reset_over=True, is_full=False, passed_threshold=0.0)

    @property
    def _is_in_use(self) -> bool:
        """Whether a reset would change anything."""
        return bool(self.window.percent) or self.window.locked_reason is not None

    def _is_doubtful(self, new: Window | None, now: datetime) -> bool:
        """Whether a running window has vanished, lost its figure, or stands at 0 % without a new reset."""
        old = self.window
        if old.is_due(now) or not self._is_in_use:
            return False
        return new is None or new.is_placeholder_of(old)

    def _complete_window(self, new: Window, now: datetime) -> Window:
        """The new figures, with the reset that is known where only that is missing."""
        known = self.window.resets_at
        if new.resets_at is None and new.percent and known is not None and known > now:
            return replace(new, resets_at=known)
        return new

    def _update_cycle(self, new: Window, thresholds: Thresholds, sink: EventSink) -> WindowTracker:
        """The watch for the period that the new figures belong to."""
        old, freed = self.window, self.is_full and not new.is_full(sink.now)
        if self._is_reset(new, sink.now):
            if self._is_in_use and not self.is_reset_over:
                percents = {"before": old.percent, "after": new.percent}
                sink.emit(
                    EventKind.WINDOW_RESET,
                    subject=old.label,
                    endpoints=USAGE_ENDPOINTS,
                    is_freed=freed,
                    **percents,
                )
            return WindowTracker(replace(new, percent=None))
        if self._is_early(new, sink.now):
            figures = {"before": old.percent, "after": new.percent, "is_freed": freed}
            sink.emit(
                EventKind.WINDOW_RESET_EARLY,
                subject=old.label,
                endpoints=USAGE_ENDPOINTS,
                until=old.resets_at,
                **figures,
            )
            return WindowTracker(new, passed_threshold=find_passed_threshold(new.percent, thresholds))
        if self._is_moved(new):
            times = {"before": old.resets_at, "after": new.resets_at, "until": new.resets_at}
            sink.emit(EventKind.WINDOW_MOVED, subject=old.label, endpoints=USAGE_ENDPOINTS, **times)
        return replace(self, doubt_count=0) if self.doubt_count else self

    def _is_reset(self, new: Window, now: datetime) -> bool:
        """Whether the new figures belong to a period that began when this one was due."""
        old = self.window.resets_at
        if self.is_reset_over:
            return not new.is_due(now)
        later = new.resets_at is None or (old is not None and new.resets_at >= old + MIN_RESET_MOVE)
        return old is not None and now >= old - RESET_TOLERANCE and later

    def _is_early(self, new: Window, now: datetime) -> bool:
        """Whether the window has room again before it was due."""
        if self.is_full and not new.is_full(now):
            return True
        if self.is_reset_over or self.window.percent is None or new.percent is None:
            return False
        return min(new.percent, FULL_FROM) < min(self.window.percent, FULL_FROM) - EARLY_RESET_DROP

    def _is_moved(self, new: Window) -> bool:
        old, now = self.window.resets_at, new.resets_at
        return (
            old is not None
            and now is not None
            and not self.is_reset_over
            and abs(now - old) >= MIN_RESET_MOVE
        )

    def update_figures(self, new: Window, thresholds: Thresholds, sink: EventSink) -> WindowTracker:
        """The watch with the new figures, after telling what they have reached."""
        full = new.is_full(sink.now)
        passed = (
            self.passed_threshold
            if self.is_reset_over
            else max(self.passed_threshold, find_passed_threshold(new.percent, thresholds))
        )
        figures = {"before": self.window.percent, "after": new.percent, "until": new.resets_at}
        if full and not self.is_full:
            severity = Severity.FULL if new.is_plan_wide else Severity.CRITICAL
            sink.emit(
                EventKind.WINDOW_FILLED,
                subject=new.label,
                severity=severity,
                endpoints=USAGE_ENDPOINTS,
                **figures,
            )
        elif passed > self.passed_threshold and not full:
            more = {"threshold": passed, "severity": Severity.from_percent(new.percent), **figures}
            sink.emit(EventKind.THRESHOLD, subject=new.label, endpoints=USAGE_ENDPOINTS, **more)
        return WindowTracker(new, 0, full, passed, self.is_reset_over)

"""The verdict, over every combination of windows, credits and ages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import (
    DISABLED_REASONS,
    Cause,
    CreditState,
    Endpoint,
    MeterOrigin,
    WindowKind,
)
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.reading import ErrorKind, Failure, Reply, Session
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.verdict import (
    EndSource,
    PaymentProblem,
    Verdict,
    VerdictState,
    judge,
    rank_verdict,
)
from claudemeter_tui.model.windows import Plan, Window
from tests.model.readings import org, spend
from tests.model.values import (
    LOCKED,
    LOCKING,
    MAY,
    NEXT_WEEK,
    NOW,
    OFF,
    OPEN,
    PAST,
    SOON,
    fable,
    five_hour,
    later,
    list_reasons,
    meter,
    one_time,
    usd,
    weekly,
)


@pytest.mark.parametrize(
    ("expected", "windows", "credits_"),
    [
        (VerdictState.CAN_WORK, [five_hour(0, None)], None),
        (VerdictState.CAN_WORK, [five_hour(99.9)], OFF),
        (VerdictState.CAN_WORK, [five_hour(), weekly(99)], OPEN),
        (VerdictState.CAN_WORK, [five_hour(), weekly()], LOCKED),
        (VerdictState.CAN_WORK, [five_hour(), fable(130)], OPEN),
        (VerdictState.CAN_WORK, [five_hour(), one_time()], None),
        (VerdictState.CAN_WORK, [five_hour(None), weekly(12)], None),
        (VerdictState.CAN_WORK, [five_hour(100, PAST)], LOCKED),
        (VerdictState.CAN_WORK, [five_hour(100, NOW), weekly(None)], LOCKED),
        (VerdictState.CAN_WORK, [five_hour(12, PAST, locked_reason="odd")], LOCKED),
        (VerdictState.ON_CREDITS, [five_hour(100)], OPEN),
        (VerdictState.ON_CREDITS, [five_hour(), weekly(118)], meter(cap=None)),
        (VerdictState.ON_CREDITS, [five_hour(3, locked_reason="odd")], OPEN),
        (VerdictState.ON_CREDITS, [], OPEN),
        (VerdictState.ON_CREDITS, [one_time()], OPEN),
        (VerdictState.WAIT, [five_hour(100)], OFF),
        (VerdictState.WAIT, [five_hour(100)], None),
        (VerdictState.WAIT, [five_hour(100)], meter(is_enabled=None)),
        (VerdictState.WAIT, [five_hour(100), weekly(101)], OFF),
        (VerdictState.WAIT, [five_hour(100, None), weekly(None)], None),
        (VerdictState.WAIT, [five_hour(100, PAST), weekly(100)], None),
        (VerdictState.BLOCKED, [five_hour(100)], LOCKED),
        (VerdictState.BLOCKED, [five_hour(None, locked_reason="odd")], LOCKED),
        (VerdictState.BLOCKED, [], LOCKED),
        (VerdictState.BLOCKED, [fable(10)], LOCKED),
        (VerdictState.UNKNOWN, [], OFF),
        (VerdictState.UNKNOWN, [], None),
        (VerdictState.UNKNOWN, [], meter(is_enabled=None)),
        (VerdictState.UNKNOWN, [five_hour(None), weekly(None)], OPEN),
        (VerdictState.UNKNOWN, [five_hour(None, PAST)], LOCKED),
    ],
)
def test_state_follows_windows_and_credits(
    expected: VerdictState, windows: list[Window], credits_: Meter | None
) -> None:
    """With a full plan-wide window, or none on the plan, the credits decide."""
    assert expected is judge(org(*windows, credits_=credits_), NOW).state


@pytest.mark.parametrize(
    ("credits_", "cause", "found"),
    [
        (CreditState.ABSENT, None, None),
        (CreditState.OFF, Cause.OFF, meter(is_enabled=False)),
        (CreditState.OFF, Cause.OFF, meter(used=1200, is_enabled=False)),
        (CreditState.LOCKED, Cause.CAP, meter(used=6200, is_enabled=False)),
        (CreditState.UNKNOWN, Cause.NOT_REPORTED, meter(is_enabled=None)),
        (CreditState.OPEN, None, meter()),
        (CreditState.OPEN, None, meter(cap=None)),
        (CreditState.OPEN, None, meter(until=PAST)),
        (CreditState.LOCKED, Cause.CAP, meter(used=5000)),
        (CreditState.LOCKED, Cause.CAP, meter(used=6230)),
        (CreditState.LOCKED, Cause.CAP, meter(used=0, cap=0)),
        (CreditState.LOCKED, Cause.CAP, meter(cap_reached=True)),
        (CreditState.LOCKED, Cause.EMPTY_BALANCE, meter(used=0, out_of_credits=True)),
        (CreditState.LOCKED, Cause.EMPTY_BALANCE, meter(is_enabled=False, reason="out_of_credits")),
        (CreditState.LOCKED, Cause.SERVER, meter(until=SOON)),
        (CreditState.LOCKED, Cause.ADMIN, meter(reason="org_level_disabled", until=MAY)),
    ],
)
def test_cause_of_the_credits(credits_: CreditState, cause: Cause | None, found: Meter | None) -> None:
    """Each kind of closed credits has its own cause, and none is invented."""
    verdict = judge(org(five_hour(), credits_=found), NOW)
    assert (credits_, cause) == (
        verdict.credits,
        verdict.credit_locks[0].cause if verdict.credit_locks else None,
    )


@pytest.mark.parametrize("balance", [Balance(usd(24_400)), Balance(None), None])
def test_cap_reached_stays_the_cause_with_room_in_the_balance(balance: Balance | None) -> None:
    """Cap and balance are two gates: money in one does not open the other."""
    found = judge(org(five_hour(100), credits_=meter(used=5000), prepaid=balance), NOW)
    assert (found.state, found.cause) == (VerdictState.BLOCKED, Cause.CAP)


@pytest.mark.parametrize(
    "empty", [Balance(usd(0)), Balance(usd(-1592)), Balance(usd(4000), unscoped=usd(0))], ids=str
)
def test_cap_and_empty_balance_are_both_named(empty: Balance) -> None:
    """If the prepaid reply shows an empty balance, it is a second lock; the date belongs to the cap."""
    full = meter(used=5000, out_of_credits=True, until=MAY)
    found = judge(org(five_hour(100), credits_=full, prepaid=empty), NOW)
    assert [(s.cause, s.until) for s in found.credit_locks] == [(Cause.CAP, MAY), (Cause.EMPTY_BALANCE, None)]


@pytest.mark.parametrize("balance", [Balance(usd(24_400)), Balance(None), None])
def test_reached_cap_explains_the_flag_of_an_empty_balance(balance: Balance | None) -> None:
    """Beside a reached cap, no reply but the prepaid one says that the balance is empty."""
    found = judge(org(credits_=meter(used=5000, out_of_credits=True), prepaid=balance), NOW)
    assert [lock.cause for lock in found.credit_locks] == [Cause.CAP]


def test_balance_that_contradicts_the_flag_is_named() -> None:
    """Money in the prepaid reply is never called an empty balance."""
    found = judge(org(credits_=meter(out_of_credits=True), prepaid=Balance(usd(24_435))), NOW)
    assert [(lock.cause, lock.balance) for lock in found.credit_locks] == [
        (Cause.OUT_OF_CREDITS, usd(24_435))
    ]


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        *((CreditState.OFF, reason) for reason in list_reasons(CreditState.OFF)),
        *((CreditState.UNKNOWN, reason) for reason in list_reasons(CreditState.UNKNOWN)),
        *((CreditState.LOCKED, reason) for reason in LOCKING),
    ],
)
def test_every_reason_gives_its_credit_state_and_its_own_name(expected: CreditState, reason: str) -> None:
    """A `disabled_reason` decides the state of the credits, and is kept unchanged."""
    found = judge(org(five_hour(100), credits_=meter(reason=reason)), NOW)
    state = VerdictState.BLOCKED if expected is CreditState.LOCKED else VerdictState.WAIT
    assert (state, expected, reason) == (found.state, found.credits, found.credit_locks[0].reason)


def test_off_reasons_have_a_cure() -> None:
    """Every reason that means off has a cause with a cure."""
    assert {Cause.OFF, Cause.ADMIN} == {
        DISABLED_REASONS[reason].cause for reason in list_reasons(CreditState.OFF)
    }


@pytest.mark.parametrize("reason", ["capacity_protection", "foo_bar", *list_reasons(CreditState.UNKNOWN)])
def test_opaque_reasons_are_kept_unchanged(reason: str) -> None:
    """An unknown reason is not interpreted."""
    assert Cause.SERVER is judge(org(credits_=meter(reason=reason)), NOW).credit_locks[0].cause


@pytest.mark.parametrize(
    ("until", "lifts", "first", "disabled_until"),
    [
        (None, SOON, EndSource.WINDOW, None),
        (None, SOON, EndSource.WINDOW, PAST),
        (None, SOON, EndSource.WINDOW, NOW),
        (later(minutes=5), later(minutes=5), EndSource.CREDITS, later(minutes=5)),
        (SOON, SOON, EndSource.WINDOW, SOON),
        (MAY, SOON, EndSource.WINDOW, MAY),
    ],
)
def test_blocked_ends_with_the_first_of_window_and_credits(
    until: datetime | None, lifts: datetime, first: EndSource, disabled_until: datetime | None
) -> None:
    """BLOCKED ends when either the window or the credits open; a date in the past is ignored."""
    lock = meter(reason="self_selected_spend_limit_reached", until=disabled_until)
    found = judge(org(five_hour(100), credits_=lock), NOW)
    assert (until, lifts, first) == (found.lock_until, found.ends_at, found.end_source)


def test_blocked_without_windows_ends_with_the_credits() -> None:
    """On a plan without windows only the credits can end BLOCKED."""
    found = judge(org(credits_=meter(reason="foo_bar", until=MAY)), NOW)
    assert (found.ends_at, found.end_source) == (MAY, EndSource.CREDITS)


def test_blocked_has_no_date_from_credits_while_one_lock_has_none() -> None:
    """The end of a pause is not the end of BLOCKED if another gate stays closed."""
    paused = Org("u", "Acme", paused_until=MAY)
    found = judge(org(credits_=meter(reason="out_of_credits"), about=paused), NOW)
    assert (found.cause, found.lock_until, found.ends_at) == (Cause.PAUSED, MAY, None)


@pytest.mark.parametrize(
    ("expected", "paused_until"),
    [(CreditState.LOCKED, MAY), (CreditState.OPEN, PAST), (CreditState.OPEN, None)],
)
def test_pause_locks_only_while_it_lasts(expected: CreditState, paused_until: datetime | None) -> None:
    """`billable_usage_paused_until` locks open credits, and only until then."""
    about = Org("u", "Acme", paused_until=paused_until)
    assert expected is judge(org(five_hour(), credits_=OPEN, about=about), NOW).credits


@pytest.mark.parametrize(
    ("labels", "lifts", "windows"),
    [
        (["7-day all", "5-hour"], NEXT_WEEK, [five_hour(100), weekly(100)]),
        (["5-hour", "7-day all"], MAY, [five_hour(100, MAY), weekly(100)]),
        (["5-hour", "7-day all"], None, [five_hour(100, None), weekly(100)]),
        (["7-day all"], NEXT_WEEK, [five_hour(100, PAST), weekly(100)]),
    ],
)
def test_wait_ends_with_the_window_that_resets_last(
    labels: list[str], lifts: datetime | None, windows: list[Window]
) -> None:
    """Of several full windows the last reset counts, and an unknown reset is last of all."""
    found = judge(org(*windows), NOW)
    assert (labels, lifts) == ([window.label for window in found.full_windows], found.ends_at)


@pytest.mark.parametrize(
    ("expected", "windows"),
    [
        (Cause.WINDOW_SESSION, [five_hour(100), weekly()]),
        (Cause.WINDOW_WEEKLY, [five_hour(100), weekly(100)]),
        (Cause.NO_WINDOWS, []),
    ],
)
def test_on_credits_names_the_window_behind_it(expected: Cause, windows: list[Window]) -> None:
    """The cause of ON CREDITS is the limiting window, or the lack of windows."""
    assert expected is judge(org(*windows, credits_=OPEN), NOW).cause


@pytest.mark.parametrize(
    ("expected", "state"),
    [
        (Cause.NOT_READ, OrgState(Org("u", "Acme"), Account("a"), Session("Chrome"))),
        (Cause.NOT_READ, org(usage=None, credits_=LOCKED)),
        (Cause.NOT_REPORTED, org(plan=Plan(is_reported=False), credits_=OPEN)),
        (Cause.NOT_REPORTED, org(five_hour(None))),
        (Cause.NO_WINDOWS, org(credits_=OFF)),
    ],
)
def test_unknown_has_its_cause(expected: Cause, state: OrgState) -> None:
    """Not read, not reported, and a plan without windows are different causes."""
    found = judge(state, NOW)
    assert (VerdictState.UNKNOWN, expected) == (found.state, found.cause)


@pytest.mark.parametrize(
    ("state", "stale", "was", "age"),
    [
        (VerdictState.CAN_WORK, False, None, timedelta(minutes=2)),
        (VerdictState.CAN_WORK, True, None, timedelta(minutes=3)),
        (VerdictState.CAN_WORK, True, None, timedelta(minutes=15)),
        (VerdictState.UNKNOWN, True, VerdictState.CAN_WORK, timedelta(minutes=15, seconds=1)),
        (VerdictState.UNKNOWN, True, VerdictState.CAN_WORK, timedelta(days=9)),
        (VerdictState.CAN_WORK, False, None, timedelta(minutes=-5)),
    ],
)
def test_age_makes_a_verdict_unknown_after_a_quarter_of_an_hour(
    *, state: VerdictState, stale: bool, was: VerdictState | None, age: timedelta
) -> None:
    """After 15 minutes the verdict is UNKNOWN and keeps the last one; a clock set back adds no age."""
    found = judge(org(five_hour()), NOW + age)
    assert (state, stale, was) == (
        found.state,
        found.is_stale,
        found.last_known.state if found.last_known else None,
    )


def test_unknown_by_age_keeps_windows_in_the_last_verdict() -> None:
    """Windows and locks of old figures are in the last known verdict only."""
    found = judge(org(five_hour(100), credits_=LOCKED), later(hours=1))
    assert (found.full_windows, found.credit_locks, found.credits) == ((), (), CreditState.UNKNOWN)


def test_failed_reading_is_named_and_keeps_the_figures() -> None:
    """A failure of one reply is named, and the last good reply decides."""
    good = org(five_hour(100))
    failed = {Endpoint.USAGE: Failure(ErrorKind.EXPIRED, Endpoint.USAGE, NOW)}
    state = OrgState(good.org, good.account, good.session, good.replies, failed)
    found = judge(state, later(minutes=1))
    assert (found.state, found.error_kind) == (VerdictState.WAIT, ErrorKind.EXPIRED)


@pytest.mark.parametrize(
    ("expected", "old", "fresh"),
    [
        (CreditState.UNKNOWN, meter(), meter()),
        (CreditState.LOCKED, LOCKED, meter()),
        (CreditState.LOCKED, meter(), LOCKED),
        (CreditState.LOCKED, LOCKED, None),
        (CreditState.UNKNOWN, meter(), None),
    ],
)
def test_old_overage_reply_opens_nothing_and_keeps_its_lock(
    expected: CreditState, old: Meter, fresh: Meter | None
) -> None:
    """After 15 minutes the overage reply no longer shows open credits, but a lock remains, with its age."""
    at = later(minutes=20)
    plan = Plan((five_hour(resets_at=SOON),), meters=(fresh,) if fresh else ())
    state = org(credits_=old)
    replies = {**state.replies, Endpoint.USAGE: Reply(Endpoint.USAGE, at, plan)}
    found = judge(OrgState(state.org, state.account, state.session, replies), at)
    assert found.credits is expected
    if old is LOCKED:
        assert found.credit_locks[0].read_at == replies[Endpoint.OVERAGE].at


@pytest.mark.parametrize(("minutes", "expected"), [(2, CreditState.OPEN), (3, CreditState.UNKNOWN)])
def test_overage_reply_that_fails_is_believed_for_two_intervals(
    minutes: float, expected: CreditState
) -> None:
    """A request that failed leaves the last reply valid for two intervals."""
    at = later(minutes=minutes)
    state = org(five_hour(100), credits_=meter())
    failures = {Endpoint.OVERAGE: Failure(ErrorKind.SERVER_ERROR, Endpoint.OVERAGE, at)}
    read = state.replies[Endpoint.OVERAGE].at
    assert judge(replace(state, failures=failures), read + timedelta(minutes=minutes)).credits is expected


def test_overage_reply_that_was_never_read_leaves_the_credits_unknown() -> None:
    """An open `extra_usage` beside an overage reply of 500 may be locked."""
    extra = meter(origin=MeterOrigin.EXTRA_USAGE)
    state = org(plan=Plan((five_hour(100),), meters=(extra,)))
    replies = {Endpoint.USAGE: state.replies[Endpoint.USAGE]}
    failures = {Endpoint.OVERAGE: Failure(ErrorKind.SERVER_ERROR, Endpoint.OVERAGE, NOW)}
    found = judge(replace(state, replies=replies, failures=failures), NOW)
    assert (found.state, found.credits) == (VerdictState.WAIT, CreditState.UNKNOWN)
    assert [lock.cause for lock in found.credit_locks] == [Cause.NOT_READ]


def test_personal_gate_precedes_the_pool_and_locked_precedes_off() -> None:
    """Both gates of a Team org are named, locked ones first."""
    pool, own = meter(reason="org_spend_cap_reached", is_personal=False), meter(is_enabled=False)
    found = judge(org(five_hour(), credits_=pool, own_overage=own), NOW)
    assert [(s.state, s.is_personal) for s in found.credit_locks] == [
        (CreditState.LOCKED, False),
        (CreditState.OFF, True),
    ]


def test_windows_are_sorted_by_their_effect() -> None:
    """Full model windows are listed beside, due and missing plan-wide ones are named, the fullest leads."""
    due, silent = five_hour(100, PAST), Window("session", "Session", WindowKind.SESSION)
    found = judge(org(due, weekly(), silent, fable(), fable(20)), NOW)
    assert ((due,), (silent,), weekly(), (fable(),), ()) == (
        found.due_windows,
        found.unreported_windows,
        found.fullest_window,
        found.full_scoped_windows,
        found.full_windows,
    )


@pytest.mark.parametrize(
    ("expected", "subscription", "gates"),
    [
        ((), Subscription("active"), ()),
        ((), None, (("api_disabled_reason", "x"),)),
        ((), Subscription("canceled", paused_until=PAST), ()),
        ((PaymentProblem("status", "past_due"),), Subscription("past_due"), ()),
        ((PaymentProblem("status", "paused"),), Subscription("paused"), ()),
        ((PaymentProblem("payment_paused_until", "", MAY),), Subscription(paused_until=MAY), ()),
        ((PaymentProblem("billing_issue", "card"),), None, (("billing_issue", "card"),)),
    ],
)
def test_payment_is_named_but_changes_no_verdict(
    expected: tuple[PaymentProblem, ...],
    subscription: Subscription | None,
    gates: tuple[tuple[str, str], ...],
) -> None:
    """A failed payment is reported beside the verdict, because its effect is not known."""
    found = judge(
        org(five_hour(), about=Org("u", "Acme", restrictions=gates), subscription=subscription), NOW
    )
    assert (VerdictState.CAN_WORK, expected) == (found.state, found.payment_problems)


def test_spending_is_shown_for_15_minutes_beside_room_in_the_plan() -> None:
    """It ends by itself, and beside a full window it is that of ON CREDITS."""
    room, full = org(five_hour(97), fable(), credits_=OPEN), org(five_hour(100), credits_=OPEN)
    shown = judge(spend(room, 15), NOW).plan_spending
    assert shown is not None
    assert (usd(40), NOW - timedelta(minutes=16)) == (shown.spent, shown.since)
    assert [window.label for window in shown.likely_windows] == ["7-day Fable", "5-hour"]
    assert judge(spend(room, 15.1), NOW).plan_spending is None
    assert judge(spend(full), NOW).plan_spending is None


def _ranked() -> list[Verdict]:
    """Return verdicts from worst to best."""
    return [
        judge(org(five_hour(120), credits_=LOCKED), NOW),
        judge(org(five_hour(100), credits_=LOCKED), NOW),
        judge(org(credits_=LOCKED), NOW),
        judge(org(five_hour(3, locked_reason="odd")), NOW),
        judge(org(five_hour(100), credits_=OPEN), NOW),
        judge(org(five_hour(None)), NOW),
        judge(org(five_hour(2), credits_=LOCKED), NOW),
        judge(spend(org(five_hour(4), credits_=OPEN)), NOW),
        judge(org(five_hour(99)), NOW),
        judge(org(five_hour(1), weekly(80)), NOW),
    ]


def test_rank_puts_the_worst_first() -> None:
    """The order is by state, then by the highest percent."""
    ranked = _ranked()
    backwards = ranked[::-1]
    assert ranked == sorted(backwards, key=rank_verdict)


def test_rank_counts_a_locked_window_as_full() -> None:
    """A locked window ranks like a full one, whatever its percent."""
    locked, full = org(five_hour(3, locked_reason="odd")), org(five_hour(100))
    assert rank_verdict(judge(full, NOW)) == rank_verdict(judge(locked, NOW))


@pytest.mark.parametrize(
    ("expected", "session_error", "failures"),
    [
        (ErrorKind.EXPIRED, ErrorKind.EXPIRED, {}),
        (ErrorKind.EXPIRED, ErrorKind.EXPIRED, {Endpoint.USAGE: ErrorKind.SERVER_ERROR}),
        (ErrorKind.SERVER_ERROR, None, {Endpoint.USAGE: ErrorKind.SERVER_ERROR}),
        (None, None, {}),
    ],
)
def test_problem_of_the_session_is_the_cause_of_a_missing_reading(
    expected: ErrorKind | None, session_error: ErrorKind | None, failures: dict[Endpoint, ErrorKind]
) -> None:
    """An ended session explains unread windows, whatever failed before it."""
    state = replace(
        OrgState(Org("u", "Acme"), Account("a"), Session("Chrome")),
        session_error=session_error,
        failures={endpoint: Failure(kind, endpoint, NOW) for endpoint, kind in failures.items()},
    )
    assert expected is judge(state, NOW).error_kind

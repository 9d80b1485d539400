"""The event log: each transition once, none for flapping replies, and those that only time causes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Balance, Meter, Tranche
from claudemeter_tui.model.event_log import MAX_EVENTS, EventLog
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    SUBJECT_POOL,
    Event,
    EventKind,
    EventValue,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import NO_SESSION, ErrorKind, Reading, Reply, ReplyValue
from claudemeter_tui.model.resets import SavedResets
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import STATE_SEVERITIES, VerdictState
from claudemeter_tui.model.windows import Plan, Severity, Window
from tests import scenes
from tests.model.readings import (
    CHROME,
    FIREFOX,
    LAB,
    PAT,
    PERSONAL,
    SAM,
    TEAM,
    at,
    closed,
    failed,
    listed,
    reply,
    reported,
    stopped,
)
from tests.model.values import (
    OFF,
    REACHED,
    build_saved_resets,
    fable,
    five_hour,
    meter,
    one_time,
    usd,
    weekly,
)

RESET, LATER = at(120), at(420)


def plan(*windows: Window, **more: Any) -> Plan:
    """Return a usage reply with these windows."""
    return Plan(windows, **more)


FULL, ROOM = plan(five_hour(100), weekly()), plan(five_hour(41), weekly())


def locked(**more: Any) -> Meter:
    """Return an overage reply with a reached cap."""
    return meter(5000, 5000, reason=REACHED, **more)


class Run:
    """A run of polls of one org, a minute apart, and the events that the log emits."""

    def __init__(
        self,
        *first: ReplyValue,
        account: Account = PAT,
        thresholds: tuple[float, ...] = (75, 90, 100),
        ages: bool = False,
    ) -> None:
        """Start with a poll that found these; with `ages`, stale figures count as reported."""
        self.minute, self.ages = 0.0, ages
        self.store, self.journal = Store(), EventLog(thresholds)
        self.emitted: list[Event] = []
        self.read(listed(0, PERSONAL, account=account))
        self.poll(*first)
        assert self.emitted == []

    def read(self, *readings: Reading) -> list[Event]:
        """Apply these readings and return their events."""
        before = len(self.emitted)
        for reading in readings:
            self.store = self.store.apply(reading)
            self._look(reading.at)
        return self.emitted[before:]

    def poll(self, *values: ReplyValue) -> list[Event]:
        """Poll a minute after the last poll: a usage and other replies, by their values."""
        self.minute += 1
        parts = [reply(endpoint_of(value, i), self.minute, value) for i, value in enumerate(values)]
        return self.read(reported(self.minute, PERSONAL, *parts), closed(self.minute))

    def fail(self, *endpoints: Endpoint) -> list[Event]:
        """Poll once with these replies failing."""
        self.minute += 1
        parts = [failed(endpoint, self.minute) for endpoint in endpoints or (Endpoint.USAGE,)]
        return self.read(reported(self.minute, PERSONAL, *parts), closed(self.minute))

    def tick(self, minutes: float) -> list[Event]:
        """Move the clock to so many minutes after the start and return the events."""
        before = len(self.emitted)
        self._look(at(minutes))
        return self.emitted[before:]

    def _look(self, now: datetime) -> None:
        self.journal = self.journal.observe(self.store, now)
        ages = (EventKind.STALE, EventKind.RECOVERED)
        self.emitted += (event for event in self.journal.new_events if self.ages or event.kind not in ages)


def endpoint_of(value: ReplyValue, place: int) -> Endpoint:
    """Return the endpoint of a value; None is an overage reply, or in the first place a usage reply."""
    if isinstance(value, Meter) and value.origin is MeterOrigin.OWN_OVERAGE:
        return Endpoint.OWN_OVERAGE
    kinds = {Plan: Endpoint.USAGE, Meter: Endpoint.OVERAGE, Balance: Endpoint.PREPAID}
    return kinds.get(type(value), Endpoint.OVERAGE if place else Endpoint.USAGE)


def kinds(events: Iterable[Event]) -> list[EventKind]:
    """Return the kinds of the events, in order."""
    return [event.kind for event in events]


def only(events: list[Event]) -> Event:
    """Return the only event."""
    (event,) = events
    return event


# Windows.


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(five_hour(98), five_hour(100), (EventKind.WINDOW_FILLED, 98, 100), id="filled"),
        pytest.param(
            five_hour(60), five_hour(130), (EventKind.WINDOW_FILLED, 60, 130), id="over full at once"
        ),
        pytest.param(
            five_hour(41),
            five_hour(41, locked_reason="abuse"),
            (EventKind.WINDOW_FILLED, 41, 41),
            id="locked",
        ),
        pytest.param(five_hour(74.9), five_hour(75), (EventKind.THRESHOLD, 74.9, 75), id="at a threshold"),
        pytest.param(
            five_hour(60), five_hour(95), (EventKind.THRESHOLD, 60, 95), id="past two at once, told once"
        ),
        pytest.param(
            five_hour(67), five_hour(2, LATER), (EventKind.WINDOW_RESET_EARLY, 67, 2), id="reset early"
        ),
        pytest.param(five_hour(100), five_hour(97), (EventKind.WINDOW_RESET_EARLY, 100, 97), id="room again"),
        pytest.param(
            five_hour(41), five_hour(42, at(180)), (EventKind.WINDOW_MOVED, RESET, at(180)), id="moved"
        ),
        pytest.param(
            five_hour(41), five_hour(41, at(90)), (EventKind.WINDOW_MOVED, RESET, at(90)), id="moved nearer"
        ),
        pytest.param(
            five_hour(0, None), five_hour(80), (EventKind.THRESHOLD, 0, 80), id="begun and past a threshold"
        ),
    ],
)
def test_window_emits_one_event_for_a_change(
    before: Window, after: Window, expected: tuple[EventKind, EventValue, EventValue]
) -> None:
    """A change of a window emits one event with the figures before and after, read from the usage reply."""
    run = Run(plan(before, weekly()))
    event = only(run.poll(plan(after, weekly())))
    assert expected == (event.kind, event.before, event.after)
    assert ("5-hour", (Endpoint.USAGE,), PERSONAL, at(2)) == (
        event.subject,
        event.endpoints,
        event.org,
        event.at,
    )
    assert run.poll(plan(after, weekly())) == []


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param([plan(five_hour(0, None), weekly())] * 2, id="placeholder window"),
        pytest.param([plan(five_hour(0), weekly())] * 2, id="zero with the same reset"),
        pytest.param([plan(five_hour(None), weekly())] * 2, id="null figure"),
        pytest.param([plan(weekly())] * 2, id="null window"),
        pytest.param([plan()] * 2, id="all windows null"),
        pytest.param([plan(is_reported=False)] * 2, id="empty reply"),
        pytest.param([None] * 2, id="no such thing"),
        pytest.param([plan(five_hour(100, None), weekly())], id="reset missing"),
        pytest.param(
            [plan(five_hour(100, RESET + timedelta(minutes=m)), weekly()) for m in (1, 0, 1)],
            id="reset jitters",
        ),
    ],
)
def test_flapping_window_emits_no_event(replies: list[Plan | None]) -> None:
    """A full window on credits that vanishes for two replies has neither reset nor left the credits."""
    full = plan(five_hour(100), weekly())
    run = Run(full, meter())
    for value in replies:
        assert run.poll(value, meter()) == []
    assert run.poll(full, meter()) == []
    assert (EventKind.WINDOW_RESET, at(120)) == (run.tick(120)[0].kind, run.emitted[0].at)


def test_empty_reply_after_a_full_model_is_no_plan_without_windows() -> None:
    """An empty reply that leaves only a model's window does not mean that all work uses credits."""
    run = Run(plan(five_hour(0, None), weekly(0, None), fable(50)), meter())
    for _ in range(3):
        assert EventKind.ON_CREDITS not in kinds(run.poll(plan(is_reported=False), meter()))


@pytest.mark.parametrize(
    ("lasting", "expected"),
    [
        (plan(five_hour(0, None), weekly()), [EventKind.BACK_IN_PLAN]),
        (plan(weekly()), [EventKind.BACK_IN_PLAN]),
    ],
)
def test_window_that_stays_away_is_removed(lasting: Plan, expected: list[EventKind]) -> None:
    """A missing window is believed after three replies in a row."""
    run = Run(plan(five_hour(100), weekly()), meter())
    for _ in range(2):
        assert run.poll(lasting, meter()) == []
    assert expected == kinds(run.poll(lasting, meter()))
    assert run.poll(lasting, meter()) == []


def test_threshold_is_reported_once_in_a_cycle() -> None:
    """A figure that wavers around a threshold passes it once, and again after the reset."""
    run = Run(plan(five_hour(70), weekly()))
    emitted = [run.poll(plan(five_hour(percent), weekly())) for percent in (76, 74, 76, 71, 91)]
    assert [event.threshold for events in emitted for event in events] == [75, 90]
    assert kinds(run.tick(120)) == [EventKind.WINDOW_RESET]
    run.minute = 120
    assert [event.threshold for event in run.poll(plan(five_hour(80, LATER), weekly()))] == [75]


def test_thresholds_can_be_chosen() -> None:
    """Chosen percentages replace the usual ones, and a full window is reported in any case."""
    run = Run(plan(five_hour(10), weekly()), thresholds=(50,))
    assert [event.threshold for event in run.poll(plan(five_hour(80), weekly()))] == [50]
    assert kinds(run.poll(plan(five_hour(100), weekly()))) == [EventKind.WINDOW_FILLED]


def test_reset_is_reported_when_due_and_only_once() -> None:
    """A reset is reported when it is due, without a reply, and the reply that shows it emits nothing."""
    run = Run(plan(five_hour(100), weekly()))
    assert run.tick(119.9) == []
    event = only(run.tick(120.5))
    assert (
        event.kind,
        event.at,
        event.before,
        event.is_freed,
        event.endpoints,
    ) == (EventKind.WINDOW_RESET, RESET, 100, True, ())
    run.minute = 121
    assert run.poll(plan(five_hour(100), weekly())) == []
    assert run.poll(plan(five_hour(0, None), weekly())) == []
    assert run.poll(plan(five_hour(3, LATER), weekly())) == []
    assert kinds(run.poll(plan(five_hour(100, LATER), weekly()))) == [EventKind.WINDOW_FILLED]


def test_reset_is_reported_after_polls_without_windows() -> None:
    """A known reset is reported even if later polls brought only amounts."""
    run = Run(plan(five_hour(100), weekly()), meter(1000))
    for minute in (118, 118.5):
        run.minute = minute
        assert run.poll(plan(five_hour(100), weekly()), meter(10 * minute)) == []
    event = only(run.tick(120))
    assert (event.kind, event.windows, event.is_freed) == (EventKind.BACK_IN_PLAN, ("5-hour",), True)


def test_reset_that_the_server_shows_first_is_on_time() -> None:
    """A reset a minute before its time is not early, and is not reported again when due."""
    run = Run(plan(five_hour(60), weekly()))
    run.minute = 118
    event = only(run.poll(plan(five_hour(1, LATER), weekly())))
    assert (event.kind, event.before, event.after) == (EventKind.WINDOW_RESET, 60, 1)
    assert run.tick(120.5) == []


def test_empty_window_resets_without_an_event() -> None:
    """The reset of an empty window emits no event."""
    run = Run(plan(five_hour(0), weekly()))
    assert run.tick(121) == []


# Credits.


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(meter(), meter(cap=8000), (SUBJECT_EXTRA_USAGE, usd(5000), usd(8000)), id="raised"),
        pytest.param(meter(cap=None), meter(), (SUBJECT_EXTRA_USAGE, None, usd(5000)), id="came"),
        pytest.param(
            meter(is_personal=False),
            meter(cap=1, is_personal=False),
            (SUBJECT_POOL, usd(5000), usd(1)),
            id="pool's",
        ),
    ],
)
def test_changed_cap_is_reported(
    before: Meter, after: Meter, expected: tuple[str, Money | None, Money]
) -> None:
    """A changed cap is reported with both amounts and its owner."""
    run = Run(plan(weekly()), before)
    event = run.poll(plan(weekly()), after)[0]
    assert (EventKind.CAP_CHANGED, *expected) == (event.kind, event.subject, event.before, event.after)
    assert event.endpoints == (Endpoint.OVERAGE,)
    assert run.poll(plan(weekly()), after) == []


def test_removed_cap_is_reported_if_it_stays_away() -> None:
    """A null cap counts as no cap from the third reply on."""
    run = Run(plan(weekly()), meter())
    emitted = [kinds(run.poll(plan(weekly()), meter(cap=None))) for _ in range(4)]
    assert emitted == [[], [], [EventKind.CAP_CHANGED], []]


@pytest.mark.parametrize(
    "flap",
    [
        pytest.param(None, id="null reply"),
        pytest.param(Meter(MeterOrigin.OVERAGE), id="null fields"),
        pytest.param(meter(None), id="null use"),
        pytest.param(meter(0), id="no use"),
        pytest.param(meter(4600, None), id="null cap"),
    ],
)
def test_flapping_credits_emit_no_event(flap: Meter | None) -> None:
    """Two replies without the figures change neither cap nor verdict, and no threshold is passed twice."""
    good = meter(4600)
    run = Run(plan(five_hour(100), weekly()), good)
    for value in (flap, flap, good, good):
        assert run.poll(plan(five_hour(100), weekly()), value) == []


def test_credits_report_thresholds_again_after_a_new_month() -> None:
    """A threshold is passed once; a fall that lasts arms it again."""
    run = Run(plan(weekly(100)), meter(3700))
    event = only(run.poll(plan(weekly(100)), meter(3800)))
    assert (
        event.kind,
        event.threshold,
        event.subject,
        event.before,
        event.after,
    ) == (EventKind.THRESHOLD, 75, SUBJECT_EXTRA_USAGE, 74, 76)
    for used in (3800, 0, 0, 0, 40):
        assert run.poll(plan(weekly(100)), meter(used)) == []
    assert [event.threshold for event in run.poll(plan(weekly(100)), meter(3800))] == [75]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ((100, 5100), [EventKind.BALANCE_REFILLED]),
        ((100, None, 100), []),
        ((100, 150, 120), []),
        ((None, 5000), []),
        ((500, 300, 300, 900), [EventKind.BALANCE_FELL, EventKind.BALANCE_REFILLED]),
    ],
)
def test_raised_balance_is_reported(amounts: tuple[int | None, ...], expected: list[EventKind]) -> None:
    """A rise by a unit of the currency is a refill; a null or the first reply is not."""
    first, *more = (Balance(None if cents is None else usd(cents)) for cents in amounts)
    run = Run(plan(weekly()), meter(), first)
    for balance in more:
        run.poll(plan(weekly()), meter(), balance)
    assert expected == kinds(run.emitted)


Polled = tuple[float | None, float]
"""Used credits and balance of one poll, minor units."""


@pytest.mark.parametrize(
    ("expected", "polls"),
    [
        pytest.param([40_000], [(0, 41_250), (0, 1250)], id="expired"),
        pytest.param([40_000], [(0, 41_250), (0, 41_250), (0, 1250), (0, 1250)], id="once"),
        pytest.param([2_092], [(0, 500), (0, -1592)], id="into a debt"),
        pytest.param([], [(0, 41_250), (0, 41_248)], id="correction"),
        pytest.param([], [(0, 41_250), (0, 41_151)], id="below a dollar"),
        pytest.param([], [(0, 41_250), (1000, 40_250)], id="spent"),
        pytest.param([], [(0, 41_250), (1000, 41_250), (1000, 40_250)], id="spent a poll before"),
        pytest.param([39_000], [(0, 41_250), (1000, 1250)], id="more than spent"),
        pytest.param([], [(4500, 41_250), (120, 40_830)], id="new month"),
        pytest.param([40_000], [(0, 41_250), (None, 1250), (0, 1250)], id="use read later"),
        pytest.param([], [(0, 41_250), (None, 1250), (40_000, 1250)], id="spending read later"),
        pytest.param([], [(None, 41_250), (None, 1250)], id="use never read"),
    ],
)
def test_fall_of_the_balance_is_reported_if_not_spent(expected: list[int], polls: list[Polled]) -> None:
    """Only what spending cannot explain has expired or was withdrawn; without the use, nothing is said."""
    (used, cents), *more = polls
    run = Run(FULL, meter(used, 99_999), Balance(usd(cents)))
    for used, cents in more:
        run.poll(FULL, meter(used, 99_999), Balance(usd(cents)))
    falls = [event for event in run.emitted if event.kind is EventKind.BALANCE_FELL]
    assert [usd(unspent) for unspent in expected] == [event.amount for event in falls]
    for event in falls:
        assert (usd(polls[0][1]), usd(polls[-1][1])) == (event.before, event.after)


def test_balance_in_another_currency_has_not_fallen() -> None:
    """A change of currency is neither a fall nor a refill."""
    run = Run(FULL, meter(), Balance(usd(41_250)))
    assert run.poll(FULL, meter(), Balance(Money(Decimal(1250), "EUR"))) == []


@pytest.mark.parametrize(("expected", "pool"), [([EventKind.BALANCE_FELL], 9000), ([], 49_000), ([], None)])
def test_fall_of_a_shared_balance_counts_the_pool(expected: list[EventKind], pool: float | None) -> None:
    """Other members spend from the balance, too: what the pool rose by was spent."""
    team = replace(PERSONAL, is_shared=True)

    def poll(minute: float, used: float | None, cents: int) -> Reading:
        pooled = meter(used, 99_999, is_personal=False)
        values: dict[Endpoint, ReplyValue] = {
            Endpoint.USAGE: FULL,
            Endpoint.OWN_OVERAGE: own,
            Endpoint.OVERAGE: pooled,
        }
        values[Endpoint.PREPAID] = Balance(usd(cents))
        return reported(minute, team, *(reply(endpoint, minute, value) for endpoint, value in values.items()))

    own = meter(0, 5000, origin=MeterOrigin.OWN_OVERAGE)
    store = Store().apply(listed(0, team)).apply(poll(1, 9000, 41_250))
    log = EventLog().observe(store, at(1))
    log = log.observe(store.apply(poll(2, pool, 1250)), at(2))
    assert expected == [event.kind for event in log.new_events if event.kind is EventKind.BALANCE_FELL]


def test_auto_reload_that_stops_is_reported_once() -> None:
    """The codes are named when it stops, not while it stays stopped, and not at the first reading."""
    works = Balance(usd(500), auto_reload=True)
    stopped = works._replace(reload_stop_codes=("payment_failed", "card_declined"))
    run = Run(FULL, meter(), works)
    event = only(run.poll(FULL, meter(), stopped))
    assert (event.kind, event.after) == (EventKind.AUTO_RELOAD_STOPPED, "payment_failed, card_declined")
    assert event.severity is Severity.WARNING
    assert run.poll(FULL, meter(), stopped) == []
    assert run.poll(FULL, meter(), works) == []
    assert kinds(run.poll(FULL, meter(), stopped)) == [EventKind.AUTO_RELOAD_STOPPED]
    assert Run(FULL, meter(), stopped).poll(FULL, meter(), stopped) == []


def test_spending_in_the_plan_is_reported_at_its_start() -> None:
    """The first cent is an event, further ones are none; after 15 minutes without a rise it starts again."""
    room = plan(five_hour(97, at(300)), weekly())
    run = Run(room, meter(1720))
    event = only(run.poll(room, meter(1721)))
    assert (EventKind.SPENDING, "5-hour", 97, usd(1)) == (
        event.kind,
        event.subject,
        event.before,
        event.after,
    )
    assert event.severity is Severity.WARNING
    assert [run.poll(room, meter(used)) for used in (1750, 1750, 1800)] == [[], [], []]
    assert [run.poll(room, meter(1800)) for _ in range(16)] == [[]] * 16
    assert only(run.poll(room, meter(1801))).after == usd(1)


@pytest.mark.parametrize(
    ("subject", "windows"),
    [
        ("", (five_hour(94, at(300)), weekly())),
        ("7-day all", (five_hour(41, at(300)), weekly(95))),
        ("7-day Fable", (five_hour(97, at(300)), weekly(), fable())),
        ("7-day Fable", (five_hour(41, at(300)), weekly(), fable(96))),
        ("5-hour", (five_hour(99, at(300)), weekly(), one_time(100))),
    ],
)
def test_spending_names_its_likely_cause(subject: str, windows: tuple[Window, ...]) -> None:
    """A full window of one model is likelier than one at 95%; a dollar allowance is no cause."""
    run = Run(plan(*windows), meter(1720))
    assert only(run.poll(plan(*windows), meter(1725))).subject == subject


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((FULL, meter(100)), (ROOM, meter(105))),
        ((ROOM, meter(100)), (FULL, meter(105))),
        ((ROOM, meter(100, is_personal=False)), (ROOM, meter(105, is_personal=False))),
        ((ROOM, meter(100)), (ROOM, meter(100))),
        ((ROOM, meter(100)), (ROOM, meter(40))),
        ((ROOM, meter(None)), (ROOM, meter(100))),
        ((plan(), meter(100)), (plan(), meter(105))),
    ],
    ids=["before the reset", "as it fills", "of the pool", "none", "new month", "not read", "no windows"],
)
def test_other_rises_are_no_spending_in_the_plan(
    before: tuple[Plan, Meter], after: tuple[Plan, Meter]
) -> None:
    """Only a rise between two readings with room counts, and only of the person's own figures."""
    run = Run(*before)
    assert EventKind.SPENDING not in kinds(run.poll(*after))


def test_spending_is_found_after_a_failed_usage_reply() -> None:
    """While the windows are not read, a rise says nothing; with the next usage reply it is reported."""
    run = Run(ROOM, meter(1720))
    run.minute += 1
    run.read(reported(2, PERSONAL, failed(Endpoint.USAGE, 2), reply(Endpoint.OVERAGE, 2, meter(1750))))
    assert run.emitted == []
    assert only(run.poll(ROOM, meter(1750))).after == usd(30)


def test_lock_after_contradicting_replies_is_reported() -> None:
    """Credits that may have been open are reported as blocked once a lock is known."""
    contrary = meter(1000, 9000, is_enabled=False)
    opened = plan(*ROOM.windows, meters=(meter(1000, 9000, origin=MeterOrigin.EXTRA_USAGE),))
    run = Run(opened, contrary)
    assert EventKind.CREDITS_BLOCKED in kinds(run.poll(opened, locked()))


def test_tranche_is_reported_three_days_before_its_end() -> None:
    """An expiring tranche is reported once, by the clock, unless it expired soon when first read."""
    soon, later = at(60 * 24), at(60 * 24 * 3 + 90)
    parts = (Tranche(usd(100), soon, is_promotional=True), Tranche(usd(900), later, is_promotional=False))
    balance = Balance(usd(1000), parts)
    run = Run(plan(weekly()), meter(), balance)
    event = next(event for event in run.tick(91) if event.kind is EventKind.TRANCHE_EXPIRING)
    assert (usd(900), later) == (event.before, event.until)
    run.minute = 92
    run.poll(plan(weekly()), meter(), Balance(usd(1000)))
    run.poll(plan(weekly()), meter(), balance)
    assert kinds(run.emitted).count(EventKind.TRANCHE_EXPIRING) == 1


def test_saved_reset_is_reported_three_days_before_its_loss() -> None:
    """Saved resets that are lost soon are reported once, with their number, by the clock."""
    lost = at(60 * 24 * 3 + 90)
    (grant,) = build_saved_resets({"ends_at": lost, "starts_at": at(0)}).grants
    resets = SavedResets((grant, grant._replace(is_next=False, resets_left=1)))
    room = plan(weekly())
    run = Run(replace(room, saved_resets=resets), meter())
    assert run.tick(89) == []
    event = next(event for event in run.tick(91) if event.kind is EventKind.SAVED_RESET_EXPIRING)
    assert (3.0, lost, (Endpoint.USAGE,)) == (event.before, event.until, event.endpoints)
    run.minute = 92
    # A reply without the resets, as after a refused query, does not repeat the event.
    run.poll(room, meter())
    run.poll(replace(room, saved_resets=resets), meter())
    assert kinds(run.emitted).count(EventKind.SAVED_RESET_EXPIRING) == 1


def test_saved_reset_that_is_lost_soon_at_the_first_poll_is_no_event() -> None:
    """A loss that was near before the start is no news; that of a reset that appears later is."""
    soon = build_saved_resets({"ends_at": at(60 * 24)})
    room = plan(weekly())
    run = Run(replace(room, saved_resets=soon), meter())
    assert run.poll(replace(room, saved_resets=soon), meter()) == []
    run = Run(room, meter())
    assert kinds(run.poll(replace(room, saved_resets=soon), meter())) == [EventKind.SAVED_RESET_EXPIRING]


def allowance(percent: float, minutes: float = 60 * 24) -> Window:
    """Return an allowance of $100 that expires at that minute."""
    return Window(
        "iguana_necktie", "Cloud sessions", percent=percent, resets_at=at(minutes), limit=usd(10_000)
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (allowance(60), allowance(100), [EventKind.ALLOWANCE_USED_UP]),
        (allowance(60), allowance(80), [EventKind.THRESHOLD]),
        (allowance(100), allowance(30), []),
        (allowance(60), allowance(60, 60 * 48), []),
    ],
)
def test_allowance_never_resets(before: Window, after: Window, expected: list[EventKind]) -> None:
    """Using an allowance up is an event of its own; a larger or longer one is no reset."""
    run = Run(plan(weekly(), before), meter())
    assert expected == kinds(run.poll(plan(weekly(), after), meter()))


@pytest.mark.parametrize("percent", [0, 40, 100])
def test_allowance_expires_by_the_clock(percent: float) -> None:
    """The end of an allowance is one event, also if nothing of it was used."""
    run = Run(plan(weekly(), allowance(percent, 30)), meter())
    assert kinds(run.tick(31)) == [EventKind.ALLOWANCE_EXPIRED]
    run.minute = 31
    assert run.poll(plan(weekly(), allowance(percent, 30)), meter()) == []
    assert run.poll(plan(weekly(), allowance(0, 90)), meter()) == []


# The verdict.


@pytest.mark.parametrize(
    ("state", "before", "after"),
    [
        (VerdictState.ON_CREDITS, (ROOM, meter()), (FULL, meter())),
        (VerdictState.WAIT, (FULL, meter()), (FULL, OFF)),
        (VerdictState.BLOCKED, (ROOM, meter()), (FULL, locked())),
        (VerdictState.BLOCKED, (FULL, locked()), (FULL, meter(out_of_credits=True))),
    ],
    ids=["on credits", "wait", "blocked", "another lock"],
)
def test_event_has_the_severity_of_the_state(
    state: VerdictState, before: tuple[Plan, Meter], after: tuple[Plan, Meter]
) -> None:
    """The event of a state has the severity of its verdict, so that both have one mark and one colour."""
    run = Run(*before)
    (found,) = run.poll(*after)
    assert STATE_SEVERITIES[state] is found.severity


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param((ROOM, meter()), (FULL, meter()), [EventKind.ON_CREDITS], id="onto credits"),
        pytest.param((FULL, OFF), (FULL, meter()), [EventKind.ON_CREDITS], id="from waiting onto credits"),
        pytest.param((FULL, meter()), (ROOM, meter()), [EventKind.BACK_IN_PLAN], id="back in the plan"),
        pytest.param((FULL, meter()), (FULL, OFF), [EventKind.WAIT], id="credits switched off"),
        pytest.param((ROOM, OFF), (FULL, OFF), [EventKind.WAIT], id="waiting at once"),
        pytest.param((FULL, OFF), (ROOM, OFF), [], id="the reset says it"),
        pytest.param((FULL, meter()), (FULL, locked()), [EventKind.BLOCKED], id="blocked on credits"),
        pytest.param((ROOM, meter()), (FULL, locked()), [EventKind.BLOCKED], id="blocked at once"),
        pytest.param((ROOM, locked()), (FULL, locked()), [EventKind.BLOCKED], id="blocked as foretold"),
        pytest.param(
            (ROOM, meter(5000, 9000)),
            (ROOM, locked()),
            [EventKind.CREDITS_BLOCKED],
            id="locked beside room",
        ),
        pytest.param(
            (ROOM, meter()),
            (ROOM, locked()),
            [EventKind.CREDITS_BLOCKED, EventKind.SPENDING],
            id="locked by spending beside room",
        ),
        pytest.param((FULL, locked()), (FULL, meter()), [EventKind.LIFTED], id="lifted"),
        pytest.param((FULL, locked()), (ROOM, meter()), [EventKind.LIFTED], id="lifted on both sides"),
        pytest.param((FULL, locked()), (ROOM, locked()), [EventKind.LIFTED], id="lifted by the plan"),
        pytest.param((ROOM, locked()), (ROOM, meter()), [EventKind.LIFTED], id="credits open again"),
        pytest.param((ROOM, locked()), (ROOM, OFF), [], id="from locked to switched off"),
        pytest.param(
            (FULL, locked()), (ROOM, OFF), [EventKind.LIFTED], id="lifted by the plan, switched off"
        ),
        pytest.param((FULL, locked()), (FULL, OFF), [EventKind.WAIT], id="from blocked to switched off"),
        pytest.param(
            (FULL, locked()),
            (FULL, meter(out_of_credits=True)),
            [EventKind.STILL_BLOCKED],
            id="another lock",
        ),
    ],
)
def test_verdict_reports_its_transitions(
    before: tuple[Plan, Meter], after: tuple[Plan, Meter], expected: list[EventKind]
) -> None:
    """Each change of the verdict is one event, beside those of the windows and the cap."""
    figures = {
        EventKind.WINDOW_FILLED,
        EventKind.WINDOW_RESET_EARLY,
        EventKind.THRESHOLD,
        EventKind.CAP_CHANGED,
    }
    run = Run(*before)
    emitted = [kind for kind in kinds(run.poll(*after)) if kind not in figures]
    assert expected == emitted
    assert run.poll(*after) == []


def test_blocked_names_its_lock_and_its_end() -> None:
    """BLOCKED has the reason, the first end and the replies in its event."""
    run = Run(FULL, meter())
    event = run.poll(FULL, locked(until=at(9000)))[-1]
    assert event.credit_lock is not None
    assert (
        event.credit_lock.reason,
        event.until,
        event.before,
        event.severity,
    ) == (REACHED, RESET, VerdictState.ON_CREDITS, Severity.FULL)
    assert event.endpoints == (Endpoint.USAGE, Endpoint.OVERAGE)


def test_lift_by_the_plan_keeps_the_lock_on_credits() -> None:
    """A window's reset ends BLOCKED; the lock on credits continues, and its own end is reported too."""
    run = Run(FULL, locked())
    run.minute = 118
    run.poll(FULL, locked())
    event = run.tick(120)[-1]
    assert (event.kind, event.subject, event.after) == (EventKind.LIFTED, SUBJECT_PLAN, VerdictState.CAN_WORK)
    run.minute = 121
    again = run.poll(plan(five_hour(1, LATER), weekly()), meter())
    assert [event.kind for event in again if event.subject == SUBJECT_EXTRA_USAGE and event.credit_lock] == [
        EventKind.LIFTED
    ]


@pytest.mark.parametrize(("minute", "until"), [(121, None), (125, None), (126, RESET), (900, RESET)])
@pytest.mark.parametrize(
    ("full", "kind"), [(locked(), EventKind.LIFTED), (meter(), EventKind.BACK_IN_PLAN)], ids=str
)
def test_unseen_end_of_a_state_has_its_date(
    full: Meter, kind: EventKind, minute: int, until: datetime | None
) -> None:
    """After a pause the event has the time of the reset, at which work could go on; in time it has none."""
    run = Run(FULL, full)
    run.minute = minute - 1
    event = run.poll(plan(five_hour(1, at(minute + 300)), weekly()), full)[-1]
    assert (kind, until, at(minute)) == (event.kind, event.until, event.at)


def test_lock_outlasts_credits_that_are_switched_off() -> None:
    """Switching the credits off is no lift; the lift comes once they are open."""
    run = Run(ROOM, meter(5000, 5000, out_of_credits=True))
    off = meter(500, 5000, is_enabled=False, reason="user_disabled")
    assert EventKind.LIFTED not in kinds(run.poll(ROOM, off))
    assert run.poll(FULL, off)[-1].kind is EventKind.WAIT
    assert EventKind.LIFTED not in kinds(run.poll(ROOM, off))
    assert kinds(run.poll(ROOM, meter(500, 5000))) == [EventKind.LIFTED]
    assert EventKind.LIFTED not in kinds(run.poll(ROOM, off))


def test_lock_that_ends_by_its_date_is_lifted_by_the_clock() -> None:
    """A lock with a date ends by the clock, without a reply."""
    run = Run(ROOM, meter(until=at(10)))
    assert run.tick(9) == []
    assert kinds(run.tick(10)) == [EventKind.LIFTED]


def test_unknown_credits_change_nothing() -> None:
    """A reply that leaves the credits not known neither lifts nor blocks anything."""
    run = Run(FULL, locked())
    for _ in range(5):
        assert run.poll(FULL, meter(5000, reason="fetch_error")) == []
    assert run.poll(FULL, locked()) == []


def test_plan_without_windows_names_no_window() -> None:
    """If all work is metered, the event names no window."""
    run = Run(plan(), locked())
    emitted = run.poll(plan(), meter())
    assert (kinds(emitted), emitted[0].after) == ([EventKind.LIFTED], VerdictState.ON_CREDITS)
    assert only(run.poll(plan(), locked())).kind is EventKind.BLOCKED


BOTH_FULL = plan(five_hour(100), weekly(100))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((ROOM, meter(5000, 9000)), (FULL, locked()), [(EventKind.BLOCKED, ("5-hour",))]),
        ((ROOM, meter(5000, 9000)), (BOTH_FULL, locked()), [(EventKind.BLOCKED, ("5-hour", "7-day all"))]),
        ((ROOM, meter()), (FULL, meter()), [(EventKind.ON_CREDITS, ("5-hour",))]),
        ((FULL, meter()), (BOTH_FULL, OFF), [(EventKind.WAIT, ("7-day all",))]),
        ((FULL, meter()), (ROOM, meter()), [(EventKind.BACK_IN_PLAN, ("5-hour",))]),
        ((FULL, locked()), (ROOM, locked()), [(EventKind.LIFTED, ("5-hour",))]),
        ((FULL, locked()), (FULL, meter(5000, 9000)), [(EventKind.CAP_CHANGED, ()), (EventKind.LIFTED, ())]),
        ((ROOM, OFF), (FULL, OFF), [(EventKind.WAIT, ("5-hour",))]),
        ((FULL, OFF), (ROOM, OFF), [(EventKind.WINDOW_RESET_EARLY, ())]),
        (
            (plan(five_hour(41), weekly(), fable(41)), meter(5000, 9000)),
            (plan(five_hour(100), weekly(), fable(100)), locked()),
            [(EventKind.WINDOW_FILLED, ()), (EventKind.BLOCKED, ("5-hour",))],
        ),
    ],
)
def test_fact_is_one_event(
    before: tuple[Plan, Meter], after: tuple[Plan, Meter], expected: list[tuple[EventKind, tuple[str, ...]]]
) -> None:
    """A window that fills or resets is named by the event that it causes, and has none of its own.

    A window of one model stops nothing else, and a changed cap has figures of its own.
    """
    run = Run(*before)
    changed = [event for event in run.poll(*after) if event.subject != SUBJECT_POOL]
    kept = [event for event in changed if event.kind is not EventKind.CAP_CHANGED or before[0] is after[0]]
    assert expected == [(event.kind, event.windows) for event in kept]


def test_cap_that_blocks_passes_no_threshold() -> None:
    """The block says that the cap is reached; a lower threshold is a fact of its own."""
    run = Run(FULL, meter(4600))
    assert kinds(run.poll(FULL, locked())) == [EventKind.BLOCKED]
    run = Run(FULL, meter(4400))
    assert kinds(run.poll(FULL, meter(4600))) == [EventKind.THRESHOLD]


# Polls that fail.


def test_one_failed_poll_emits_no_event() -> None:
    """After one failed poll the last good figures stay, and the next poll comes before they are stale."""
    run = Run(FULL, locked(), ages=True)
    assert run.fail(Endpoint.USAGE, Endpoint.OVERAGE) == []
    assert run.tick(3.2) == []
    run.minute = 2.3
    assert run.poll(FULL, locked()) == []
    assert run.tick(4) == []


def test_stale_figures_and_their_recovery_are_reported_once() -> None:
    """After two intervals without figures one STALE event has their time, and one event ends it."""
    run = Run(ROOM, meter(), ages=True)
    assert run.tick(3.1) == []
    event = only(run.tick(3.7))
    assert (EventKind.STALE, at(1), PERSONAL) == (event.kind, event.before, event.org)
    assert run.tick(10) == []
    run.minute = 30
    assert kinds(run.poll(ROOM, meter())) == [EventKind.RECOVERED]


def test_change_during_an_outage_is_reported() -> None:
    """Figures after an outage of hours are compared with the last certain ones."""
    run = Run(ROOM, meter())
    run.tick(60)
    run.tick(61)
    run.minute = 100
    emitted = kinds(run.poll(FULL, locked()))
    assert EventKind.BLOCKED in emitted


def test_stale_figures_are_reported_when_they_become_stale() -> None:
    """STALE follows the clock within seconds; after a sleep, the reading that ends it comes without one."""
    run = Run(ROOM, meter(), ages=True)
    assert [event.at for event in run.tick(3.1) + run.tick(3.5) + run.tick(3.61)] == [at(3.61)]
    run = Run(ROOM, meter(), ages=True)
    assert run.tick(3.1) == []
    assert run.tick(60) == []
    assert run.read(listed(60.1, PERSONAL)) == []
    run.minute = 60
    assert run.poll(ROOM, meter()) == []
    assert kinds([*run.tick(63.1), *run.tick(63.7)]) == [EventKind.STALE]


def two_orgs() -> Run:
    """Return a run in which a session serves two orgs."""
    run = Run(ROOM, ages=True)
    run.read(listed(1, PERSONAL, TEAM), reported(1, TEAM, reply(Endpoint.USAGE, 1, ROOM)))
    run.emitted.clear()
    return run


def test_outage_of_a_whole_session_is_reported_once() -> None:
    """A hundred stale orgs of one session are one event, and their recovery is another one."""
    run = two_orgs()
    run.tick(3.1)
    event = only(run.tick(3.7))
    assert (event.kind, event.org, event.session) == (EventKind.STALE, None, CHROME)
    run.minute = 20
    assert kinds(run.poll(ROOM)) == [EventKind.RECOVERED]
    assert run.read(reported(21, TEAM, reply(Endpoint.USAGE, 21, ROOM))) == []
    assert run.tick(21.5) == []


def test_orgs_of_an_outage_become_stale_one_after_the_other_in_one_event() -> None:
    """Orgs that were last read minutes apart are one outage if all of them fail now."""
    run = two_orgs()
    run.read(reported(2.5, TEAM, reply(Endpoint.USAGE, 2.5, ROOM)))
    for minute in (3, 4, 5, 6):
        for org in (PERSONAL, TEAM):
            run.read(reported(minute, org, failed(Endpoint.USAGE, minute)))
        run.tick(minute + 0.2)
        run.tick(minute + 0.8)
    event = only(run.emitted)
    assert (event.kind, event.org, event.before, event.at) == (EventKind.STALE, None, at(2.5), at(3.8))
    recovered = [run.read(reported(7, org, reply(Endpoint.USAGE, 7, ROOM))) for org in (PERSONAL, TEAM)]
    assert [kinds(events) for events in recovered] == [[EventKind.RECOVERED], []]


def test_session_that_expires_in_an_outage_recovers_once() -> None:
    """Signing in again is the end of the outage, too."""
    run = two_orgs()
    assert kinds([*run.tick(3.1), *run.tick(3.7)]) == [EventKind.STALE]
    assert kinds(run.read(stopped(4), closed(4))) == [EventKind.SESSION_EXPIRED]
    back = run.read(listed(20, PERSONAL, TEAM))
    back += run.read(reported(20, TEAM, reply(Endpoint.USAGE, 20, ROOM)), closed(20))
    assert [(event.kind, event.subject) for event in back] == [(EventKind.RECOVERED, "Chrome, Default")]


def test_org_that_alone_fails_is_reported_alone() -> None:
    """If only one org of a session fails, only that org is stale."""
    run = two_orgs()
    run.minute = 1
    for _ in range(4):
        run.poll(ROOM)
    event = only(run.emitted)
    assert (event.kind, event.org) == (EventKind.STALE, TEAM)


def test_expired_session_is_reported_once_without_stale_orgs() -> None:
    """An expired session explains its stale orgs, which emit no event."""
    run = two_orgs()
    assert kinds(run.read(stopped(2), closed(2))) == [EventKind.SESSION_EXPIRED]
    assert run.read(stopped(3), closed(3)) == []
    for minutes in (3.1, 3.7, 9, 10):
        assert run.tick(minutes) == []
    back = run.read(listed(20, PERSONAL, TEAM))
    assert [(event.kind, event.subject) for event in back] == [(EventKind.RECOVERED, "Chrome, Default")]
    run.minute = 20
    assert run.poll(ROOM) == []
    assert run.read(reported(21, TEAM, reply(Endpoint.USAGE, 21, ROOM)), closed(21)) == []


def test_session_that_ends_soon_is_reported_once() -> None:
    """A working session that ends soon is reported once, and its successor that ends as soon once more."""
    run = Run(ROOM, ages=True)
    ends, fresh = at(2 * 1440), at(28 * 1440)
    event = only(run.read(listed(1, PERSONAL)._replace(expires_at=ends)))
    assert (event.kind, event.subject, event.until) == (EventKind.SESSION_ENDS, CHROME.label, ends)
    assert run.read(Reading(CHROME, at(2), expires_at=ends), closed(2), Reading(CHROME, at(3))) == []
    assert run.read(Reading(CHROME, at(4), expires_at=fresh)) == []
    assert EventKind.SESSION_ENDS in kinds(run.read(Reading(CHROME, at(27 * 1440), expires_at=fresh)))


def test_expired_session_is_not_reported_to_end_soon() -> None:
    """A session that expired before its time is only reported as expired."""
    run = Run(ROOM, ages=True)
    ends = at(1440)
    assert kinds(run.read(stopped(2)._replace(expires_at=ends))) == [EventKind.SESSION_EXPIRED]
    back = run.read(listed(3, PERSONAL)._replace(expires_at=ends))
    assert kinds(back) == [EventKind.RECOVERED, EventKind.SESSION_ENDS]


def test_other_problem_does_not_end_the_session() -> None:
    """A challenge does not end a session, and an outage does not renew an expired one."""
    run = Run(ROOM, ages=True)
    assert run.read(stopped(2, ErrorKind.CHALLENGE), closed(2)) == []
    assert kinds(run.read(stopped(3), closed(3))) == [EventKind.SESSION_EXPIRED]
    assert run.read(stopped(4, ErrorKind.NO_ROUTE), closed(4)) == []


# Orgs and sessions.


def test_start_emits_no_event() -> None:
    """Conditions that hold when first seen emit no event, those of a second session's orgs included."""
    run = Run(FULL, locked(), Balance(usd(1), (Tranche(usd(1), at(60), is_promotional=True),)))
    run.read(listed(1, LAB, account=SAM, session=FIREFOX))
    full = reply(Endpoint.USAGE, 1, FULL, new_fields=("tangelo",))
    run.read(reported(1, LAB, full, session=FIREFOX), closed(1, session=FIREFOX))
    assert run.emitted == []


def test_orgs_come_and_go() -> None:
    """After the first poll of its session an added or removed org is reported."""
    run = Run(ROOM)
    assert [(e.kind, e.org) for e in run.read(listed(2, PERSONAL, TEAM))] == [(EventKind.ORG_APPEARED, TEAM)]
    team = reported(2, TEAM, reply(Endpoint.USAGE, 2, FULL))
    assert run.read(team) == []
    assert [(e.kind, e.org) for e in run.read(listed(3, TEAM))] == [(EventKind.ORG_LEFT, PERSONAL)]
    assert run.read(listed(4, TEAM)) == []
    assert list(run.journal.org_trackers) == [("a-1", "org-2")]


def test_orgs_of_a_late_session_are_not_new() -> None:
    """After failed first polls the orgs of the account's first list are not reported as new."""
    run = Run(ROOM, ages=True)
    run.read(stopped(1, session=FIREFOX), closed(1, session=FIREFOX))
    emitted = run.read(listed(2, LAB, TEAM, account=SAM, session=FIREFOX), closed(2, session=FIREFOX))
    assert EventKind.ORG_APPEARED not in kinds(emitted)
    emitted = run.read(listed(3, LAB, TEAM, Org("org-9", "New"), account=SAM, session=FIREFOX))
    assert kinds(emitted) == [EventKind.ORG_APPEARED]


def test_account_with_a_later_uuid_is_the_same() -> None:
    """An account that shows its uuid later keeps its orgs and their reported events."""
    run = Run(ROOM, meter(), account=Account(None, PAT.email))
    run.read(listed(1, PERSONAL, account=PAT))
    assert kinds(run.poll(FULL, meter())) == [EventKind.ON_CREDITS]
    assert len(run.emitted) == 1


def test_org_served_by_another_session_is_reported() -> None:
    """A change of the serving session is reported as a change of the source only."""
    run = Run(ROOM)
    (state,) = run.store.orgs
    run.store = replace(run.store, all_orgs=(replace(state, session=FIREFOX),))
    event = only(run.tick(1.5))
    assert (
        event.kind,
        event.before,
        event.after,
    ) == (EventKind.SOURCE_CHANGED, "Chrome, Default", "Firefox, work")
    assert run.tick(1.6) == []


def test_org_that_two_sessions_list_is_tracked_once() -> None:
    """An org that is in the store twice emits its events once."""
    run = Run(ROOM)
    (state,) = run.store.orgs
    run.store = replace(run.store, all_orgs=(state, replace(state, session=FIREFOX)))
    assert run.tick(1.5) == []
    assert run.tick(1.6) == []


def test_new_field_is_reported_once_for_all_orgs() -> None:
    """A new field in many orgs is one event, and fields of the first poll are none."""
    run = two_orgs()

    def usage(minutes: float, org: Org, *paths: str) -> list[Event]:
        found: Reply = reply(Endpoint.USAGE, minutes, ROOM, new_fields=paths)
        return run.read(reported(minutes, org, found))

    event = only(usage(2, PERSONAL, "a.b", "c"))
    assert (event.kind, event.subject, event.after) == (EventKind.NEW_FIELD, "usage", "a.b, c")
    assert usage(2.1, TEAM, "c") == []
    assert usage(2.2, PERSONAL) == []
    assert usage(2.3, PERSONAL, "a.b") == []
    assert [event.after for event in usage(2.4, TEAM, "a.b", "d")] == ["d"]


# The event log itself.


def test_event_log_is_reused_while_nothing_is_due() -> None:
    """The same store before the next due moment returns the same log."""
    run = Run(FULL, meter())
    quiet = run.journal
    assert quiet.observe(run.store, at(1.5)) is quiet
    emitted = quiet.observe(run.store, RESET)
    assert emitted.new_events
    settled = emitted.observe(run.store, RESET)
    assert (settled.new_events, settled.events) == ((), emitted.events)


def test_event_log_is_frozen() -> None:
    """A step leaves the earlier log unchanged."""
    run = Run(ROOM, meter())
    before = run.journal
    copy = replace(before)
    run.poll(FULL, locked())
    assert copy == before


def test_events_of_one_step_are_in_order_and_the_oldest_go_first() -> None:
    """Events are in the order of their due times, and only the newest 500 are kept."""
    run = Run(plan(five_hour(50, at(30)), weekly(50, at(20))))
    assert [at(20), at(30)] == [event.at for event in run.tick(40) if event.kind is EventKind.WINDOW_RESET]
    run.minute = 50
    for i in range(MAX_EVENTS + 10):
        run.poll(plan(weekly()), meter(cap=1000 + i))
    kept = [event for event in run.journal.events if event.kind is EventKind.CAP_CHANGED]
    assert (MAX_EVENTS, usd(1000 + MAX_EVENTS + 9)) == (len(run.journal.events), kept[-1].after)


VALUES = st.sampled_from(
    [
        (FULL, meter()),
        (ROOM, meter()),
        (FULL, locked()),
        (ROOM, locked(until=at(40))),
        (plan(five_hour(0, None), weekly()), None),
        (plan(), OFF),
        (plan(five_hour(100, None), weekly(None)), Meter(MeterOrigin.OVERAGE)),
        (None, meter(cap=None)),
        (),
    ]
)


@given(st.lists(st.tuples(VALUES, st.integers(0, 90)), max_size=12))
def test_looking_twice_tells_nothing_twice(polls: list[tuple[tuple[ReplyValue, ...], int]]) -> None:
    """A second look at the same moment emits nothing, whatever came and however the clock jumped."""
    run = Run(ROOM, meter())
    for values, minute in polls:
        run.minute = minute
        run.poll(*values)
        moment = at(run.minute)
        assert run.tick(run.minute) == []
        assert all(event.at <= moment for event in run.journal.new_events)


@given(st.lists(VALUES.filter(bool), min_size=1, max_size=4))
def test_blocked_and_lifted_take_turns(polls: list[tuple[ReplyValue, ...]]) -> None:
    """Between two blocks there is a lift or a wait, and between two lifts a block."""
    run = Run(ROOM, meter())
    for values in polls * 4:
        run.poll(*values)
    turns = [
        kind
        for kind in kinds(run.emitted)
        if kind in (EventKind.BLOCKED, EventKind.CREDITS_BLOCKED, EventKind.LIFTED, EventKind.WAIT)
    ]
    assert EventKind.LIFTED not in turns[:1]
    pairs = set(pairwise(turns))
    assert not pairs & {
        (EventKind.BLOCKED, EventKind.BLOCKED),
        (EventKind.CREDITS_BLOCKED, EventKind.CREDITS_BLOCKED),
    }


class Thorough(Run):
    """A run whose log skips no check."""

    def _look(self, now: datetime) -> None:
        orgs = {key: replace(watch, next_change_at=now) for key, watch in self.journal.org_trackers.items()}
        self.journal = replace(self.journal, due_at=now, org_trackers=orgs)
        super()._look(now)


SPENT = st.builds(
    lambda used, percent, cents, until: (
        plan(five_hour(percent, at(9)), weekly()),
        meter(used, until=until),
        Balance(usd(cents), (Tranche(usd(100), at(72 * 60 + 30), is_promotional=True),)),
    ),
    st.integers(0, 60).map(lambda used: 100 * used),
    st.sampled_from([41.0, 41.0, 80.0, 100.0]),
    st.sampled_from([5000, 5000, 9000]),
    st.sampled_from([None, None, at(7)]),
)


@given(st.lists(st.tuples(VALUES | SPENT, st.integers(1, 12), st.booleans()), max_size=12))
def test_what_is_not_looked_at_has_nothing_to_tell(
    polls: list[tuple[tuple[ReplyValue, ...], int, bool]],
) -> None:
    """A check that the log skips would have emitted nothing."""
    sparing, thorough = Run(ROOM, meter(), ages=True), Thorough(ROOM, meter(), ages=True)
    for values, pause, fails in polls:
        for run in (sparing, thorough):
            run.minute += pause
            _ = run.fail() if fails else run.poll(*values)
        for part in range(1, 9):
            found = [run.tick(run.minute + part / 8) for run in (sparing, thorough)]
            assert found[1] == found[0]
    assert thorough.emitted == sparing.emitted


def test_restart_reports_what_has_changed_since_the_last_run() -> None:
    """A block that ended while nothing ran ends with the first reading, and with no start before it."""
    later = scenes.NOW + timedelta(days=10)
    blocked = scenes.store(scenes.TEAM)
    log = EventLog()
    for start in (later - timedelta(hours=2), later - timedelta(minutes=1)):
        store = Store().apply(Reading(NO_SESSION, start, restored_orgs=blocked.orgs, is_archived=True))
        log = EventLog().observe(store, start)
        log = log.observe(store, later)
        assert log.events == ()
    free = replace(scenes.TEAM, usage=scenes.PERSONAL.usage, overage=scenes.PERSONAL.overage, spent=())
    for reading in scenes.readings(free, at=later):
        store = store.apply(reading)
        log = log.observe(store, later)
    kinds = [event.kind for event in log.events]
    assert kinds.count(EventKind.LIFTED) == 1
    assert EventKind.BLOCKED not in kinds
    assert EventKind.STALE not in kinds

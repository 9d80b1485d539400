"""The rules of the budget: pace, hour, and the wait after a 429."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from claudemeter_tui.claude_code.rate_limit import HOUR, MAX_REQUESTS_PER_HOUR, MIN_POLL_INTERVAL, RequestLog
from tests.claude_code.fake_login import NOON
from tests.value_fields import build_values


def seconds(number: float) -> timedelta:
    """Return a time span of so many seconds."""
    return timedelta(seconds=number)


def test_empty_ledger_is_open() -> None:
    """An empty ledger allows a poll at once."""
    assert RequestLog().compute_next_allowed(2, NOON) == NOON


def test_poll_opens_the_next_one_after_the_pace() -> None:
    """The next poll opens after 180 s, however many requests the last poll had."""
    assert NOON + seconds(180) == RequestLog().add_requests(2, NOON).compute_next_allowed(1, NOON)


def test_hour_is_never_overfull() -> None:
    """Polls of two requests at the pace fill an hour early; then the next waits for the oldest to expire."""
    ledger, now = RequestLog(), NOON
    for _ in range(MAX_REQUESTS_PER_HOUR // 2):
        assert ledger.compute_next_allowed(2, now) == now
        ledger = ledger.add_requests(2, now)
        now = now + MIN_POLL_INTERVAL
        ledger = ledger.prune(now)
    assert now == ledger.compute_next_allowed(1, now)
    assert ledger.compute_next_allowed(2, now) == NOON + HOUR


def test_pace_alone_never_fills_the_hour() -> None:
    """Polls of one request can continue at the pace for ever."""
    ledger, now = RequestLog(), NOON
    for _ in range(50):
        assert now == ledger.prune(now).compute_next_allowed(1, now)
        ledger, now = ledger.prune(now).add_requests(1, now), now + MIN_POLL_INTERVAL


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ([None], [300]),
        ([None] * 6, [300, 600, 1200, 1800, 1800, 1800]),
        ([0, -5], [300, 600]),
        ([1600], [1600]),
        ([3600], [3600]),
        ([7], [180]),
        ([None, 3600, None], [300, 3600, 600]),
        ([10**7], [7 * 86_400]),
    ],
)
def test_refusals_hold(waits: list[float | None], expected: list[float]) -> None:
    """A positive wait counts, but not below the pace; without one it doubles from 300 to 1800 s."""
    ledger, found = RequestLog(), []
    for wait in waits:
        ledger = ledger.record_throttled(None if wait is None else seconds(wait), NOON)
        found.append((ledger.compute_next_allowed(1, NOON) - NOON).total_seconds())
    assert expected == found


def test_good_reply_ends_the_streak() -> None:
    """After a good reply the next 429 waits 300 s again."""
    ledger = RequestLog().record_throttled(None, NOON).record_throttled(None, NOON).record_success()
    assert ledger.compute_next_allowed(1, NOON) == NOON
    assert NOON + seconds(300) == ledger.record_throttled(None, NOON).compute_next_allowed(1, NOON)


def test_held_until_the_wait_is_over() -> None:
    """A refusal holds to the second."""
    ledger = RequestLog().record_throttled(None, NOON)
    assert [ledger.is_held(NOON + seconds(299)), ledger.is_held(NOON + seconds(300))] == [True, False]


def test_clock_set_back_lengthens_no_wait() -> None:
    """A poll before the clock went back a year still opens the next one after the pace."""
    ledger = (
        RequestLog()
        .record_throttled(seconds(3600), NOON - HOUR)
        .add_requests(1, NOON - seconds(10))
        .add_requests(1, NOON)
    )
    back = NOON - timedelta(days=365)
    moved = ledger.prune(back)
    assert (back - seconds(10), back) == moved.requested_at
    assert back + MIN_POLL_INTERVAL == moved.compute_next_allowed(1, back)
    assert back + MIN_POLL_INTERVAL == moved.prune(back + MIN_POLL_INTERVAL).compute_next_allowed(
        1, back + MIN_POLL_INTERVAL
    )


def test_clock_set_back_keeps_the_wait_after_a_refusal() -> None:
    """After a clock change the wait after a refusal counts from now on, in full."""
    back = NOON - timedelta(days=1)
    assert back + seconds(3600) == RequestLog().record_throttled(seconds(3600), NOON).prune(
        back
    ).compute_next_allowed(1, back)


moments = some.integers(-7_200, 7_200).map(lambda number: NOON + seconds(number))
ledgers = build_values(
    RequestLog,
    some.lists(moments, max_size=MAX_REQUESTS_PER_HOUR).map(lambda found: tuple(sorted(found))),
    some.none() | moments,
    some.integers(0, 7 * 86_400).map(seconds),
    some.integers(0, 10),
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(ledgers)
def test_ledger_survives_being_written(ledger: RequestLog) -> None:
    """A ledger that was written and read is equal, and is written as the same text."""
    assert ledger == RequestLog.from_json(ledger.to_json())
    assert ledger.to_json() == RequestLog.from_json(ledger.to_json()).to_json()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(ledgers, moments, some.integers(1, 2))
def test_ledger_always_opens(ledger: RequestLog, now: datetime, requests: int) -> None:
    """No file and no clock make a wait longer than an hour or the hold after a refusal."""
    assert now <= ledger.prune(now).compute_next_allowed(requests, now) <= now + max(HOUR, ledger.hold)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        {},
        {"asked": [], "refused_at": None, "hold": 0},
        {"asked": ["noon"], "refused_at": None, "hold": 0, "streak": 0},
        {"asked": [True], "refused_at": None, "hold": 0, "streak": 0},
        {"asked": [-1], "refused_at": None, "hold": 0, "streak": 0},
        {"asked": [1e300], "refused_at": None, "hold": 0, "streak": 0},
        {"asked": [float("nan")], "refused_at": None, "hold": 0, "streak": 0},
        {"asked": [], "refused_at": {}, "hold": 0, "streak": 0},
        {"asked": [], "refused_at": None, "hold": -1, "streak": 0},
        {"asked": [], "refused_at": None, "hold": 10**9, "streak": 0},
        {"asked": [], "refused_at": None, "hold": 0, "streak": "x"},
    ],
)
def test_ledger_of_another_form_is_refused(value: object) -> None:
    """A ledger of another form is refused as a whole."""
    with pytest.raises(ValueError, match=r"form|range|number|NaN"):
        RequestLog.from_json(json.dumps(value))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_ledger_that_is_no_json_is_refused(text: str) -> None:
    """Invalid JSON raises the one error that the reader expects."""
    with pytest.raises(ValueError, match=r"JSON|range|Expecting|quotes"):
        RequestLog.from_json(text)

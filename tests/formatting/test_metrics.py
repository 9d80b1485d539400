"""The table of metrics, and the samples of every kind of figure: exact units, nothing that is not known."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from claudemeter_tui.formatting.metrics import ALL_METRICS, METRIC_PREFIX, list_samples
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint, MeterOrigin, WindowKind
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import (
    NO_SESSION,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    ScanResult,
    Schedule,
)
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Window
from claudemeter_tui.privacy.metric_labels import build_view
from tests import scenes
from tests.bodies import overage_body, usage_body, window_body
from tests.model import readings
from tests.model.values import NOW as MODEL_NOW
from tests.scenes import INTERVAL, LABORATORY, NOW, PERSONAL, READ, SESSION, TEAM, WAITING, OrgBodies

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RESET = datetime(2026, 4, 25, 16, 0, tzinfo=UTC).timestamp()
WEEK_RESET = datetime(2026, 4, 28, 14, 0, tzinfo=UTC).timestamp()
MAY = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
FIGURES = ("window_", "allowance_", "credits_", "lock")
"""Beginnings of the names of all metrics that are figures of an org."""

Shown = dict[tuple[str, ...], float]
"""The samples by name without its prefix, and label values without the org's."""


def read_samples(store: Store, now: datetime = NOW) -> Shown:
    """Return the samples about the orgs of a store; the label of the org is left out."""
    view = build_view(store, now, shows_names=False)
    orgs = {org.labels.org for org in view.orgs}
    return {
        (metric.name.removeprefix(METRIC_PREFIX), *(value for value in labels if value not in orgs)): value
        for metric, samples in list_samples(view)
        for labels, value in samples
    }


def select(shown: Shown, *starts: str) -> Shown:
    """Return the samples of the metrics whose names begin so."""
    return {key: value for key, value in shown.items() if key[0].startswith(starts)}


def one(state: OrgState) -> Store:
    """Return a store with one org."""
    return Store((state,), (SessionState(state.session, schedule=Schedule(NOW, INTERVAL)),))


def test_names_follow_the_rules_of_prometheus() -> None:
    """Names are unique and in lower case, labels are one word, and the help can follow a capital letter."""
    names = [metric.name for metric in ALL_METRICS]
    assert len(names) == len(set(names))
    for metric in ALL_METRICS:
        assert re.fullmatch(r"claudemeter(_[a-z]+)+", metric.name), metric.name
        assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels), metric.name
        assert re.fullmatch(r"[a-z1].*[a-z0-9]", metric.help), metric.name


def test_every_metric_has_a_sample_in_some_scene() -> None:
    """No row of the table is dead, and each sample has as many label values as its metric has labels."""
    found: set[str] = set()
    for store, now in (*list_scenes(), *list_special_stores()):
        for metric, samples in list_samples(build_view(store, now, shows_names=True)):
            found |= {metric.name} if samples else set()
            assert all(len(values) == len(metric.labels) for values, _ in samples)
            assert len({values for values, _ in samples}) == len(samples), metric.name
    assert found == {metric.name for metric in ALL_METRICS}


def list_scenes() -> list[tuple[Store, datetime]]:
    """Return ordinary orgs, and one without windows."""
    every = (PERSONAL, TEAM, LABORATORY)
    return [(scenes.store(*every), NOW), (scenes.store(scenes.ENTERPRISE), NOW), (scenes.store(WAITING), NOW)]


def list_special_stores() -> list[tuple[Store, datetime]]:
    """Return stores with what no ordinary scene has."""
    expiring = Reading(SESSION, READ, schedule=Schedule(NOW, INTERVAL), expires_at=NOW + HOUR)
    failing = Reading(SESSION, READ, account=Failure(ErrorKind.EXPIRED, Endpoint.ACCOUNT, READ))
    spending = readings.spend(readings.org(Window("five_hour", "5-hour", WindowKind.SESSION, 50.0)))
    meter = Meter(MeterOrigin.OVERAGE, Money(Decimal(40), "USD"), is_enabled=True)
    spending = replace(
        spending,
        replies=readings.org(*spending.plan.windows, credits_=meter).replies if spending.plan else {},
    )
    return [
        (scenes.store(PERSONAL).apply(expiring).apply(failing), NOW),
        (one(spending), MODEL_NOW),
        (build_fast_store(), NOW),
    ]


def build_fast_store() -> Store:
    """Return an org that spends six cents a minute for an hour."""
    spent = tuple((minutes, 1000 + 6 * (70 - minutes)) for minutes in range(70, 0, -1))
    return scenes.store(
        OrgBodies(usage=usage_body(100.0, 41.0), overage=overage_body(1420, 1700), spent=spent)
    )


def test_org_with_room() -> None:
    """Percentages are ratios, times seconds since 1970, amounts whole dollars."""
    shown = read_samples(scenes.store(PERSONAL))
    assert select(shown, "verdict") == {
        ("verdict", "blocked"): 0,
        ("verdict", "wait"): 0,
        ("verdict", "on_credits"): 0,
        ("verdict", "unknown"): 0,
        ("verdict", "can_work"): 1,
    }
    assert select(shown, "window_used", "window_full", "window_reset") == {
        ("window_used_ratio", "five_hour"): 0.67,
        ("window_used_ratio", "seven_day"): 0.41,
        ("window_used_ratio", "weekly_scoped:Fable"): 0.12,
        ("window_full", "five_hour"): 0,
        ("window_full", "seven_day"): 0,
        ("window_full", "weekly_scoped:Fable"): 0,
        ("window_reset_timestamp_seconds", "five_hour"): RESET,
        ("window_reset_timestamp_seconds", "seven_day"): WEEK_RESET,
        ("window_reset_timestamp_seconds", "weekly_scoped:Fable"): WEEK_RESET,
    }
    assert select(shown, "credits_used", "credits_cap", "credits_balance", "lock") == {
        ("credits_used", "own", "USD"): 17.2,
        ("credits_cap", "own", "USD"): 50,
        ("credits_used_ratio", "own"): 0.344,
        ("credits_balance", "USD"): 244.35,
    }
    assert shown["credits", "open"] == 1
    assert shown["org_last_success_timestamp_seconds",] == READ.timestamp()
    assert select(shown, "reply_up") == {
        ("reply_up", str(endpoint)): 1
        for endpoint in Endpoint
        if endpoint is not Endpoint.ACCOUNT  # the source's
    }


def test_blocked_org() -> None:
    """The lock has its cause and its end; the pool has figures of its own."""
    shown = read_samples(scenes.store(TEAM))
    assert (shown["verdict", "blocked"], shown["verdict", "can_work"]) == (1, 0)
    assert select(shown, "verdict_end") == {("verdict_end_timestamp_seconds",): RESET}
    assert select(shown, "lock") == {("lock", "cap"): 1, ("lock_end_timestamp_seconds", "cap"): MAY}
    assert select(shown, "credits_used", "credits_cap") == {
        ("credits_used", "own", "USD"): 50,
        ("credits_used", "pool", "USD"): 261.18,
        ("credits_cap", "own", "USD"): 50,
        ("credits_cap", "pool", "USD"): 1000,
        ("credits_used_ratio", "own"): 1,
        ("credits_used_ratio", "pool"): pytest.approx(0.26118),
    }
    assert (shown["credits", "locked"], shown["credits", "open"]) == (1, 0)
    assert shown["window_full", "five_hour"] == 1


def test_org_without_a_cap_has_no_cap_and_no_ratio() -> None:
    """An absent cap is not 0."""
    shown = read_samples(scenes.store(LABORATORY))
    assert select(shown, "credits_used", "credits_cap") == {("credits_used", "own", "USD"): 8.12}
    assert shown["verdict", "on_credits"] == 1


def test_dollar_allowance_has_amounts() -> None:
    """A dollar allowance has its size and expiry."""
    shown = read_samples(scenes.store(scenes.ENTERPRISE))
    expiry = datetime(2026, 9, 22, 18, 56, tzinfo=UTC).timestamp()
    assert select(shown, "allowance", "window_reset") == {
        ("allowance_used", "cinder_cove", "USD"): 1000,
        ("allowance_limit", "cinder_cove", "USD"): 1000,
        ("window_reset_timestamp_seconds", "cinder_cove"): expiry,
    }


def test_org_that_was_never_read_has_no_figure() -> None:
    """It has a name, an unknown verdict, and nothing else."""
    store = Store().apply(Reading(SESSION, READ, orgs=(scenes.org_of(PERSONAL.org),)))
    shown = read_samples(store)
    assert {key[0] for key in select(shown, "org", "verdict", "window", "credits", "reply", "lock")} == {
        "org_info",
        "verdict",
        "credits",
    }
    assert (shown["verdict", "unknown"], shown["credits", "unknown"]) == (1, 1)


@pytest.mark.parametrize(
    ("expected", "age"), [(True, 15 * MINUTE), (False, 15 * MINUTE + MINUTE / 60), (False, -16 * MINUTE)]
)
def test_old_figures_are_left_out(age: timedelta, *, expected: bool) -> None:
    """Above 15 minutes, and if the clock was set back, only the time of the figures is left."""
    shown = read_samples(scenes.store(TEAM), READ + age)
    assert bool(select(shown, *FIGURES)) is expected
    assert (shown["verdict", "blocked"], shown["verdict", "unknown"]) == ((1, 0) if expected else (0, 1))
    assert shown["org_last_success_timestamp_seconds",] == READ.timestamp()


def test_each_figure_has_the_age_of_its_own_reply() -> None:
    """If only the usage reply fails, the credits are still current, and the windows are not."""
    store = scenes.store(PERSONAL)
    for minutes in range(1, 21):
        at = READ + minutes * MINUTE
        parts: dict[Endpoint, Any] = {
            endpoint: replace(reply, at=at) for endpoint, reply in store.orgs[0].replies.items()
        }
        parts[Endpoint.USAGE] = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, at)
        store = store.apply(Reading(SESSION, at, org_readings=(OrgReading(store.orgs[0].org, parts),)))
    shown = read_samples(store, READ + 20 * MINUTE)
    assert select(shown, "window_") == {}
    assert shown["credits_used", "own", "USD"] == 17.2
    assert (shown["reply_up", "usage"], shown["reply_up", "overage"]) == (0, 1)
    assert shown["reply_last_success_timestamp_seconds", "usage"] == READ.timestamp()


def test_window_whose_reset_has_passed_is_left_out() -> None:
    """Its percentage is that of the last cycle, and the next reset is not known."""
    late = datetime(2026, 4, 25, 15, 59, 50, tzinfo=UTC)
    store = scenes.store(PERSONAL, at=late)
    assert ("window_used_ratio", "five_hour") in read_samples(store, late)
    after = select(read_samples(store, late + 15 * MINUTE / 60), "window_")
    assert {key[1] for key in after} == {"seven_day", "weekly_scoped:Fable"}


def test_withdrawn_figures_are_left_out() -> None:
    """The server withdraws use and cap with this reason: neither its zero nor the last use is a figure."""
    withdrawn = replace(
        PERSONAL,
        usage=usage_body(67.0, 41.0),
        overage=overage_body(0, None, reason="org_level_disabled_until", until="2026-05-01T00:00:00Z"),
        spent=(),
    )
    store = scenes.store(PERSONAL, at=READ - MINUTE)
    for reading in scenes.readings(withdrawn):
        store = store.apply(reading)
    shown = read_samples(store)
    assert select(shown, "credits_used", "credits_cap") == {}
    assert select(shown, "lock") == {("lock", "admin"): 1, ("lock_end_timestamp_seconds", "admin"): MAY}


def test_outdated_balance_is_left_out() -> None:
    """A balance whose newer requests failed is not current."""
    old = Balance(Money(Decimal(500), "USD"))
    state = readings.org(Window("five_hour", "5-hour", WindowKind.SESSION, 10.0), prepaid=old)
    assert read_samples(one(state), MODEL_NOW)["credits_balance", "USD"] == 5
    later = replace(state.replies[Endpoint.PREPAID], at=MODEL_NOW - 5 * MINUTE)
    failure = Failure(ErrorKind.TIMEOUT, Endpoint.PREPAID, MODEL_NOW)
    state = replace(
        state,
        replies={**state.replies, Endpoint.PREPAID: later},
        failures={Endpoint.PREPAID: failure},
    )
    assert select(read_samples(one(state), MODEL_NOW), "credits_balance") == {}


@pytest.mark.parametrize(
    ("expected", "amount"),
    [
        ({("credits_balance", "USD"): -12.34}, Money(Decimal(-1234), "USD")),
        ({("credits_balance", "JPY"): 1234}, Money(Decimal(1234), "JPY", 0)),
        ({("credits_balance", "KWD"): 1.234}, Money(Decimal(1234), "KWD", 3)),
        ({("credits_balance", ""): 12.34}, Money(Decimal(1234), "")),
        ({("credits_balance", "other"): 12.34}, Money(Decimal(1234), 'US"}\nevil 1')),
        ({}, Money(Decimal("1e400"), "USD")),
        ({}, None),
    ],
)
def test_amounts_have_their_currency(expected: Shown, amount: Money | None) -> None:
    """The exponent of the currency counts, a debt is negative, and hostile text becomes `other`."""
    state = readings.org(prepaid=Balance(amount))
    assert select(read_samples(one(state), MODEL_NOW), "credits_balance") == expected


@pytest.mark.parametrize("percent", [float("inf"), float("nan"), None])
def test_percentage_that_is_no_number_is_left_out(percent: float | None) -> None:
    """A window without a usable figure has no ratio."""
    state = readings.org(Window("five_hour", "5-hour", WindowKind.SESSION, percent))
    assert select(read_samples(one(state), MODEL_NOW), "window_used") == {}


def test_window_can_be_above_its_limit() -> None:
    """The ratio is not cut at 1, and a locked window is full without a percentage."""
    state = readings.org(
        Window("five_hour", "5-hour", WindowKind.SESSION, 104.0),
        Window("seven_day", "7-day all", WindowKind.WEEKLY, locked_reason="paused"),
    )
    assert select(read_samples(one(state), MODEL_NOW), "window_") == {
        ("window_used_ratio", "five_hour"): 1.04,
        ("window_full", "five_hour"): 1,
        ("window_full", "seven_day"): 1,
    }


@pytest.mark.parametrize(
    ("expected", "ends"),
    [((2, None), (2, None)), ((2, 3), (2, 3)), ((None,), (None,)), ((2,), (2,))],
    ids=str,
)
def test_one_cause_of_two_owners_is_one_sample(
    expected: tuple[int | None, ...], ends: tuple[int | None, ...]
) -> None:
    """Its end is the later one; without one end, it may never end."""
    origins = (MeterOrigin.OWN_OVERAGE, MeterOrigin.OVERAGE)
    meters = [
        Meter(
            origin,
            Money(Decimal(50 + place), "USD"),
            Money(Decimal(50 + place), "USD"),
            until=MODEL_NOW + end * HOUR if end is not None else None,
            cap_reached=True,
            is_personal=origin is MeterOrigin.OWN_OVERAGE,
        )
        for place, (origin, end) in enumerate(zip(origins, ends, strict=False))
    ]
    about = replace(readings.org().org, is_shared=True)
    parts = dict(zip(("own_overage", "overage"), meters, strict=False))
    own = parts.get("own_overage")
    state = readings.org(about=about, credits_=parts.get("overage"), own_overage=own)
    shown = select(read_samples(one(state), MODEL_NOW), "lock")
    last = None if None in expected else (MODEL_NOW + max(end or 0 for end in expected) * HOUR).timestamp()
    times = {("lock_end_timestamp_seconds", "cap"): last} if last is not None else {}
    assert shown == {("lock", "cap"): 1, **times}


def test_the_last_end_of_the_locks_is_that_of_the_verdict() -> None:
    """With two owners, each cause and each end, no end of a lock is in the verdict alone."""
    full = Window("five_hour", "5-hour", WindowKind.SESSION, 100.0)  # no reset: only credits can end it
    about = replace(readings.org().org, is_shared=True)
    reasons = (None, "out_of_credits", "org_level_disabled_until", "capacity_protection", "user_disabled")
    ends = (None, MODEL_NOW + 2 * HOUR, MODEL_NOW + 3 * HOUR)
    at_cap, below = (Money(Decimal(minor), "USD") for minor in (100, 50))
    choices = list(product(reasons, ends, (at_cap, below)))
    ended = 0
    for own, pool in product(choices, choices):
        own_meter, pool_meter = (
            Meter(origin, used, at_cap, is_enabled=True, reason=reason, until=until, is_personal=is_own)
            for origin, is_own, (reason, until, used) in (
                (MeterOrigin.OWN_OVERAGE, True, own),
                (MeterOrigin.OVERAGE, False, pool),
            )
        )
        state = readings.org(full, about=about, credits_=pool_meter, own_overage=own_meter)
        shown = read_samples(one(state), MODEL_NOW)
        end = shown.get(("verdict_end_timestamp_seconds",))
        if end is not None:
            found = {cause: value for (_, cause), value in select(shown, "lock_end").items()}
            causes = {cause for name, cause, *_ in select(shown, "lock") if name == "lock"}
            assert (end, causes) == (max(found.values()), set(found))
            ended += 1
    assert ended > 100


def test_states_and_causes_are_words_of_this_program() -> None:
    """Every value of these labels is a word in lower case, whatever the server sends."""
    assert all(re.fullmatch(r"[a-z_]+", str(word)) for word in (*VerdictState, *CreditState, *Cause))
    reason = overage_body(5000, 5000, reason='"}\nevil 1', out_of_credits=True)
    shown = read_samples(scenes.store(replace(PERSONAL, overage=reason)))
    assert {key[1] for key in select(shown, "lock")} <= set(map(str, Cause))


def test_forecasts_are_only_of_fresh_figures() -> None:
    """A window that fills before its reset has a time, another one the ratio at its reset."""
    fast = scenes.store(OrgBodies(usage=usage_body(90.0, 41.0), overage=overage_body()))
    shown = select(read_samples(fast), "window_forecast")
    full = shown["window_forecast_full_timestamp_seconds", "five_hour"]
    assert NOW.timestamp() < full < RESET
    assert 0.41 < shown["window_forecast_used_ratio", "seven_day"] < 1
    assert len(shown) == 2
    assert select(read_samples(fast, READ + 3 * MINUTE), "window_forecast") == {}


def test_spending_has_a_forecast_of_the_cap() -> None:
    """It has both ends of the range, the earliest first."""
    shown = select(read_samples(build_fast_store()), "credits_forecast")
    name = "credits_forecast_limit_timestamp_seconds"
    assert NOW.timestamp() < shown[name, "cap", "earliest"] <= shown[name, "cap", "latest"]


def test_source_that_works() -> None:
    """It is up, and its last success is that of its last good reply."""
    shown = read_samples(scenes.store(PERSONAL))
    (source,) = build_view(scenes.store(PERSONAL), NOW, shows_names=False).sources
    name = source.labels.source
    assert shown["source_up", name] == 1
    assert shown["source_last_success_timestamp_seconds", name] == READ.timestamp()
    assert shown["sources",] == 1
    assert select(shown, "problems") == {}


def test_source_that_fails() -> None:
    """An expired session, and one whose limits all fail, are down and have a problem; the age stays."""
    store, at = scenes.store(PERSONAL), READ + MINUTE
    ended = Reading(SESSION, at, schedule=Schedule(at + INTERVAL, INTERVAL))
    expired = ended._replace(account=Failure(ErrorKind.EXPIRED, Endpoint.ACCOUNT, at))
    broken = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, at)
    org = scenes.org_of(PERSONAL.org)
    failing = ended._replace(org_readings=(OrgReading(org, {Endpoint.USAGE: broken}),))
    for reading, kind in ((expired, "session expired"), (failing, "server error")):
        failed = store.apply(reading)
        shown = read_samples(failed, at)
        name = build_view(failed, at, shows_names=False).sources[0].labels.source
        assert shown["source_up", name] == 0
        assert shown["problems", name, kind] == 1
        assert shown["source_last_success_timestamp_seconds", name] == READ.timestamp()
        assert shown["reply_up", "usage"] == 0


def test_source_before_its_first_poll_is_not_down() -> None:
    """Until a poll is complete nothing is known about it; then the number of sources is."""
    listed = Reading(SESSION, READ, orgs=(scenes.org_of(PERSONAL.org),))
    assert select(read_samples(Store().apply(listed)), "source") == {}
    missing = Failure(ErrorKind.NO_SESSION, Endpoint.ACCOUNT, READ)
    places = (ScanResult(SESSION, "not signed in"),)
    none = Reading(NO_SESSION, READ, missing, schedule=Schedule(NOW, INTERVAL), scan_results=places)
    assert select(read_samples(Store().apply(none)), "source") == {}
    answered = read_samples(Store().apply(none._replace(has_everyone_answered=True)))
    assert select(answered, "source") == {("sources",): 0}
    assert answered["problems", "", "no session"] == 1


def test_placeholder_window_of_a_code_name_is_bounded() -> None:
    """A reply with hundreds of unknown windows gives a few samples with short labels."""
    many: dict[str, Any] = {f"evil{number}_{'x' * 500}": window_body(50.0) for number in range(300)}
    shown = read_samples(scenes.store(replace(PERSONAL, usage=usage_body(1.0, 1.0, **many))))
    windows = {key[1] for key in select(shown, "window_")}
    assert windows == {"five_hour", "seven_day", "other", *(f"other {number}" for number in range(2, 9))}

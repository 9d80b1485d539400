"""Windows, meters and credits: severity, fullness, pace, and the state of the credits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import CreditState, MeterOrigin, WindowKind
from claudemeter_tui.model.credits import Credits, Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.windows import Severity, Window
from tests.model.values import NOW, PAST, SOON, five_hour, list_reasons, read_credits, usd

ENDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
OPEN, LOCKED, OFF = CreditState.OPEN, CreditState.LOCKED, CreditState.OFF
UNKNOWN, ABSENT = CreditState.UNKNOWN, CreditState.ABSENT


@pytest.mark.parametrize(
    ("expected", "percent"),
    [
        (Severity.NORMAL, None),
        (Severity.NORMAL, 0.0),
        (Severity.NORMAL, 74.99),
        (Severity.WARNING, 75.0),
        (Severity.WARNING, 89.99),
        (Severity.CRITICAL, 90.0),
        (Severity.CRITICAL, 99.99),
        (Severity.FULL, 100.0),
        (Severity.FULL, 140.0),
    ],
)
def test_severity_rises_at_75_90_and_100_percent(expected: Severity, percent: float | None) -> None:
    """Severity is warning from 75%, critical from 90%, full from 100%, and normal for an unknown percent."""
    assert expected is Severity.from_percent(percent)
    assert expected is five_hour(percent).compute_severity(NOW)


@pytest.mark.parametrize(
    ("expected", "percent", "server"),
    [
        (Severity.CRITICAL, 10.0, Severity.CRITICAL),
        (Severity.CRITICAL, 95.0, Severity.NORMAL),
        (Severity.FULL, 100.0, Severity.WARNING),
        (Severity.WARNING, None, Severity.WARNING),
    ],
)
def test_server_raises_a_severity_and_never_lowers_it(
    expected: Severity, percent: float | None, server: Severity
) -> None:
    """The worse of the figure's severity and the server's counts."""
    assert expected is five_hour(percent, server_severity=server).compute_severity(NOW)


@pytest.mark.parametrize(
    ("expected", "percent", "resets_at", "reason"),
    [
        (False, 99.99, SOON, None),
        (True, 100.0, SOON, None),
        (True, 100.0, None, None),
        (True, 130.0, SOON, None),
        (False, None, SOON, None),
        (True, 3.0, SOON, "abuse_hold"),
        (True, None, None, ""),
        (False, 100.0, PAST, None),
        (False, 100.0, NOW, None),
        (False, 3.0, PAST, "abuse_hold"),
    ],
)
def test_window_is_full_from_100_percent_or_locked_until_it_resets(
    expected: bool,  # noqa: FBT001 - a table
    percent: float | None,
    resets_at: datetime | None,
    reason: str | None,
) -> None:
    """A locked window is full at any percent, and a window whose reset has passed is not."""
    one = five_hour(percent, resets_at, locked_reason=reason)
    assert expected is one.is_full(NOW)
    assert expected is (one.compute_severity(NOW) is Severity.FULL)


@pytest.mark.parametrize(
    ("expected", "resets_at"),
    [(False, None), (False, SOON), (True, NOW), (True, PAST), (True, ENDS[0]), (False, ENDS[1])],
)
def test_window_is_due_once_its_reset_has_passed(expected: bool, resets_at: datetime | None) -> None:  # noqa: FBT001 - a table
    """From the reset on neither the percent nor the server's severity counts."""
    one = five_hour(100.0, resets_at, server_severity=Severity.CRITICAL)
    assert expected is one.is_due(NOW)
    assert expected is (one.compute_severity(NOW) is Severity.NORMAL)


@pytest.mark.parametrize(
    ("expected", "left"),
    [
        (0.0, timedelta(hours=5)),
        (0.2, timedelta(hours=4)),
        (0.76, timedelta(minutes=72)),
        (0.0, timedelta(hours=9)),
        (None, timedelta(0)),
        (None, timedelta(minutes=-1)),
    ],
)
def test_window_has_its_elapsed_share(expected: float | None, left: timedelta) -> None:
    """The share is 0 at the start and nearly 1 at the end, None once due, and never below 0."""
    assert (None if expected is None else pytest.approx(expected)) == five_hour(
        resets_at=NOW + left, length=timedelta(hours=5)
    ).compute_elapsed(NOW)


@pytest.mark.parametrize(("resets_at", "length"), [(None, timedelta(hours=5)), (SOON, None), (None, None)])
def test_window_without_start_or_length_has_no_pace(
    resets_at: datetime | None, length: timedelta | None
) -> None:
    """A window without start or length has no pace mark, because it would be a guess."""
    assert five_hour(resets_at=resets_at, length=length).compute_elapsed(NOW) is None


@pytest.mark.parametrize("resets_at", ENDS)
def test_window_survives_the_ends_of_the_calendar(resets_at: datetime) -> None:
    """Windows in the years 1 and 9999 raise no exception."""
    assert five_hour(resets_at=resets_at, length=timedelta(hours=5)).compute_elapsed(NOW) in (None, 0.0)


@pytest.mark.parametrize("kind", WindowKind)
def test_window_stops_the_plan_unless_it_is_scoped(kind: WindowKind) -> None:
    """The 5-hour and the 7-day window stop the plan, any other only its own model or surface."""
    assert (kind is not WindowKind.SCOPED) is Window("key", "label", kind).is_plan_wide


# Meters.


def meter(**more: object) -> Meter:
    """Return an enabled overage reply."""
    return Meter(**({"origin": MeterOrigin.OVERAGE, "is_enabled": True} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expected", "one"),
    [
        (OPEN, meter()),
        (OPEN, meter(used=usd(4999), cap=usd(5000))),
        (OPEN, meter(used=usd(99_999), is_uncapped=True)),
        (OPEN, meter(cap=usd(5000))),
        (OPEN, meter(until=PAST)),
        (OPEN, meter(until=NOW)),
        (UNKNOWN, meter(used=usd(10), cap=Money(Decimal(5), "EUR"))),
        (OPEN, meter(used=usd(10), cap=Money(Decimal(5000), "USD", 3))),
        (LOCKED, meter(used=Money(Decimal(50_000), "USD", 3), cap=usd(5000))),
        (LOCKED, meter(reason="fetch_error", used=usd(5000), cap=usd(5000))),
        (LOCKED, meter(used=usd(5000), cap=usd(5000))),
        (LOCKED, meter(used=usd(6230), cap=usd(6000))),
        (LOCKED, meter(out_of_credits=True, used=usd(0), cap=usd(2000))),
        (LOCKED, meter(cap_reached=True)),
        (LOCKED, meter(until=SOON)),
        (LOCKED, meter(reason="self_selected_spend_limit_reached")),
        (LOCKED, meter(reason="out_of_credits", is_enabled=False)),
        (LOCKED, meter(reason="never heard of")),
        (LOCKED, meter(reason="")),
        (LOCKED, meter(reason="user_disabled", until=SOON)),
        (LOCKED, meter(reason="fetch_error", out_of_credits=True)),
        (LOCKED, meter(is_enabled=None, out_of_credits=True)),
        (OFF, meter(is_enabled=False)),
        (OFF, meter(is_enabled=False, used=usd(1720), cap=usd(5000))),
        (LOCKED, meter(is_enabled=False, used=usd(5000), cap=usd(5000))),
        (OFF, meter(reason="user_disabled", used=usd(5000), cap=usd(5000))),
        (UNKNOWN, meter(unreadable_keys=("out_of_credits",))),
        (LOCKED, meter(unreadable_keys=("disabled_until",), out_of_credits=True)),
        (UNKNOWN, meter(is_enabled=None)),
        *((OFF, meter(reason=reason)) for reason in list_reasons(OFF)),
        *((UNKNOWN, meter(reason=reason)) for reason in list_reasons(UNKNOWN)),
    ],
)
def test_meter_is_open_locked_off_or_not_known(expected: CreditState, one: Meter) -> None:
    """Flags and a future date lock first, then the reason decides, then the cap, then the switch."""
    assert expected is one.compute_state(NOW)


@pytest.mark.parametrize(
    ("percent", "left", "at_cap", "one"),
    [
        (34.4, usd(3280), False, meter(used=usd(1720), cap=usd(5000))),
        (0.0, usd(5000), False, meter(used=usd(0), cap=usd(5000))),
        (100.0, usd(0), True, meter(used=usd(5000), cap=usd(5000))),
        (120.0, usd(0), True, meter(used=usd(6000), cap=usd(5000))),
        (None, usd(0), True, meter(used=usd(0), cap=usd(0))),
        (None, None, False, meter(used=usd(1720), is_uncapped=True)),
        (None, None, False, meter(cap=usd(5000))),
        (None, None, False, meter(used=usd(1720), cap=Money(Decimal(5000), "EUR"))),
        (None, None, False, meter()),
    ],
)
def test_meter_compares_use_and_cap(
    percent: float | None,
    left: Money | None,
    at_cap: bool,  # noqa: FBT001 - a table
    one: Meter,
) -> None:
    """Percent, rest and the reached cap need both figures in one unit."""
    assert (percent, left, at_cap) == (one.percent, one.remaining, one.is_at_cap)


# Credits.

OWN_OPEN, OWN_LOCKED, OWN_OFF = meter(), meter(out_of_credits=True), meter(is_enabled=False)
POOL_OPEN, POOL_OFF = meter(is_personal=False), meter(is_personal=False, is_enabled=False)
POOL_LOCKED = meter(is_personal=False, reason="org_spend_cap_reached")
USAGE_OPEN = meter(origin=MeterOrigin.EXTRA_USAGE)
OWN_UNKNOWN = meter(is_enabled=None)


@pytest.mark.parametrize(
    ("expected", "shut", "extra"),
    [
        (UNKNOWN, None, read_credits()),
        (ABSENT, None, read_credits(is_absent=True)),
        (OPEN, None, read_credits((OWN_OPEN,))),
        (UNKNOWN, None, read_credits((USAGE_OPEN,), is_absent=True)),
        (OFF, OWN_OFF, read_credits((OWN_OFF,), is_absent=True)),
        (UNKNOWN, None, read_credits((OWN_OPEN,), valid_until=None)),
        (UNKNOWN, None, read_credits((OWN_OPEN,), valid_until=PAST)),
        (LOCKED, OWN_LOCKED, read_credits((OWN_LOCKED,), valid_until=PAST)),
        (OFF, OWN_OFF, read_credits((OWN_OFF,), valid_until=None)),
        (UNKNOWN, OWN_OFF, read_credits((USAGE_OPEN, OWN_OFF))),
        (UNKNOWN, None, read_credits(is_absent=True, valid_until=PAST)),
        (OPEN, None, read_credits((OWN_OPEN, POOL_OPEN))),
        (LOCKED, OWN_LOCKED, read_credits((OWN_OPEN, OWN_LOCKED))),
        (OPEN, None, read_credits((POOL_OPEN,))),
        (LOCKED, OWN_LOCKED, read_credits((OWN_LOCKED,))),
        (LOCKED, POOL_LOCKED, read_credits((OWN_OPEN, POOL_LOCKED))),
        (LOCKED, OWN_LOCKED, read_credits((POOL_LOCKED, OWN_LOCKED))),
        (LOCKED, POOL_LOCKED, read_credits((OWN_OFF, POOL_LOCKED))),
        (OFF, OWN_OFF, read_credits((OWN_OFF, POOL_OPEN))),
        (OFF, POOL_OFF, read_credits((OWN_UNKNOWN, POOL_OFF))),
        (UNKNOWN, OWN_UNKNOWN, read_credits((OWN_UNKNOWN, POOL_OPEN))),
        (OPEN, None, read_credits((OWN_OPEN, meter(origin=MeterOrigin.SPEND, is_enabled=None)))),
        (LOCKED, None, read_credits((OWN_OPEN,), paused_until=SOON)),
        (LOCKED, None, read_credits(paused_until=SOON)),
        (OPEN, None, read_credits((OWN_OPEN,), paused_until=PAST)),
    ],
)
def test_credits_take_the_worst_gate(expected: CreditState, shut: Meter | None, extra: Credits) -> None:
    """The personal gate, the pool's and the org's pause each close the credits, locked before off."""
    assert (expected, shut) == (extra.compute_state(NOW), extra.find_deciding_meter(NOW))


@pytest.mark.parametrize(
    ("own", "pool", "lead", "meters"),
    [
        (None, None, None, ()),
        (OWN_OPEN, None, OWN_OPEN, (OWN_OPEN, OWN_OFF)),
        (None, POOL_OPEN, POOL_OPEN, (POOL_OPEN, POOL_OFF)),
        (OWN_OPEN, POOL_OPEN, OWN_OPEN, (POOL_OPEN, OWN_OPEN)),
    ],
)
def test_credits_lead_with_the_personal_meter(
    own: Meter | None, pool: Meter | None, lead: Meter | None, meters: tuple[Meter, ...]
) -> None:
    """The first of each kind counts, and the pool leads only without a personal one."""
    extra = read_credits(meters)
    assert (own, pool, lead) == (extra.own_meter, extra.pool_meter, extra.lead_meter)


# Accounts.

UUID, MAIL, BOTH = Account("a"), Account(None, "a@example.com"), Account("a", "a@example.com")


@pytest.mark.parametrize(
    ("expected", "account"),
    [("", Account()), ("", Account("", "")), ("a", UUID), ("a@example.com", MAIL), ("a", BOTH)],
)
def test_account_key_is_its_uuid_else_its_mail(expected: str, account: Account) -> None:
    """The key is the uuid, else the e-mail, else empty."""
    assert expected == account.key


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (True, BOTH, BOTH),
        (True, UUID, MAIL),
        (True, Account(), BOTH),
        (True, BOTH, Account("a", "new@example.com")),
        (True, MAIL, BOTH),
        (False, UUID, Account("b")),
        (False, BOTH, Account("b", "a@example.com")),
        (False, MAIL, Account(None, "b@example.com")),
        (False, MAIL, Account("a", "b@example.com")),
    ],
)
def test_account_may_be_another_unless_a_name_differs(expected: bool, one: Account, other: Account) -> None:  # noqa: FBT001 - a table
    """Two uuids decide, without them two e-mails, else the accounts may be the same."""
    assert (expected, expected) == (one.may_be_same(other), other.may_be_same(one))


@pytest.mark.parametrize(
    ("expected", "new", "before"),
    [
        (BOTH, UUID, MAIL),
        (BOTH, Account(), BOTH),
        (Account("a", "new@example.com"), Account("a", "new@example.com"), BOTH),
        (Account("b"), Account("b"), BOTH),
    ],
)
def test_account_keeps_names_of_an_earlier_reply(expected: Account, new: Account, before: Account) -> None:
    """A missing name is taken from the earlier reply, unless the account has changed."""
    assert expected == new.fill_from(before)

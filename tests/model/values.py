"""Parsed values of an org: amounts, windows and meters of one Saturday afternoon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from claudemeter_tui.model.catalogue import (
    DISABLED_REASONS,
    CreditState,
    MeterOrigin,
    WindowKind,
    WindowScope,
)
from claudemeter_tui.model.credits import Balance, Credits, Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.resets import SavedReset, SavedResets
from claudemeter_tui.model.windows import Window

NOW = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
SOON, NEXT_WEEK, MAY = NOW + timedelta(minutes=72), NOW + timedelta(days=3), datetime(2026, 5, 1, tzinfo=UTC)
PAST = NOW - timedelta(minutes=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
REACHED = "self_selected_spend_limit_reached"


def list_reasons(state: CreditState) -> tuple[str, ...]:
    """Return every known `disabled_reason` that puts the credits into this state."""
    return tuple(sorted(code for code, reason in DISABLED_REASONS.items() if reason.state is state))


LOCKING = (*list_reasons(CreditState.LOCKED), "foo_bar")
"""Reasons that lock the credits, one of them unknown to the program."""


def later(**time: float) -> datetime:
    """Return NOW plus some time."""
    return NOW + timedelta(**time)


def usd(cents: Decimal | float | str) -> Money:
    """Return an amount in dollars from cents."""
    return Money(Decimal(str(cents)), "USD")


def five_hour(percent: float | None = 41, resets_at: datetime | None = SOON, **more: Any) -> Window:
    """Return the 5-hour window."""
    usual = {"length": timedelta(hours=5)}
    return Window("five_hour", "5-hour", WindowKind.SESSION, percent, resets_at, **(usual | more))


def weekly(percent: float | None = 71, resets_at: datetime | None = NEXT_WEEK, **more: Any) -> Window:
    """Return the 7-day window over everything."""
    usual = {"length": timedelta(days=7)}
    return Window("seven_day", "7-day all", WindowKind.WEEKLY, percent, resets_at, **(usual | more))


def fable(percent: float = 100, resets_at: datetime | None = NEXT_WEEK) -> Window:
    """Return a 7-day window of one model."""
    return Window(
        "weekly_scoped:Fable",
        "7-day Fable",
        percent=percent,
        resets_at=resets_at,
        scope=WindowScope.MODEL,
        continues_on_credits=True,
    )


def one_time(percent: float = 100) -> Window:
    """Return an allowance in dollars."""
    limit = usd(10_000)
    return Window("cinder_cove", "One-time credit", percent=percent, resets_at=MAY, used=limit, limit=limit)


def read_credits(meters: tuple[Meter, ...] = (), balance: Balance | None = None, **more: Any) -> Credits:
    """Return credits with a current overage reply."""
    return Credits(meters, balance, **({"overage_read_at": LONG_AGO, "valid_until": END_OF_TIME} | more))


def meter(used: Money | float | None = 1720, cap: float | None = 5000, **more: Any) -> Meter:
    """Return the credits of one reply, open, in cents; a cap of None means no cap."""
    amount = usd(used) if isinstance(used, int | float) else used
    usual: dict[str, Any] = {"origin": MeterOrigin.OVERAGE, "is_uncapped": cap is None, "is_enabled": True}
    return Meter(**(usual | {"used": amount, "cap": None if cap is None else usd(cap)} | more))


OPEN, LOCKED, OFF = meter(), meter(reason=REACHED), meter(is_enabled=False)


def build_saved_resets(grant: Mapping[str, Any] | None = None, **more: Any) -> SavedResets:
    """Return a grant of two saved resets that can be used now; `grant` changes it, `more` the conditions."""
    usual: dict[str, Any] = {
        "resets_left": 2,
        "starts_at": PAST,
        "is_next": True,
        "is_usable": True,
        "clears": ("five_hour", "seven_day"),
    }
    grants = (SavedReset(**(usual | dict(grant or {}))),)
    shared: dict[str, Any] = {"grants": grants, "is_eligible": True, "is_at_limit": True}
    return SavedResets(**(shared | more))

"""The figures of one reading, and the runs of equal figures that follow from them.

Everything here is pure; `derivation.py` keeps the runs in the archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from claudemeter_tui.history.database import from_millis, to_millis
from claudemeter_tui.model.catalogue import Cause, Endpoint
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.history import (
    BALANCE_FIGURE,
    CAP_FIGURE,
    CREDITS_FIGURE,
    MONTH_FIGURE,
    USED_FIGURE,
    VERDICT_FIGURE,
    WINDOW_PREFIX,
    RowValue,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.time_series import CreditSeries
from claudemeter_tui.model.verdict import Verdict, VerdictState
from claudemeter_tui.model.windows import Window

USED, CAP, MONTH = USED_FIGURE, CAP_FIGURE, MONTH_FIGURE
BALANCE, CREDITS, VERDICT = BALANCE_FIGURE, CREDITS_FIGURE, VERDICT_FIGURE
"""Names of figures that every org has once; `month` has cycles only."""
PERCENT_UNIT = "%"

Value = int | float | str
"""A stored value: a number, an amount with a fraction as decimal text, or a word."""


class FigureReading(NamedTuple):
    """One figure of one reading."""

    name: str
    """Such as `window:five_hour`; `schema.py` has the list."""
    value: Value
    unit: str
    """"%", a currency with its exponent such as "USD:2", or empty for words."""
    detail: str = ""
    """A reset, the source of an amount, or the cause of a state; empty if the figure needs none."""


class Run(NamedTuple):
    """A span in which a figure had one value."""

    first_at: int
    """Time of the first reading with the value, milliseconds since 1970."""
    confirmed_at: int
    """Time of the last one."""
    value: Value
    unit: str
    detail: str

    @property
    def amount(self) -> Decimal:
        """The value of an amount, in minor units."""
        return Decimal(self.value)


def name_window(key: str) -> str:
    """Return the name of a window's figure."""
    return f"{WINDOW_PREFIX}{key}"


def format_unit(money: Money) -> str:
    """Return the unit of an amount: currency and exponent, such as "USD:2"."""
    return f"{money.currency}:{money.exponent}"


_UNIT = re.compile(r"(.*):([0-4])", re.DOTALL)


def parse_unit(unit: str) -> tuple[str, int] | None:
    """Return currency and exponent of the unit of an amount. None for any other unit."""
    found = _UNIT.fullmatch(unit)
    return (found[1], int(found[2])) if found is not None else None


def read_value(value: object, unit: str) -> RowValue:
    """Return a stored value: an amount for a unit of money, a number for a percentage, else the word."""
    money = parse_unit(unit)
    if money is None and unit != PERCENT_UNIT:
        return str(value)
    with suppress(InvalidOperation):
        number = Decimal(str(value))
        if number.is_finite():
            return Money(number, *money) if money is not None else float(number)
    return str(value)  # damaged


def read_money(value: object, unit: str) -> Money | None:
    """Return a stored amount. None if it has no unit of money, or is damaged."""
    found = read_value(value, unit)
    return found if isinstance(found, Money) else None


def store_number(number: Decimal | float, unit: str) -> Value:
    """Return a number as it is stored: whole ones take the least space, and decimals of money stay exact."""
    if number == int(number):
        return int(number)
    return float(number) if unit == PERCENT_UNIT else str(number)


def list_new(before: OrgState | None, after: OrgState) -> frozenset[Endpoint]:
    """Return the endpoints whose reply arrived with the last reading."""
    known = before.replies if before is not None else {}
    return frozenset(
        endpoint for endpoint, reply in after.replies.items() if reply is not known.get(endpoint)
    )


def find_current_meter(after: OrgState, new: frozenset[Endpoint]) -> Meter | None:
    """Return the leading meter if its use was read just now. None if it is old, withdrawn or not reported."""
    meter = after.credits.lead_meter
    is_current = meter is not None and meter.origin.endpoint in new and meter.figures_at is None
    return meter if is_current and meter is not None and meter.used is not None else None


def is_cap_reached(after: OrgState, verdict: Verdict) -> bool:
    """Return True if a lock says that the used credits have reached their cap, also without the figures.

    An empty balance is no cap, and a member's own credits are not at their cap if the pool is at its cap.
    """
    lead = after.credits.lead_meter
    locks = (lock for lock in verdict.credit_locks if lock.cause is Cause.CAP)
    return any(lead is None or lock.is_personal == lead.is_personal for lock in locks)


def list_figures(
    after: OrgState, windows: Iterable[Window], new: frozenset[Endpoint], verdict: Verdict
) -> Iterator[FigureReading]:
    """Yield every figure of the replies that arrived with the last reading, and the states at its time.

    A figure that the server has withdrawn, or that was read earlier, is left out.

    Args:
        after: the state after the reading.
        windows: the windows that were read, without placeholders.
        new: the endpoints whose replies arrived.
        verdict: the verdict at that time.
    """
    for window in windows:
        if window.percent is not None:
            reset = str(to_millis(window.resets_at)) if window.resets_at is not None else ""
            yield FigureReading(
                name_window(window.key), store_number(window.percent, PERCENT_UNIT), PERCENT_UNIT, reset
            )
    lead = find_current_meter(after, new)
    for meter in after.credits.meters:
        if meter.origin.endpoint in new and meter.figures_at is None:
            yield from _list_amounts(meter, f":{meter.origin}")
    if lead is not None:
        yield from _list_amounts(lead, "", lead.origin)
    if Endpoint.PREPAID in new and after.credits.balance_amount is not None:
        yield _build_amount(BALANCE, after.credits.balance_amount)
    lock = next(iter(verdict.credit_locks), None)
    yield FigureReading(CREDITS, verdict.credits, "", lock.cause if lock is not None else "")
    yield FigureReading(VERDICT, verdict.state, "", _name_cause(verdict))


def _list_amounts(meter: Meter, suffix: str, detail: str = "") -> Iterator[FigureReading]:
    for name, money in ((USED, meter.used), (CAP, meter.cap)):
        if money is not None:
            yield _build_amount(name + suffix, money, detail)


def _build_amount(name: str, money: Money, detail: str = "") -> FigureReading:
    unit = format_unit(money)
    return FigureReading(name, store_number(money.minor, unit), unit, detail)


def _name_cause(verdict: Verdict) -> str:
    """Return the key of the limiting window for WAIT and ON CREDITS, else the cause; empty if none."""
    if verdict.state in (VerdictState.WAIT, VerdictState.ON_CREDITS) and verdict.full_windows:
        return verdict.full_windows[0].key
    return verdict.cause or ""


def extend_run(old: Run | None, figure: FigureReading, at: int, max_pause: int) -> Run:
    """Return the run after one more reading: the old one if it continues, or a new one.

    If the clock was set back into the old run, an equal value is part of that run already.

    Args:
        old: the last run of the figure.
        figure: its value now.
        at: time of the reading, milliseconds since 1970.
        max_pause: longest time between two readings of one run, in milliseconds.
    """
    if old is not None and old[2:] == figure[1:] and old.first_at <= at <= old.confirmed_at + max_pause:
        return old._replace(confirmed_at=max(old.confirmed_at, at))
    return Run(at, at, *figure[1:])


def is_doubtful(run: Run | None, window: Window, at: int, max_pause: int) -> bool:
    """Return True if the window looks like a placeholder for the figure of a run that has not ended yet.

    Placeholders last for one or two polls. After `max_pause` the run has ended, and the figure is believed.
    """
    if run is None or not run.value or window.percent or not 0 <= at - run.confirmed_at <= max_pause:
        return False
    resets_at = from_millis(int(run.detail)) if run.detail else None
    last = Window(window.key, window.label, window.kind, float(run.value), resets_at)
    return window.is_placeholder_of(last) and not last.is_due(from_millis(at))


def measure_spending(before: OrgState | None, after: OrgState, run: Run | None) -> Money | None:
    """Return the rise of the used credits by the last reading. None if there was none.

    The series has the rules for corrections and placeholders. If it is behind the archive, because the last
    states before the program ended were not written or are too old, the last run is compared instead.

    Args:
        before: the state before the reading.
        after: the state after it; the reading has the used credits.
        run: the last run of the used credits, before this reading.
    """
    new, old = after.series, before.series if before is not None else None
    rise, last = new.monotonic_rise, old.monotonic_rise if old is not None else None
    if rise is None or new.origin is None:
        return None
    risen = Decimal(0)
    if old is not None and last is not None and (run is None or _is_same(run, old, last.last_minor)):
        if (old.origin, old.unit) == (new.origin, new.unit):
            risen = new.total_rise - old.total_rise
    elif run is not None and (run.unit, run.detail) == (format_unit(new.spent), new.origin):
        risen = rise.last_minor - run.amount
    return Money(risen, *new.unit) if risen > 0 else None


def _is_same(run: Run, series: CreditSeries, minor: Decimal) -> bool:
    """Return True if the run has the last value of the series, in minor units."""
    return (run.unit, run.detail, run.amount) == (format_unit(series.spent), series.origin, minor)

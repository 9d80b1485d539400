"""The money: a meter's cap and thresholds, the balance and what of it expires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from claudemeter_tui.model.events import EXTRA_USAGE, POOL, Kind, Telling, Thresholds, reached
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.usage import Balance, Meter, Origin, Severity, Tranche
from claudemeter_tui.model.watch import HELD_FOR

FELL = 5.0
"""Percentage points below a threshold from which it can be passed again."""
EXPIRES_SOON = timedelta(days=3)
"""How long before its end a part of the balance is about to expire."""
LEAST_REFILL = 1
"""Whole units of the currency; a smaller rise of the balance is a correction."""
PREPAID = (Endpoint.PREPAID,)

_ENDPOINTS = {Origin.OVERAGE: Endpoint.OVERAGE, Origin.OWN: Endpoint.OWN_OVERAGE}


def endpoint_of(meter: Meter) -> Endpoint:
    """The reply in which a meter stands."""
    return _ENDPOINTS.get(meter.origin, Endpoint.USAGE)


@dataclass(frozen=True, slots=True)
class MeterWatch:
    """What is believed of one reply's account of the credits, and what was told."""

    meter: Meter
    passed: float = 0.0
    """The highest threshold that was passed; 0 for none."""
    fell: int = 0
    """Replies in a row that were clearly below it."""
    lost_cap: int = 0
    """Replies in a row that named no cap where there was one."""

    @classmethod
    def first(cls, meter: Meter, thresholds: Thresholds) -> MeterWatch:
        """A meter that is seen for the first time: what is so already is not told."""
        return cls(meter, reached(meter.percent, thresholds))

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for the next replies."""
        return not self.fell and not self.lost_cap

    def read(self, meter: Meter, thresholds: Thresholds, tell: Telling) -> MeterWatch:
        """The watch after one more reply."""
        new, lost_cap = self._completed(meter)
        old, changed = self.meter, _cap_changed(self.meter, new)
        subject, replies = EXTRA_USAGE if new.personal else POOL, (endpoint_of(new),)
        if changed:
            tell(Kind.CAP_CHANGED, subject=subject, before=old.cap, after=new.cap, replies=replies)
        percent = new.percent
        mark = reached(percent, thresholds)
        if mark > self.passed:
            percents = {"before": old.percent, "after": percent, "threshold": mark}
            severity = Severity.of(percent)
            tell(Kind.THRESHOLD, subject=subject, replies=replies, severity=severity, **percents)
        fell = self.fell + 1 if percent is not None and percent < self.passed - FELL else 0
        again = changed or fell >= HELD_FOR
        passed = mark if again else max(mark, self.passed)
        return MeterWatch(new, passed, 0 if again else fell, lost_cap)

    def _completed(self, new: Meter) -> tuple[Meter, int]:
        """The new figures with what they lack, and how often in a row the cap was missing."""
        old = self.meter
        if new.used is None:
            new = replace(new, used=old.used)
        if new.cap is not None or old.cap is None:
            return new, 0
        lost = self.lost_cap + 1
        if new.uncapped and lost >= HELD_FOR:
            return new, 0
        return replace(new, cap=old.cap, uncapped=False), lost


def _cap_changed(old: Meter, new: Meter) -> bool:
    """Whether the cap is another one, or came, or went; both must be known."""
    if old.cap == new.cap:
        return False
    return all(meter.cap is not None or meter.uncapped for meter in (old, new))


def balance_after(old: Money | None, balance: Balance | None, tell: Telling) -> Money | None:
    """The balance to remember: the new one where there is one; a rise is told."""
    new = balance.amount if balance is not None else None
    if old is None or new is None:
        return new or old
    rose = new.unit == old.unit and new.major - old.major >= LEAST_REFILL
    if rose:
        tell(Kind.BALANCE_REFILLED, before=old, after=new, replies=PREPAID)
    return new


TrancheKey = tuple[datetime, bool]
"""When a part of the balance expires, and whether it is a promotion."""


def warned_after(
    warned: frozenset[TrancheKey], balance: Balance | None, tell: Telling, *, first: bool
) -> frozenset[TrancheKey]:
    """The parts whose end was told; those that are about to expire are told, except at first sight."""
    known = {key for key in warned if key[0] > tell.now}
    for key, tranche in _expiring(balance):
        if key in known or not key[0] - EXPIRES_SOON <= tell.now < key[0]:
            continue
        known.add(key)
        if not first:
            more = {"before": tranche.remaining, "until": key[0], "severity": Severity.WARNING}
            tell(Kind.TRANCHE_EXPIRING, replies=PREPAID, **more)
    return frozenset(known)


def next_warning(balance: Balance | None, now: datetime) -> datetime | None:
    """When the next part of a balance is about to expire. None: none will be."""
    soon = [key[0] - EXPIRES_SOON for key, _ in _expiring(balance)]
    return min((moment for moment in soon if moment > now), default=None)


def _expiring(balance: Balance | None) -> Iterator[tuple[TrancheKey, Tranche]]:
    for tranche in balance.tranches if balance is not None else ():
        if tranche.expires_at is not None and tranche.remaining.minor > 0:
            yield (tranche.expires_at, tranche.promotional), tranche

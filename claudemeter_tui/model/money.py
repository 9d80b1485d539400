"""An amount of money in minor units, with its currency and exponent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import nextafter


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money, never negative."""

    minor: Decimal
    """Minor units (cents for USD), 0 or more; may hold a fraction of one, as the server meters it."""
    currency: str
    """ISO 4217 code in upper case; empty where the reply named none."""
    exponent: int = 2
    """Decimal digits of the currency, 0 to 4: 2 for USD, 0 for JPY."""

    @property
    def major(self) -> Decimal:
        """The amount in whole units of the currency, for showing only."""
        return self.minor.scaleb(-self.exponent)

    @property
    def unit(self) -> tuple[str, int]:
        """Currency and exponent: only amounts of one unit may be compared or added."""
        return self.currency, self.exponent

    def subtract(self, other: Money) -> Money | None:
        """What is left after `other` is taken away, never below zero; None across currencies."""
        if self.unit != other.unit:
            return None
        return Money(max(Decimal(0), self.minor - other.minor), self.currency, self.exponent)

    def percent_of(self, whole: Money | None) -> float | None:
        """This amount as percent of `whole`, may exceed 100; None without a whole of the same unit.

        Below 100 exactly as long as something is left.
        """
        if whole is None or self.unit != whole.unit or whole.minor <= 0:
            return None
        percent = float(100 * self.minor / whole.minor)
        return min(percent, nextafter(100, 0)) if self.minor < whole.minor else percent

"""An amount of money in minor units, with its currency and exponent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import nextafter


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money; below zero only for a balance in debt."""

    minor: Decimal
    """Minor units (cents for USD), below zero for a debt; can have a fraction, as in the server's replies."""
    currency: str
    """ISO 4217 code in upper case; empty if the reply names no currency."""
    exponent: int = 2
    """Decimal digits of the currency, 0 to 4: 2 for USD, 0 for JPY."""

    @property
    def major(self) -> Decimal:
        """The amount in whole units of the currency, for display only."""
        return self.minor.scaleb(-self.exponent)

    @property
    def unit(self) -> tuple[str, int]:
        """Currency and exponent; only amounts of the same unit can be compared or added."""
        return self.currency, self.exponent

    def add(self, other: Money) -> Money:
        """Return the sum of both amounts.

        Raises:
            ValueError: The units differ.
        """
        if self.unit != other.unit:
            raise ValueError(f"{self.unit} and {other.unit}")
        return Money(self.minor + other.minor, self.currency, self.exponent)

    def subtract(self, other: Money) -> Money | None:
        """Return this amount minus `other`, at least zero; None if the units differ."""
        if self.unit != other.unit:
            return None
        return Money(max(Decimal(0), self.minor - other.minor), self.currency, self.exponent)

    def percent_of(self, whole: Money | None) -> float | None:
        """Return this amount in percent of `whole`; may exceed 100. None without a whole of the same unit.

        The result is 100 or more only if nothing is left.
        """
        if whole is None or self.unit != whole.unit or whole.minor <= 0:
            return None
        # Division may round 99.999… up to 100, which would read as "nothing left".
        percent = float(100 * self.minor / whole.minor)
        return min(percent, nextafter(100, 0)) if self.minor < whole.minor else percent

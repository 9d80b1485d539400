"""The kinds of single values in a body: each check takes a JSON value, and refuses with ValueError.

A field annotated with one of them holds None where the key is absent, null, or refused.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import PlainValidator

from claudemeter_tui.model.money import Money
from claudemeter_tui.sources.claude_ai.lenient import or_null
from claudemeter_tui.sources.plain import plain

MOST_PERCENT = 100_000
MOST_MINOR = 10**13
"""Nothing above it is money: a hundred milliard dollars in cents."""
LEAST_MINOR = Decimal("0.000001")
"""Nothing between it and zero is money either."""
FIRST_YEAR, LAST_YEAR = 2000, 2199
MILLISECONDS_FROM = 100_000_000_000
"""An epoch number from here on counts milliseconds: as seconds it would be the year 5138."""

ZERO_DECIMAL = frozenset(
    ("JPY", "KRW", "VND", "CLP", "PYG", "UGX", "XAF", "XOF", "XPF", "RWF", "KMF", "GNF", "DJF", "BIF", "VUV")
)
THREE_DECIMAL = frozenset(("BHD", "KWD", "OMR", "JOD", "TND", "IQD", "LYD"))
"""Currencies by their ISO 4217 exponent; all others have 2."""

_IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LAST4 = re.compile(r"[0-9]{1,4}")


def number(value: object, most: int) -> int | float | Decimal:
    """A number from 0 to `most`; a truth value, a string, NaN and the infinities are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("no number")  # noqa: TRY004 - pydantic wants it so
    if not 0 <= value <= most:
        raise ValueError("out of range")
    return value


def percent(value: object) -> float:
    """A percentage from 0 to 100,000."""
    return float(number(value, MOST_PERCENT)) + 0.0  # adding it makes zero of a negative zero


def share(value: object) -> float:
    """A percentage of a whole, 0 to 100."""
    return float(number(value, 100)) + 0.0


def count(value: object) -> int:
    """A whole number from 0 to 10,000."""
    return _whole(value, 10_000)


def exponent(value: object) -> int:
    """The decimal digits of a currency, 0 to 4."""
    return _whole(value, 4)


def minor(value: object) -> Decimal:
    """Minor units, exactly as the reply writes them."""
    amount = abs(Decimal(str(number(value, MOST_MINOR))))
    if 0 < amount < LEAST_MINOR:
        raise ValueError("out of range")
    return amount


def purchased(value: object) -> Decimal | None:
    """Minor units of a balance; None for -1, with which the server says that nothing was ever bought."""
    return None if value == -1 and not isinstance(value, bool) else minor(value)


def dollars(value: object) -> Money:
    """Whole dollars."""
    amount = minor(value)
    if amount > MOST_MINOR // 100:
        raise ValueError("out of range")
    return Money(amount * 100, "USD", 2)


def flag(value: object) -> bool:
    """True or false, nothing else."""
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")  # noqa: TRY004 - pydantic wants it so
    return value


def text(value: object) -> str | None:
    """A string made harmless; None where nothing is left of it."""
    if not isinstance(value, str):
        raise ValueError("no string")  # noqa: TRY004 - pydantic wants it so
    return plain(value) or None


def texts(value: object) -> frozenset[str]:
    """A list of strings, the order of which means nothing."""
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004 - pydantic wants it so
    return frozenset(found for item in value if (found := text(item)))


def currency(value: object) -> str:
    """An ISO 4217 code in upper case."""
    return _matching(_CURRENCY, (text(value) or "").upper())


def identifier(value: object) -> str:
    """A uuid, or what can stand in its place in a URL."""
    return _matching(_IDENTIFIER, value)


def last4(value: object) -> str:
    """The last digits of a card."""
    return _matching(_LAST4, value)


def moment(value: object) -> datetime:
    """A time in UTC, from ISO 8601 or from an epoch number; without a zone it is UTC."""
    if isinstance(value, str):
        return _in_range(datetime.fromisoformat(value.strip().upper()))
    stamp = float(number(value, MOST_MINOR))
    seconds = stamp / 1000 if stamp >= MILLISECONDS_FROM else stamp
    return _in_range(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def minute(value: object) -> datetime:
    """A time to the nearest minute: the server's resets jitter by a second around it."""
    return (moment(value) + timedelta(seconds=30)).replace(second=0, microsecond=0)


def day(value: object) -> date:
    """A date, or the date in UTC of a time."""
    return moment(value).date()


def exponent_of(code: str) -> int:
    """The decimal digits of a currency; 2 where it is not known."""
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def money(amount: Decimal | None, code: str | None, digits: int | None) -> Money | None:
    """The amount with its unit; None without an amount, and the currency empty where none is known."""
    if amount is None:
        return None
    unit = code or ""
    return Money(amount, unit, exponent_of(unit) if digits is None else digits)


def _whole(value: object, most: int) -> int:
    found = number(value, most)
    if found != int(found):
        raise ValueError("no whole number")
    return int(found)


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("of another form")
    return value


def _in_range(found: datetime) -> datetime:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError("out of range")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


Percent = Annotated[float | None, PlainValidator(or_null(percent))]
SharePercent = Annotated[float | None, PlainValidator(or_null(share))]
Count = Annotated[int | None, PlainValidator(or_null(count))]
Exponent = Annotated[int | None, PlainValidator(or_null(exponent))]
Minor = Annotated[Decimal | None, PlainValidator(or_null(minor))]
Purchased = Annotated[Decimal | None, PlainValidator(or_null(purchased))]
Dollars = Annotated[Money | None, PlainValidator(or_null(dollars))]
Flag = Annotated[bool | None, PlainValidator(or_null(flag))]
Text = Annotated[str | None, PlainValidator(or_null(text))]
Texts = Annotated[frozenset[str] | None, PlainValidator(or_null(texts))]
Currency = Annotated[str | None, PlainValidator(or_null(currency))]
Identifier = Annotated[str | None, PlainValidator(or_null(identifier))]
Last4 = Annotated[str | None, PlainValidator(or_null(last4))]
Moment = Annotated[datetime | None, PlainValidator(or_null(moment))]
Minute = Annotated[datetime | None, PlainValidator(or_null(minute))]
Day = Annotated[date | None, PlainValidator(or_null(day))]

"""Read JSON objects so that a bad key costs itself and nothing else.

A `ReplyModel` lists the known keys of one JSON object; `ParseReport.read` fits an object into it. A key of
the wrong type or out of range is dropped and noted; an unknown key is noted too. Nothing here raises because
of what a body holds, except `MalformedError` for a body that is no object or no list at all.

Each check takes a JSON value and refuses it with ValueError. A field annotated with one of the types below
holds None if the key is absent, null or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError

from claudemeter_tui.model.catalogue import REPLY_KEYS
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.sanitize import sanitize_text

MAX_NOTES = 50
"""Paths kept of each kind: more than that help nobody."""
MAX_ITEMS = 500
"""Elements read of one list: no account has more orgs, no org more limits."""
MAX_PATH_LENGTH = 80
"""Characters kept of one path."""

T = TypeVar("T")


class MalformedError(ValueError):
    """The body as a whole has the wrong shape. Its text says which, and quotes nothing."""


class ParsedBody(NamedTuple, Generic[T]):
    """What a body means, and what in it was not understood."""

    value: T
    new_fields: tuple[str, ...] = ()
    """Dotted paths of keys, or of a key and its value, that are not known: `limits[2].kind = monthly_all`."""
    odd_values: tuple[str, ...] = ()
    """Dotted paths of figures of the wrong type or out of range: `extra_usage.monthly_limit`."""


class ReplyModel(BaseModel):
    """The figures of one JSON object. Every field may be absent or null."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reply_object: ClassVar[str]
    """Its name in the catalogue, which has every known key of it; those without a field are ignored."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Reject a model with a field that the catalogue does not know.

        Raises:
            TypeError: its keys there and its fields do not match.
        """
        super().__pydantic_init_subclass__(**kwargs)
        unknown = cls.model_fields.keys() - REPLY_KEYS[cls.reply_object]
        if unknown:
            raise TypeError(
                f"{cls.__name__} reads {', '.join(sorted(unknown))}, which model.catalogue does not list"
                f' under "{cls.reply_object}"'
            )

    @classmethod
    def is_known_key(cls, key: str) -> bool:
        """Return True if the catalogue knows the key."""
        return key in REPLY_KEYS[cls.reply_object]

    def is_null(self, key: str) -> bool:
        """Whether the key came, and came as null: something else than a key that is absent or wrong."""
        return key in self.model_fields_set and getattr(self, key) is None


S = TypeVar("S", bound=ReplyModel)


class ParseReport:
    """What is met in one body and not understood."""

    def __init__(self) -> None:
        self._new_fields: dict[str, None] = {}
        self._odd_values: dict[str, None] = {}

    def add_new_field(self, path: str, value: str = "") -> None:
        """A key that is not known, or a value of a known key that is not."""
        _add_note(self._new_fields, f"{path} = {value}" if value else path)

    def add_odd_value(self, path: str) -> None:
        """A figure that is left out."""
        _add_note(self._odd_values, path)

    def check_known(self, path: str, value: str | None, known: Container[str]) -> None:
        """Note a value that is not among the known ones; None is no value."""
        if value is not None and value not in known:
            self.add_new_field(path, value)

    def build_parsed_body(self, value: T) -> ParsedBody[T]:
        """The value with the notes."""
        return ParsedBody(value, tuple(self._new_fields), tuple(self._odd_values))

    def parse_object(self, shape: type[S], raw: object, path: str = "") -> S | None:
        """The object fitted into its shape; None where it is null, or no object at all."""
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self.add_odd_value(path)
            return None
        for key in islice((key for key in raw if not shape.is_known_key(key)), MAX_NOTES):
            self.add_new_field(join_path(path, key))
        return self._validate(shape, raw, path)

    def iter_items(self, raw: object, path: str) -> Iterator[tuple[str, object]]:
        """Each element of a list with its path; nothing where it is null, or no list at all."""
        elements = raw if isinstance(raw, list) else []
        if len(elements) > MAX_ITEMS or (raw is not None and raw is not elements):
            self.add_odd_value(path)
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(elements[:MAX_ITEMS]))

    def parse_each(self, shape: type[S], raw: object, path: str) -> Iterator[tuple[str, S]]:
        """Each object of a list, fitted into its shape, with its path; others are left out."""
        for place, item in self.iter_items(raw, path):
            found = self.parse_object(shape, item, place)
            if found is not None:
                yield place, found
            elif item is None:
                self.add_odd_value(place)

    def _validate(self, shape: type[S], raw: dict[str, Any], path: str) -> S:
        try:
            return shape.model_validate(raw)
        except ValidationError as error:
            wrong = {str(fault["loc"][0]) for fault in error.errors(include_url=False, include_input=False)}
        for key in shape.model_fields:
            if key in wrong:
                self.add_odd_value(join_path(path, key))
        return shape.model_validate({key: value for key, value in raw.items() if key not in wrong})


def join_path(path: str, key: str) -> str:
    """The path of a key inside the object at `path`."""
    name = sanitize_text(key) or ascii(key)
    return f"{path}.{name}" if path else name


def require_object(body: object) -> dict[str, Any]:
    """The body, which has to be a JSON object.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(body, dict):
        raise MalformedError(f"an object was expected, {_describe_type(body)} came")
    return body


def require_list(body: object) -> list[Any]:
    """The body, which has to be a JSON list.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(body, list):
        raise MalformedError(f"a list was expected, {_describe_type(body)} came")
    return body


def allow_null(check: Callable[[object], T]) -> Callable[[object], T | None]:
    """The check, made to let null through."""
    return lambda value: None if value is None else check(value)


def _add_note(notes: dict[str, None], path: str) -> None:
    if len(notes) < MAX_NOTES:
        notes[_shorten_path(sanitize_text(path))] = None


def _shorten_path(path: str) -> str:
    return path if len(path) <= MAX_PATH_LENGTH else f"{path[: MAX_PATH_LENGTH - 1]}…"


def _describe_type(body: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    return "null" if body is None else names.get(type(body), "a number")


MAX_PERCENT = 100_000
MAX_MINOR = 10**13
"""Nothing above it is money: a hundred milliard dollars in cents."""
MIN_MINOR = Decimal("0.000001")
"""Nothing between it and zero is money either."""
FIRST_YEAR, LAST_YEAR = 2000, 2199
MILLISECONDS_FROM = 100_000_000_000
"""An epoch number from here on counts milliseconds: as seconds it would be the year 5138."""

ZERO_DECIMAL_CURRENCIES = frozenset(
    ("JPY", "KRW", "VND", "CLP", "PYG", "UGX", "XAF", "XOF", "XPF", "RWF", "KMF", "GNF", "DJF", "BIF", "VUV")
)
THREE_DECIMAL_CURRENCIES = frozenset(("BHD", "KWD", "OMR", "JOD", "TND", "IQD", "LYD"))
"""Currencies by their ISO 4217 exponent; all others have 2."""

_IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LAST4 = re.compile(r"[0-9]{1,4}")


def parse_number(value: object, most: int) -> int | float | Decimal:
    """A number from 0 to `most`; a truth value, a string, NaN and the infinities are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("no number")  # noqa: TRY004 - pydantic wants it so
    if not 0 <= value <= most:
        raise ValueError("out of range")
    return value


def parse_percent(value: object) -> float:
    """A percentage from 0 to 100,000."""
    return float(parse_number(value, MAX_PERCENT)) + 0.0  # adding it makes zero of a negative zero


def parse_share(value: object) -> float:
    """A percentage of a whole, 0 to 100."""
    return float(parse_number(value, 100)) + 0.0


def parse_count(value: object) -> int:
    """A whole number from 0 to 10,000."""
    return _parse_whole_number(value, 10_000)


def parse_exponent(value: object) -> int:
    """The decimal digits of a currency, 0 to 4."""
    return _parse_whole_number(value, 4)


def parse_minor(value: object) -> Decimal:
    """Minor units, exactly as the reply writes them."""
    amount = abs(Decimal(str(parse_number(value, MAX_MINOR))))
    if 0 < amount < MIN_MINOR:
        raise ValueError("out of range")
    return amount


def parse_purchased(value: object) -> Decimal | None:
    """Minor units of a balance; None for -1, with which the server says that nothing was ever bought."""
    return None if value == -1 and not isinstance(value, bool) else parse_minor(value)


def parse_dollars(value: object) -> Money:
    """Whole dollars."""
    amount = parse_minor(value)
    if amount > MAX_MINOR // 100:
        raise ValueError("out of range")
    return Money(amount * 100, "USD", 2)


def parse_flag(value: object) -> bool:
    """True or false, nothing else."""
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")  # noqa: TRY004 - pydantic wants it so
    return value


def parse_text(value: object) -> str | None:
    """A string made harmless; None where nothing is left of it."""
    if not isinstance(value, str):
        raise ValueError("no string")  # noqa: TRY004 - pydantic wants it so
    return sanitize_text(value) or None


def parse_texts(value: object) -> frozenset[str]:
    """A list of strings, the order of which means nothing."""
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004 - pydantic wants it so
    return frozenset(found for item in value if (found := parse_text(item)))


def parse_currency(value: object) -> str:
    """An ISO 4217 code in upper case."""
    return _match_pattern(_CURRENCY, (parse_text(value) or "").upper())


def parse_identifier(value: object) -> str:
    """A uuid, or what can stand in its place in a URL."""
    return _match_pattern(_IDENTIFIER, value)


def parse_last4(value: object) -> str:
    """The last digits of a card."""
    return _match_pattern(_LAST4, value)


def parse_moment(value: object) -> datetime:
    """A time in UTC, from ISO 8601 or from an epoch number; without a zone it is UTC."""
    if isinstance(value, str):
        return _check_year(datetime.fromisoformat(value.strip().upper()))
    stamp = float(parse_number(value, MAX_MINOR))
    seconds = stamp / 1000 if stamp >= MILLISECONDS_FROM else stamp
    return _check_year(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def parse_minute(value: object) -> datetime:
    """A time to the nearest minute: the server's resets jitter by a second around it."""
    return (parse_moment(value) + timedelta(seconds=30)).replace(second=0, microsecond=0)


def parse_day(value: object) -> date:
    """A date, or the date in UTC of a time."""
    return parse_moment(value).date()


def find_exponent(code: str) -> int:
    """The decimal digits of a currency; 2 where it is not known."""
    return 0 if code in ZERO_DECIMAL_CURRENCIES else 3 if code in THREE_DECIMAL_CURRENCIES else 2


def build_money(amount: Decimal | None, code: str | None, digits: int | None) -> Money | None:
    """The amount with its unit; None without an amount, and the currency empty where none is known."""
    if amount is None:
        return None
    unit = code or ""
    return Money(amount, unit, find_exponent(unit) if digits is None else digits)


def _parse_whole_number(value: object, most: int) -> int:
    found = parse_number(value, most)
    if found != int(found):
        raise ValueError("no whole number")
    return int(found)


def _match_pattern(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("of another form")
    return value


def _check_year(found: datetime) -> datetime:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError("out of range")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


Percent = Annotated[float | None, PlainValidator(allow_null(parse_percent))]
SharePercent = Annotated[float | None, PlainValidator(allow_null(parse_share))]
Count = Annotated[int | None, PlainValidator(allow_null(parse_count))]
Exponent = Annotated[int | None, PlainValidator(allow_null(parse_exponent))]
Minor = Annotated[Decimal | None, PlainValidator(allow_null(parse_minor))]
PurchasedMinor = Annotated[Decimal | None, PlainValidator(allow_null(parse_purchased))]
Dollars = Annotated[Money | None, PlainValidator(allow_null(parse_dollars))]
Flag = Annotated[bool | None, PlainValidator(allow_null(parse_flag))]
Text = Annotated[str | None, PlainValidator(allow_null(parse_text))]
TextSet = Annotated[frozenset[str] | None, PlainValidator(allow_null(parse_texts))]
Currency = Annotated[str | None, PlainValidator(allow_null(parse_currency))]
Identifier = Annotated[str | None, PlainValidator(allow_null(parse_identifier))]
Last4 = Annotated[str | None, PlainValidator(allow_null(parse_last4))]
Timestamp = Annotated[datetime | None, PlainValidator(allow_null(parse_moment))]
MinuteTimestamp = Annotated[datetime | None, PlainValidator(allow_null(parse_minute))]
Day = Annotated[date | None, PlainValidator(allow_null(parse_day))]

"""Read JSON objects so that a bad key costs itself and nothing else.

A `ReplyModel` lists the figures of one JSON object. A field for an object with known keys has the model of
that object as its type. `Lenient` drops a value of the wrong type or out of range and notes its path; an
unknown key of any object is noted too. The notes are in a `ParseReport`, which is pydantic's context. Nothing
here raises because of the content of a body, except `MalformedError` for a body that is no object or no list
at all.

A check takes a JSON value and refuses it with ValueError. A lenient field holds None if the key is absent,
null or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from claudemeter_tui.model.catalogue import REPLY_KEYS
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.sanitize import sanitize_text

MAX_NOTES = 50
"""Paths kept of each kind; a longer list is of no use."""
MAX_ITEMS = 500
"""Elements read of one list: no account has more orgs, no org more limits."""
MAX_PATH_LENGTH = 80
"""Characters kept of one path."""

T = TypeVar("T")


class MalformedError(ValueError):
    """The body as a whole has the wrong shape. The message names the shape and quotes nothing."""


class ParsedBody(NamedTuple, Generic[T]):
    """The value of a body, and the paths in it that were not understood."""

    value: T
    new_fields: tuple[str, ...] = ()
    """Dotted paths of unknown keys, or of a key and its unknown value: `limits[2].kind = monthly_all`."""
    odd_values: tuple[str, ...] = ()
    """Dotted paths of figures of the wrong type or out of range: `extra_usage.monthly_limit`."""


class ReplyModel(BaseModel):
    """The figures of one JSON object. Every field may be absent or null."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reply_object: ClassVar[str]
    """Name of the object in the catalogue, which lists its known keys; those without a field are ignored."""

    _sent: dict[str, object] = PrivateAttr(default_factory=dict)

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

    @model_validator(mode="wrap")
    @classmethod
    def read_object(cls, sent: object, read: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Note the unknown keys, then read the fields in their order.

        Raises:
            ValueError: the value is no object.
        """
        if not isinstance(sent, dict):
            raise ValueError("no object")  # noqa: TRY004 - pydantic expects this type
        report = get_report(info)
        for key in islice((key for key in sent if key not in REPLY_KEYS[cls.reply_object]), MAX_NOTES):
            report.add_new_field(join_path(report.path, key))
        found = read(sent)
        found._sent = sent  # noqa: SLF001 - an attribute of this class
        return found

    def get_sent(self, key: str) -> object:
        """Return the value of a key as the server sent it. None if the key is absent or null."""
        return self._sent.get(key)

    @property
    def has_values(self) -> bool:
        """True if any key of the object is not null, also an unknown one."""
        return any(value is not None for value in self._sent.values())

    def is_null(self, key: str) -> bool:
        """Return True if the key was sent as null: not absent, and not a wrong value."""
        return key in self._sent and self._sent[key] is None


S = TypeVar("S", bound=ReplyModel)


class ParseReport:
    """The parts of one body that were not understood."""

    def __init__(self) -> None:
        """Start with an empty report."""
        self.path = ""
        """Path of the value that is being read."""
        self._new_fields: dict[str, None] = {}
        self._odd_values: dict[str, None] = {}

    def add_new_field(self, path: str, value: str = "") -> None:
        """Note an unknown key, or an unknown value of a known key."""
        _add_note(self._new_fields, f"{path} = {value}" if value else path)

    def add_odd_value(self, path: str) -> None:
        """Note a figure that is dropped."""
        _add_note(self._odd_values, path)

    def check_known(self, path: str, value: str | None, known: Container[str]) -> None:
        """Note a value that is not among the known ones. None is no value."""
        if value is not None and value not in known:
            self.add_new_field(path, value)

    def build_parsed_body(self, value: T) -> ParsedBody[T]:
        """Return the value with the notes."""
        return ParsedBody(value, tuple(self._new_fields), tuple(self._odd_values))

    def read_leniently(self, path: str, value: object, read: Callable[[object], T]) -> T | None:
        """Return the value at `path` as `read` gives it. None if that refuses it, after a note."""
        outer, self.path = self.path, path
        try:
            return read(value)
        except ValueError:
            self.add_odd_value(path)
            return None
        finally:
            self.path = outer

    def parse_object(self, shape: type[S], raw: object, path: str) -> S | None:
        """Return the object as its model. None if it is null or no object."""
        read = partial(shape.model_validate, context=self)
        return None if raw is None else self.read_leniently(path, raw, read)

    def parse_body(self, shape: type[S], body: object) -> S:
        """Return the whole body as its model.

        Raises:
            MalformedError: the body is no object.
        """
        return shape.model_validate(require_object(body), context=self)

    def read_each(self, raw: object, path: str, read: Callable[[object], T]) -> Iterator[tuple[str, T]]:
        """Yield each element of a list that `read` accepts, with its path; none if the list is null."""
        elements = raw if isinstance(raw, list) else []
        if len(elements) > MAX_ITEMS or (raw is not None and raw is not elements):
            self.add_odd_value(path)
        for index, item in enumerate(elements[:MAX_ITEMS]):
            place = f"{path}[{index}]"
            found = self.read_leniently(place, item, read)
            if found is not None:
                yield place, found

    def parse_each(self, shape: type[S], raw: object, path: str) -> Iterator[tuple[str, S]]:
        """Yield each object of a list as its model, with its path; drop other elements."""
        return self.read_each(raw, path, partial(shape.model_validate, context=self))


def get_report(info: ValidationInfo) -> ParseReport:
    """Return the report of the body that is read; a model without a body has an empty one of its own."""
    return info.context or ParseReport()


def join_path(path: str, key: str) -> str:
    """Return the path of a key inside the object at `path`."""
    name = sanitize_text(key) or ascii(key)
    return f"{path}.{name}" if path else name


def require_object(body: object) -> dict[str, object]:
    """Return the body, which has to be a JSON object.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(body, dict):
        raise MalformedError(f"an object was expected, {_describe_type(body)} came")
    return body


def require_list(body: object) -> list[object]:
    """Return the body, which has to be a JSON list.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(body, list):
        raise MalformedError(f"a list was expected, {_describe_type(body)} came")
    return body


def _add_note(notes: dict[str, None], path: str) -> None:
    if len(notes) < MAX_NOTES:
        notes[_shorten_path(sanitize_text(path))] = None


def _shorten_path(path: str) -> str:
    return path if len(path) <= MAX_PATH_LENGTH else f"{path[: MAX_PATH_LENGTH - 1]}…"


def _describe_type(body: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    return "null" if body is None else names.get(type(body), "a number")


def _read_field(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    report = get_report(info)
    place = join_path(report.path, info.field_name or "")
    return None if value is None else report.read_leniently(place, value, read)


def _read_elements(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004 - pydantic expects this type
    report = get_report(info)
    # The handler reads a list as a whole; a list of one element lets each element fail by itself.
    return [item for _, item in report.read_each(value, report.path, lambda item: read([item])[0])]


Lenient = Annotated[T | None, WrapValidator(_read_field)]
"""A field whose wrong value is noted and dropped. None if absent, null or wrong."""
Each = Annotated[list[T], WrapValidator(_read_elements)]
"""A list whose wrong elements are noted and dropped."""


def note_unknown(known: Container[str]) -> AfterValidator:
    """Return a validator of a text field that notes a value not among the known ones, and keeps it."""

    def check(value: str | None, info: ValidationInfo) -> str | None:
        report = get_report(info)
        report.check_known(join_path(report.path, info.field_name or ""), value, known)
        return value

    return AfterValidator(check)


MAX_PERCENT = 100_000
MAX_MINOR = 10**13
"""Highest amount in minor units: a hundred billion dollars in cents."""
MIN_MINOR = Decimal("0.000001")
"""Lowest amount in minor units above zero."""
NEVER_BOUGHT = Decimal(-1)
"""Balance that the server sends if nothing was ever bought."""
FIRST_YEAR, LAST_YEAR = 2000, 2199
MILLISECONDS_FROM = 100_000_000_000
"""An epoch number from here on counts milliseconds: as seconds it would be in the year 5138."""

ZERO_DECIMAL_CURRENCIES = frozenset(
    ("JPY", "KRW", "VND", "CLP", "PYG", "UGX", "XAF", "XOF", "XPF", "RWF", "KMF", "GNF", "DJF", "BIF", "VUV")
)
THREE_DECIMAL_CURRENCIES = frozenset(("BHD", "KWD", "OMR", "JOD", "TND", "IQD", "LYD"))
"""Currencies by their ISO 4217 exponent; all others have 2."""

_IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LAST4 = re.compile(r"[0-9]{1,4}")


def parse_number(value: object, most: int) -> int | float | Decimal:
    """Return a number from 0 to `most`; a truth value, a string, NaN and the infinities are refused."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("no number")  # noqa: TRY004 - pydantic expects this type
    if not 0 <= value <= most:
        raise ValueError("out of range")
    return value


def parse_percent(value: object) -> float:
    """Return a percentage from 0 to 100,000."""
    return float(parse_number(value, MAX_PERCENT)) + 0.0  # turns a negative zero into zero


def parse_share(value: object) -> float:
    """Return a percentage of a whole, 0 to 100."""
    return float(parse_number(value, 100)) + 0.0


def parse_count(value: object) -> int:
    """Return a whole number from 0 to 10,000."""
    return _parse_whole_number(value, 10_000)


def parse_exponent(value: object) -> int:
    """Return the decimal digits of a currency, 0 to 4."""
    return _parse_whole_number(value, 4)


def parse_minor(value: object) -> Decimal:
    """Return minor units, exactly as the reply writes them."""
    amount = abs(Decimal(str(parse_number(value, MAX_MINOR))))
    if 0 < amount < MIN_MINOR:
        raise ValueError("out of range")
    return amount


def parse_purchased(value: object) -> Decimal:
    """Return minor units of a balance, or NEVER_BOUGHT."""
    return NEVER_BOUGHT if value == -1 else parse_minor(value)


def parse_dollars(value: object) -> Money:
    """Return an amount that the reply writes in dollars."""
    amount = parse_minor(value)
    if amount > MAX_MINOR // 100:
        raise ValueError("out of range")
    return Money(amount * 100, "USD", 2)


def parse_flag(value: object) -> bool:
    """Return True or False; every other value is refused."""
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")  # noqa: TRY004 - pydantic expects this type
    return value


def parse_text(value: object) -> str | None:
    """Return a string without control characters. None if nothing is left of it."""
    if not isinstance(value, str):
        raise ValueError("no string")  # noqa: TRY004 - pydantic expects this type
    return sanitize_text(value) or None


def parse_texts(value: object) -> frozenset[str]:
    """Return the strings of a list without their order."""
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004 - pydantic expects this type
    return frozenset(found for item in value if (found := parse_text(item)))


def parse_currency(value: object) -> str:
    """Return an ISO 4217 code in upper case."""
    return _match_pattern(_CURRENCY, (parse_text(value) or "").upper())


def parse_identifier(value: object) -> str:
    """Return a uuid, or another identifier that is safe in a URL."""
    return _match_pattern(_IDENTIFIER, value)


def parse_last4(value: object) -> str:
    """Return the last digits of a card."""
    return _match_pattern(_LAST4, value)


def parse_moment(value: object) -> datetime:
    """Return a time in UTC, from ISO 8601 or from an epoch number; a time without a zone is in UTC."""
    if isinstance(value, str):
        return _check_year(datetime.fromisoformat(value.strip().upper()))
    stamp = float(parse_number(value, MAX_MINOR))
    seconds = stamp / 1000 if stamp >= MILLISECONDS_FROM else stamp
    return _check_year(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def parse_minute(value: object) -> datetime:
    """Return a time to the nearest minute: the server's resets jitter by a second around it."""
    return (parse_moment(value) + timedelta(seconds=30)).replace(second=0, microsecond=0)


def parse_day(value: object) -> date:
    """Return a date, or the date in UTC of a time."""
    return parse_moment(value).date()


def find_exponent(code: str) -> int:
    """Return the decimal digits of a currency; 2 if it is not known."""
    return 0 if code in ZERO_DECIMAL_CURRENCIES else 3 if code in THREE_DECIMAL_CURRENCIES else 2


def build_money(amount: Decimal | None, code: str | None, digits: int | None) -> Money | None:
    """Return the amount with its unit. None if there is no amount; the currency is empty if not known."""
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


Percent = Lenient[Annotated[float, PlainValidator(parse_percent)]]
SharePercent = Lenient[Annotated[float, PlainValidator(parse_share)]]
Count = Lenient[Annotated[int, PlainValidator(parse_count)]]
Exponent = Lenient[Annotated[int, PlainValidator(parse_exponent)]]
Minor = Lenient[Annotated[Decimal, PlainValidator(parse_minor)]]
PurchasedMinor = Lenient[Annotated[Decimal, PlainValidator(parse_purchased)]]
Dollars = Lenient[Annotated[Money, PlainValidator(parse_dollars)]]
Flag = Lenient[Annotated[bool, PlainValidator(parse_flag)]]
Text = Lenient[Annotated[str | None, PlainValidator(parse_text)]]
TextSet = Lenient[Annotated[frozenset[str], PlainValidator(parse_texts)]]
Currency = Lenient[Annotated[str, PlainValidator(parse_currency)]]
Identifier = Lenient[Annotated[str, PlainValidator(parse_identifier)]]
Last4 = Lenient[Annotated[str, PlainValidator(parse_last4)]]
Timestamp = Lenient[Annotated[datetime, PlainValidator(parse_moment)]]
MinuteTimestamp = Lenient[Annotated[datetime, PlainValidator(parse_minute)]]
Day = Lenient[Annotated[date, PlainValidator(parse_day)]]

"""Read JSON objects so that a bad value is dropped and all others are kept.

A `ReplyModel` lists the figures of one JSON object. A field for an object with known keys has the model of
that object as its type. `Lenient` drops a value of the wrong type or out of range and notes its path; an
unknown key of any object is noted too. The notes are in a `ParseReport`, which is pydantic's context. Nothing
here raises because of the content of a body, except `MalformedError` for a body that is neither an object nor
a list.

A check takes a JSON value and rejects it with ValueError, the base of pydantic's own error. A lenient field
holds None if the key is absent, null or rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, Self, TypeGuard, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    Strict,
    StrictBool,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler  # pydantic 2.10 has it only here

from claudemeter_tui.model.catalogue import NULL_ONLY_KEYS, REPLY_KEYS
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.sanitize import sanitize_text

MAX_NOTES = 50
"""Maximum number of paths of each kind; a longer list would not help."""
MAX_ITEMS = 500
"""Maximum number of elements read from one list; no account has more orgs, no org more limits."""
MAX_PATH_LENGTH = 80
"""Maximum length of one path."""

T = TypeVar("T")


class MalformedError(ValueError):
    """Raised if the body as a whole has the wrong type. The message quotes nothing from it."""


class ParsedBody(NamedTuple, Generic[T]):
    """The value of a body, and the paths in it that were not understood."""

    value: T
    new_fields: tuple[str, ...] = ()
    """Dotted paths of unknown keys, or of a key and its unknown value: `limits[2].kind = monthly_all`."""
    odd_values: tuple[str, ...] = ()
    """Dotted paths of figures of the wrong type or out of range: `extra_usage.monthly_limit`."""


class ReplyModel(BaseModel):
    """The figures of one JSON object. Every field may be absent or null.

    `class GiftModel(ReplyModel, reply_object="gift")` names the object in the catalogue, which lists its
    known keys; those without a field are ignored.
    """

    # Only the models of whole bodies are built, when the first one arrives; they contain all others.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    _reply_object: ClassVar[str]
    _sent: dict[str, object] = PrivateAttr(default_factory=dict)
    _path: str = PrivateAttr(default="")

    def __init_subclass__(cls, reply_object: str = "", **kwargs: Any) -> None:
        """Keep the name of the object; a model can inherit it from another one."""
        super().__init_subclass__(**kwargs)
        if reply_object:
            cls._reply_object = reply_object

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Reject a model with a field that the catalogue does not know.

        Raises:
            TypeError: its keys there and its fields do not match.
        """
        super().__pydantic_init_subclass__(**kwargs)
        unknown = cls.model_fields.keys() - REPLY_KEYS[cls._reply_object]
        if unknown:
            raise TypeError(
                f"{cls.__name__} reads {', '.join(sorted(unknown))}, which model.catalogue does not list"
                f' under "{cls._reply_object}"'
            )

    @model_validator(mode="wrap")
    @classmethod
    def read_object(cls, sent: object, read: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Note unknown keys, and values of keys that were always null before; then read the fields.

        Raises:
            ValueError: the value is not an object.
        """
        if not isinstance(sent, dict):
            raise ValueError("no object")  # noqa: TRY004 - pydantic expects this type
        report = get_report(info)
        known, null_only = REPLY_KEYS[cls._reply_object], NULL_ONLY_KEYS.get(cls._reply_object, ())
        new = (
            key for key, value in sent.items() if key not in known or (value is not None and key in null_only)
        )
        for key in islice(new, MAX_NOTES):
            report.add_new_field(join_path(report.path, key))
        found = read(sent)
        found._sent, found._path = sent, report.path  # noqa: SLF001 - attributes of this class
        return found

    @classmethod
    def build_empty(cls) -> Self:
        """Return an object without figures, in place of one that was not sent."""
        return cls.model_construct()

    @property
    def path(self) -> str:
        """Path of the object in its body; empty for the body itself."""
        return self._path

    @property
    def sent(self) -> Mapping[str, object]:
        """The object as the server sent it, with its unknown keys."""
        return self._sent

    def find_unreadable(self, *keys: str) -> tuple[str, ...]:
        """Return the keys that were sent with a value of the wrong type or out of range."""
        return tuple(key for key in keys if self._sent.get(key) is not None and getattr(self, key) is None)

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
        """Note a value that is not among the known ones. None is ignored."""
        if value is not None and value not in known:
            self.add_new_field(path, value)

    def build_parsed_body(self, value: T) -> ParsedBody[T]:
        """Return the value with the notes."""
        return ParsedBody(value, tuple(self._new_fields), tuple(self._odd_values))

    def read_leniently(self, path: str, value: object, read: Callable[[object], T]) -> T | None:
        """Return the value at `path`, converted by `read`. If `read` rejects it, note the path; then None."""
        outer, self.path = self.path, path
        try:
            return read(value)
        except ValueError:
            self.add_odd_value(path)
            return None
        finally:
            self.path = outer

    def parse_object(self, shape: type[S], raw: object, path: str) -> S | None:
        """Return the object as its model. None if it is null or not an object."""
        read = partial(shape.model_validate, context=self)
        return None if raw is None else self.read_leniently(path, raw, read)

    def parse_body(self, shape: type[S], body: object) -> S:
        """Return the whole body as its model.

        Raises:
            MalformedError: the body is not an object.
        """
        return shape.model_validate(require_object(body), context=self)


def get_report(info: ValidationInfo) -> ParseReport:
    """Return the report of the current body; a new empty one outside of a body."""
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
        raise MalformedError("an object was expected")
    return body


def _add_note(notes: dict[str, None], path: str) -> None:
    if len(notes) < MAX_NOTES:
        text = sanitize_text(path)
        notes[text if len(text) <= MAX_PATH_LENGTH else f"{text[: MAX_PATH_LENGTH - 1]}…"] = None


def _read_field(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    report = get_report(info)
    place = join_path(report.path, info.field_name or "")
    return None if value is None else report.read_leniently(place, value, read)


def _read_code_name(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    report = get_report(info)
    place = join_path(report.path, info.field_name or "")
    if value is None or isinstance(value, dict):
        return None if value is None else report.read_leniently(place, value, read)
    report.add_new_field(place)
    return None


def _read_elements(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004 - pydantic expects this type
    report = get_report(info)
    if len(value) > MAX_ITEMS:
        report.add_odd_value(report.path)
    # The handler accepts or rejects a whole list, so each element is passed as a list of its own.
    found = (
        report.read_leniently(f"{report.path}[{index}]", [item], read)
        for index, item in enumerate(value[:MAX_ITEMS])
    )
    return [element for one in found if one is not None for element in one]


Lenient = Annotated[T | None, WrapValidator(_read_field)]
"""A field whose wrong value is noted and dropped. None if absent, null or wrong."""
CodeNamed = Annotated[T | None, WrapValidator(_read_code_name)]
"""An object under a code name; any other value is a new field. None if absent, null or another value."""
Each = Annotated[list[T], WrapValidator(_read_elements)]
"""A list whose wrong elements are noted and dropped."""


def note_unknown(known: Container[str]) -> AfterValidator:
    """Return a validator of a text field that notes an unknown value and keeps it."""

    def check(value: str | None, info: ValidationInfo) -> str | None:
        report = get_report(info)
        report.check_known(join_path(report.path, info.field_name or ""), value, known)
        return value

    return AfterValidator(check)


MAX_PERCENT = 100_000
MAX_MINOR = 10**13
"""Maximum amount in minor units: a hundred billion dollars in cents."""
MIN_MINOR = Decimal("0.000001")
"""Minimum amount in minor units above zero."""
NEVER_BOUGHT = Decimal(-1)
"""Balance that the server sends if nothing was ever bought."""
FIRST_YEAR, LAST_YEAR = 2000, 2199
MILLISECONDS_FROM = 100_000_000_000
"""Smallest epoch number read as milliseconds: as seconds it would be in the year 5138."""

ZERO_DECIMAL_CURRENCIES = frozenset(
    ("JPY", "KRW", "VND", "CLP", "PYG", "UGX", "XAF", "XOF", "XPF", "RWF", "KMF", "GNF", "DJF", "BIF", "VUV")
)
THREE_DECIMAL_CURRENCIES = frozenset(("BHD", "KWD", "OMR", "JOD", "TND", "IQD", "LYD"))
"""Currencies by their ISO 4217 exponent; all others have 2."""


def is_number(value: object) -> TypeGuard[float]:
    """Return True for a number; False for a boolean, although Python counts it as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_number(value: object) -> float:
    """Return a number; reject a boolean or a string, which pydantic would convert."""
    if not is_number(value):
        raise ValueError("no number")
    return value


def parse_minor(value: object) -> Decimal:
    """Return minor units, exactly as the reply writes them."""
    number = check_number(value)
    # Check the range first: NaN is in no range, and an integer of a thousand digits is slow to convert.
    amount = abs(Decimal(str(number))) if 0 <= number <= MAX_MINOR else None
    if amount is None or 0 < amount < MIN_MINOR:
        raise ValueError("out of range")
    return amount


def parse_purchased(value: object) -> Decimal:
    """Return minor units of a balance; below zero it is a debt, or NEVER_BOUGHT."""
    number = check_number(value)
    return -parse_minor(-number) if number < 0 else parse_minor(number)


def parse_dollars(value: object) -> Money:
    """Return an amount that the reply writes in dollars."""
    amount = parse_minor(value)
    if amount > MAX_MINOR // 100:
        raise ValueError("out of range")
    return Money(amount * 100, "USD", 2)


def parse_text(value: object) -> str | None:
    """Return a string without control characters. None if nothing is left of it."""
    if not isinstance(value, str):
        raise ValueError("no string")  # noqa: TRY004 - pydantic expects this type
    return sanitize_text(value) or None


def parse_texts(value: object) -> frozenset[str]:
    """Return the strings of a list as a set."""
    if not isinstance(value, list):
        raise ValueError("no list")  # noqa: TRY004 - pydantic expects this type
    return frozenset(found for item in value if (found := parse_text(item)))


def parse_currency(value: object) -> str:
    """Return an ISO 4217 code in upper case."""
    code = (parse_text(value) or "").upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise ValueError("no currency code")
    return code


def parse_lock_end(value: object) -> datetime:
    """Return the end of a lock in UTC, from ISO 8601 only.

    A number was never seen there. Read as a time long past, it would open the credits.
    """
    if not isinstance(value, str):
        raise ValueError("no string")  # noqa: TRY004 - pydantic expects this type
    return parse_moment(value)


def parse_moment(value: object) -> datetime:
    """Return a time in UTC, from ISO 8601 or from an epoch number; a time without a zone is in UTC."""
    if isinstance(value, str):
        found = datetime.fromisoformat(value.strip().upper())
    elif 0 <= (stamp := check_number(value)) <= MAX_MINOR:
        seconds = stamp / 1000 if stamp >= MILLISECONDS_FROM else stamp
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    else:
        raise ValueError("out of range")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError("out of range")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def parse_minute(value: object) -> datetime:
    """Return a time rounded to the minute, because the server's resets jitter by a second."""
    return (parse_moment(value) + timedelta(seconds=30)).replace(second=0, microsecond=0)


def build_money(amount: Decimal | None, code: str | None, digits: int | None) -> Money | None:
    """Return the amount with its unit. None if there is no amount; the currency is empty if not known.

    Without `digits`, the number of decimal digits is that of ISO 4217, or 2 for an unknown currency.
    """
    if amount is None:
        return None
    unit = code or ""
    if digits is None:
        digits = 0 if unit in ZERO_DECIMAL_CURRENCIES else 3 if unit in THREE_DECIMAL_CURRENCIES else 2
    return Money(amount, unit, digits)


# abs turns negative zero into zero.
Percent = Lenient[Annotated[float, Strict(), Field(ge=0, le=MAX_PERCENT), AfterValidator(abs)]]
"""Percentage that may exceed 100."""
SharePercent = Lenient[Annotated[float, Strict(), Field(ge=0, le=100), AfterValidator(abs)]]
"""Percentage of a whole."""
Count = Lenient[Annotated[int, BeforeValidator(check_number), Field(ge=0, le=10_000)]]
Exponent = Lenient[Annotated[int, BeforeValidator(check_number), Field(ge=0, le=4)]]
"""Decimal digits of a currency."""
Minor = Lenient[Annotated[Decimal, PlainValidator(parse_minor)]]
PurchasedMinor = Lenient[Annotated[Decimal, PlainValidator(parse_purchased)]]
Dollars = Lenient[Annotated[Money, PlainValidator(parse_dollars)]]
Flag = Lenient[StrictBool]
Text = Lenient[Annotated[str | None, PlainValidator(parse_text)]]
TextSet = Lenient[Annotated[frozenset[str], PlainValidator(parse_texts)]]
Currency = Lenient[Annotated[str, PlainValidator(parse_currency)]]
Identifier = Lenient[Annotated[str, Strict(), Field(pattern="^[0-9A-Za-z_-]{1,64}$")]]
"""A uuid, or another identifier that is safe in a URL."""
Last4 = Lenient[Annotated[str, Strict(), Field(pattern="^[0-9]{1,4}$")]]
"""The last digits of a card."""
Timestamp = Lenient[Annotated[datetime, PlainValidator(parse_moment)]]
LockEnd = Lenient[Annotated[datetime, PlainValidator(parse_lock_end)]]
MinuteTimestamp = Lenient[Annotated[datetime, PlainValidator(parse_minute)]]
Day = Lenient[Annotated[date, PlainValidator(lambda value: parse_moment(value).date())]]

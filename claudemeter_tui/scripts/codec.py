"""Values of the model to JSON and back, by their own types: what does not fit them is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def plain(value: Any) -> Any:
    """The value in lists, objects, texts and numbers; an object names its class."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return [[plain(key), plain(one)] for key, one in value.items()]
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if is_dataclass(value):
        own = {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        return {"": type(value).__name__} | own
    return value


def whole(kind: type[T], raw: object) -> T:
    """The value of that type which `plain` took apart.

    Raises:
        ValueError: the JSON is of another form.
    """
    try:
        found = _value(kind, raw)
    except (TypeError, KeyError, AttributeError, OverflowError, RecursionError, InvalidOperation) as error:
        raise ValueError(f"of another form: {type(error).__name__}") from None
    assert isinstance(found, kind)  # noqa: S101 - for the type checker
    return found


def _value(kind: Any, raw: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _one_of(inner, raw)
    if origin is tuple:
        kinds = inner[:1] * len(raw) if inner[-1] is Ellipsis else inner
        return tuple(_value(one, part) for one, part in zip(kinds, raw, strict=True))
    if origin is Mapping:
        return {_value(inner[0], key): _value(inner[1], one) for key, one in raw}
    if is_dataclass(kind):
        return _object(kind, raw)
    if issubclass(kind, Enum):
        return kind(raw)
    return _READERS[kind](raw)


def _one_of(kinds: tuple[Any, ...], raw: Any) -> Any:
    """The value of the type that the JSON names, or of the only one that it can have."""
    if raw is None and type(None) in kinds:
        return None
    named = [kind for kind in kinds if isinstance(raw, dict) and raw.get("") == kind.__name__]
    (kind,) = named or (kind for kind in kinds if kind is not type(None) and not is_dataclass(kind))
    return _value(kind, raw)


def _object(kind: Any, raw: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    if raw.keys() != {"", *hints} or raw[""] != kind.__name__:
        raise ValueError(f"no {kind.__name__}")
    return kind(**{name: _value(hint, raw[name]) for name, hint in hints.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The types of the fields; what else a class annotates is none."""
    found = get_type_hints(kind)
    return {one.name: found[one.name] for one in fields(kind)}


def _same(kind: type) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if type(raw) is not kind:
            raise ValueError(f"no {kind.__name__}")
        return raw

    return read


def _float(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ValueError("no number")
    return float(raw)


def _moment(raw: Any) -> datetime:
    moment = datetime.fromisoformat(raw)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


def _decimal(raw: Any) -> Decimal:
    value = Decimal(_same(str)(raw))
    if not value.is_finite():
        raise ValueError("no number")
    return value


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: _same(str),
    bool: _same(bool),
    int: _same(int),
    float: _float,
    datetime: _moment,
    date: date.fromisoformat,
    timedelta: lambda raw: timedelta(seconds=_float(raw)),
    Decimal: _decimal,
}
"""The types that are not made of others."""

"""Convert values of the model to JSON and back by their types.

JSON that does not match the types, such as that of another version, is refused instead of guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def encode_value(value: Any) -> Any:
    """Return the value as lists, objects, strings and numbers; an object names its class under ""."""
    # Most values are of these types, and the checks below are slow.
    if value is None or type(value) in _PLAIN_KINDS:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple) and not _has_fields(type(value)):
        return [encode_value(item) for item in value]
    if isinstance(value, Mapping):
        return [[encode_value(key), encode_value(item)] for key, item in value.items()]
    # No field has an empty name, so the class name cannot collide with one.
    kind: Any = type(value)
    content = {"": kind.__name__}
    for name in _find_field_types(kind):
        content[name] = encode_value(getattr(value, name))
    for name, kinds in _find_ambiguous_fields(kind).items():
        content[name] = _tag_value(getattr(value, name), kinds, content[name])
    return content


_PLAIN_KINDS = frozenset({str, int, float, bool})
"""Types that JSON has."""


def _tag_value(value: Any, kinds: tuple[Any, ...], encoded: Any) -> Any:
    """Return a value with the name of its type, because a time and a text look the same in JSON."""
    if value is None or _has_fields(type(value)):
        return encoded
    # An int counts as a float.
    kind = next((kind for kind in kinds if isinstance(value, kind)), float)
    return {"": kind.__name__, "value": encoded}


DECODE_ERRORS = (ValueError, TypeError, KeyError, AttributeError, OverflowError, InvalidOperation)
"""Errors of `decode_value` for JSON that does not match the type."""


def decode_value(kind: Any, raw: Any) -> Any:
    """Rebuild a value of this type from the output of `encode_value`; raise one of `DECODE_ERRORS`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _decode_union(inner, raw)
    if origin is tuple:
        kinds = inner[:1] * len(raw) if inner[-1] is Ellipsis else inner
        return tuple(decode_value(part_kind, part) for part_kind, part in zip(kinds, raw, strict=True))
    if origin is Mapping:
        return {decode_value(inner[0], key): decode_value(inner[1], value) for key, value in raw}
    if kind in _DECODERS:
        return _DECODERS[kind](raw)
    if issubclass(kind, Enum):
        return kind(raw)
    hints = _find_field_types(kind)
    # A file written by another version may have other fields; guessing them could show false figures.
    if raw.keys() != {"", *hints} or raw[""] != kind.__name__:
        raise ValueError(f"no {kind.__name__}")
    return kind(**{name: decode_value(hint, raw[name]) for name, hint in hints.items()})


def _decode_union(kinds: tuple[Any, ...], raw: Any) -> Any:
    """Decode the type that the JSON names, or the only possible one."""
    if raw is None and type(None) in kinds:
        return None
    named = [kind for kind in kinds if isinstance(raw, dict) and raw.get("") == kind.__name__]
    plain = _list_plain_kinds(kinds)
    (kind,) = named or plain
    return decode_value(kind, raw["value"] if len(plain) > 1 and kind in plain else raw)


@cache
def _list_plain_kinds(kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the types of a union whose JSON does not name them."""
    return tuple(kind for kind in kinds if kind is not type(None) and not _has_fields(kind))


@cache
def _find_ambiguous_fields(kind: Any) -> Mapping[str, tuple[Any, ...]]:
    """Return the fields with several types that JSON does not tell apart, with these types."""
    unions = {
        name: _list_plain_kinds(get_args(hint))
        for name, hint in _find_field_types(kind).items()
        if get_origin(hint) in (Union, UnionType)
    }
    return {name: kinds for name, kinds in unions.items() if len(kinds) > 1}


@cache
def _find_field_types(kind: Any) -> dict[str, Any]:
    """Return the types of the fields that are kept; other annotations are left out."""
    hints = get_type_hints(kind)
    if not is_dataclass(kind):
        return {name: hints[name] for name in kind._fields}
    kept = (member.name for member in fields(kind) if member.metadata.get("is_kept", True))
    return {name: hints[name] for name in kept}


def _has_fields(kind: Any) -> bool:
    """Return whether a type is a dataclass or a NamedTuple."""
    return is_dataclass(kind) or hasattr(kind, "_fields")


def _make_exact_decoder(kind: type) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        # Not isinstance: True is an int for it.
        if type(raw) is not kind:
            raise ValueError(f"no {kind.__name__}")
        return raw

    return read


def _decode_float(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ValueError("no number")
    return float(raw)


def _decode_datetime(raw: Any) -> datetime:
    moment = datetime.fromisoformat(raw)
    # A time without a zone would raise later and elsewhere, when it is compared with an aware time.
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


def _decode_decimal(raw: Any) -> Decimal:
    value = Decimal(_make_exact_decoder(str)(raw))
    if not value.is_finite():
        raise ValueError("no number")
    return value


_DECODERS: Mapping[Any, Callable[[Any], Any]] = {
    str: _make_exact_decoder(str),
    bool: _make_exact_decoder(bool),
    int: _make_exact_decoder(int),
    float: _decode_float,
    datetime: _decode_datetime,
    date: date.fromisoformat,
    timedelta: lambda raw: timedelta(seconds=_decode_float(raw)),
    Decimal: _decode_decimal,
}
"""Decoders of the types that are not made of others."""

"""The fields of the model's values, whichever of Python's two kinds of record a value is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st

Value = TypeVar("Value")


def list_fields(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass or NamedTuple, or of a value of one; empty for others."""
    if is_dataclass(kind):
        return tuple(one.name for one in fields(kind) if one.init)
    return tuple(getattr(kind, "_fields", ()))


def build_values(
    kind: Callable[..., Value], /, *parts: st.SearchStrategy[Any], **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[Value]:
    """Return values of a type, with its defaults; `builds` would fill every field of a NamedTuple."""

    def build(*given: Any, **named: Any) -> Value:
        return kind(*given, **named)

    return st.builds(build, *parts, **more)

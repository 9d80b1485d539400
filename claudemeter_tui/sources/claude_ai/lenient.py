"""Reading JSON objects so that a wrong key costs itself and nothing else.

A `Shape` lists what is known of one JSON object. `Notes.read` fits an object into it: a key of the
wrong type or out of range is taken out as if it had not come, and noted; a key that no shape knows
is noted too. Nothing here raises because of what a body holds, except `MalformedError` for a body
that is no object or no list at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from claudemeter_tui.sources.plain import plain

MOST_NOTES = 50
"""Paths kept of each kind: more than that help nobody."""
MOST_ITEMS = 500
"""Elements read of one list: no account has more orgs, no org more limits."""
MOST_OF_A_PATH = 80
"""Characters kept of one path."""

T = TypeVar("T")


class MalformedError(ValueError):
    """The body as a whole has the wrong shape. Its text says which, and quotes nothing."""


class Parsed(NamedTuple, Generic[T]):
    """What a body means, and what in it was not understood."""

    value: T
    new_fields: tuple[str, ...] = ()
    """Dotted paths of keys, or of a key and its value, that are not known: `limits[2].kind = monthly_all`."""
    odd_values: tuple[str, ...] = ()
    """Dotted paths of figures of the wrong type or out of range: `extra_usage.monthly_limit`."""


class Shape(BaseModel):
    """What is known of one JSON object. Every field may be absent or null."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    spare: ClassVar[frozenset[str]] = frozenset()
    """Keys that are known and carry nothing to show."""

    @classmethod
    def knows(cls, key: str) -> bool:
        """Whether the key is no news."""
        return key in cls.model_fields or key in cls.spare

    def is_null(self, key: str) -> bool:
        """Whether the key came, and came as null: something else than a key that is absent or wrong."""
        return key in self.model_fields_set and getattr(self, key) is None


S = TypeVar("S", bound=Shape)


class Notes:
    """What is met in one body and not understood."""

    def __init__(self) -> None:
        self._new: dict[str, None] = {}
        self._odd: dict[str, None] = {}

    def new(self, path: str, value: str = "") -> None:
        """A key that is not known, or a value of a known key that is not."""
        _keep(self._new, f"{path} = {value}" if value else path)

    def odd(self, path: str) -> None:
        """A figure that is left out."""
        _keep(self._odd, path)

    def unless_known(self, path: str, value: str | None, known: frozenset[str]) -> None:
        """Note a value that is not among the known ones; None is no value."""
        if value is not None and value not in known:
            self.new(path, value)

    def parsed(self, value: T) -> Parsed[T]:
        """The value with the notes."""
        return Parsed(value, tuple(self._new), tuple(self._odd))

    def read(self, shape: type[S], raw: object, path: str = "") -> S | None:
        """The object fitted into its shape; None where it is null, or no object at all."""
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self.odd(path)
            return None
        for key in islice((key for key in raw if not shape.knows(key)), MOST_NOTES):
            self.new(under(path, key))
        return self._fitted(shape, raw, path)

    def items(self, raw: object, path: str) -> Iterator[tuple[str, object]]:
        """Each element of a list with its path; nothing where it is null, or no list at all."""
        elements = raw if isinstance(raw, list) else []
        if len(elements) > MOST_ITEMS or (raw is not None and raw is not elements):
            self.odd(path)
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(elements[:MOST_ITEMS]))

    def read_each(self, shape: type[S], raw: object, path: str) -> Iterator[tuple[str, S]]:
        """Each object of a list, fitted into its shape, with its path; others are left out."""
        for place, item in self.items(raw, path):
            found = self.read(shape, item, place)
            if found is not None:
                yield place, found
            elif item is None:
                self.odd(place)

    def _fitted(self, shape: type[S], raw: dict[str, Any], path: str) -> S:
        try:
            return shape.model_validate(raw)
        except ValidationError as error:
            wrong = {str(fault["loc"][0]) for fault in error.errors(include_url=False, include_input=False)}
        for key in shape.model_fields:
            if key in wrong:
                self.odd(under(path, key))
        return shape.model_validate({key: value for key, value in raw.items() if key not in wrong})


def under(path: str, key: str) -> str:
    """The path of a key inside the object at `path`."""
    name = plain(key) or ascii(key)
    return f"{path}.{name}" if path else name


def whole_object(body: object) -> dict[str, Any]:
    """The body, which has to be a JSON object.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(body, dict):
        raise MalformedError(f"an object was expected, {_kind(body)} came")
    return body


def whole_list(body: object) -> list[Any]:
    """The body, which has to be a JSON list.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(body, list):
        raise MalformedError(f"a list was expected, {_kind(body)} came")
    return body


def or_null(check: Callable[[object], T]) -> Callable[[object], T | None]:
    """The check, made to let null through."""
    return lambda value: None if value is None else check(value)


def _keep(notes: dict[str, None], path: str) -> None:
    if len(notes) < MOST_NOTES:
        notes[_short(plain(path))] = None


def _short(path: str) -> str:
    return path if len(path) <= MOST_OF_A_PATH else f"{path[: MOST_OF_A_PATH - 1]}…"


def _kind(body: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    return "null" if body is None else names.get(type(body), "a number")

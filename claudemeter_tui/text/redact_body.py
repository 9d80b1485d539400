"""One reply without anything personal: its body, and the remarks that quote it."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, NoReturn

from claudemeter_tui.text.pseudonyms import Kind, Pseudonyms
from claudemeter_tui.text.vocabulary import EMAIL, KEYS, UUID, is_field, is_figure, is_public

_PLACE = re.compile(r"\[[0-9]{1,3}\]$")
"""The index behind a segment of a dotted path."""


def redact_body(text: str, names: Pseudonyms | None = None) -> str:
    """A body as ASCII JSON in which every string of unknown meaning has a pseudonym.

    Keys and words of the server, currencies, times and figures stay. `names` are the pseudonyms that
    are in use already.
    """
    return Body(names or Pseudonyms()).json(text)


class Body:
    """Pseudonyms for one reply.

    E-mails and uuids go by the run's own, other texts are numbered anew in each body: server texts
    that differ with every poll would otherwise be kept for ever.
    """

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._own = Pseudonyms()
        self._fields: dict[str, str] = {}

    def json(self, text: str) -> str:
        """The body; where it is not JSON only its length is told."""
        if not text:
            return ""
        try:
            return json.dumps(self._value("", json.loads(text, parse_constant=_refuse)))
        except (ValueError, RecursionError):
            return f"<{len(text)} characters that are not JSON>"

    def remark(self, told: str) -> str:
        """One of the reply's `new_fields` or `odd_values`: a path, or a path and its value."""
        path, mark, value = told.partition(" = ")
        return self._path(path) + mark + (self.text("", value) if mark else "")

    def key(self, key: str) -> str:
        """A key; one that could name somebody gets a pseudonym."""
        self._fields[key] = key if is_field(key) else self._personal(key, Kind.FIELD)
        return self._fields[key]

    def text(self, key: str, text: str) -> str:
        """The string under a key."""
        if not text or is_public(key, text):
            return text
        if key == "last4":
            return self._names.of(Kind.CARD, text)
        return self._personal(text, Kind.TEXT)

    def _personal(self, text: str, kind: Kind) -> str:
        if UUID.fullmatch(text):
            return self._names.of(Kind.UUID, text)
        if EMAIL.fullmatch(text):
            return self._names.of(Kind.PERSON, text.lower())
        return self._names.known(text) or self._own.of(kind, text)

    def _value(self, key: str, value: Any) -> Any:
        match value:
            case dict():
                return {self.key(inner): self._value(inner, each) for inner, each in value.items()}
            case list():
                return [self._value(key, each) for each in value]
            case str():
                return self.text(key, value)
            case bool() | None:
                return value
            case _:
                return self._number(key, value)

    def _number(self, key: str, value: float) -> float | str | None:
        if isinstance(value, float) and not isfinite(value):
            return None
        if key == "last4":
            return self._names.of(Kind.CARD, str(value))
        return value if is_figure(key, value) else self._own.of(Kind.ID, str(value))

    def _path(self, path: str) -> str:
        """The path; what is no known key in it goes by the names that this body's keys have."""
        segments = path.split(".")
        strange = [
            place for place, segment in enumerate(segments) if _PLACE.sub("", segment) not in KEYS | {""}
        ]
        if not strange:
            return path
        first, last = strange[0], strange[-1] + 1
        run = self._named(segments[first:last]) or self._personal(".".join(segments[first:last]), Kind.FIELD)
        return ".".join((*segments[:first], run, *segments[last:]))

    def _named(self, segments: list[str]) -> str:
        """The keys that these segments are: a key may hold dots itself. Empty: they are none of this body."""
        for length in range(len(segments), 0, -1):
            head = self._fields.get(".".join(segments[:length]))
            if head is not None and length == len(segments):
                return head
            if head is not None and (tail := self._named(segments[length:])):
                return f"{head}.{tail}"
        return ""


def _refuse(name: str) -> NoReturn:
    """`NaN` and `Infinity` are Python's, not JSON's."""
    raise ValueError(name)

"""A reply's body made readable: JSON broken into indented lines, everything else as it came.

Tokens stay as the server sent them, long numbers and doubled keys too; only what could not be seen, or
would act on a terminal, is written as an escape. Nothing is left out, however hostile the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MOST_LINES = 12_000
"""Lines that are made; what follows comes in one piece, as it was sent."""
MOST_OF_A_PATH = 80
"""Characters of a path in the remarks; longer ones are cut there, with an ellipsis."""
DEEPEST = 24
"""Levels that are indented; deeper ones stay below each other."""


class Part(StrEnum):
    """What a stretch of a line is, for its colour."""

    KEY = "key"
    STRING = "string"
    NUMBER = "number"
    WORD = "word"
    """true, false, null."""
    SIGN = "sign"
    NOTE = "note"
    """Not of the body: said by this program."""


class Remark(StrEnum):
    """What this program has to say of a key."""

    NEW = "new"
    ODD = "odd"


class Line(NamedTuple):
    """One line of the body."""

    text: str
    parts: tuple[tuple[int, int, Part], ...] = ()
    """Begin, end and kind of each stretch that has a colour."""
    remark: Remark | None = None


_TOLD = "… too many lines: the rest as it came"
REST = Line(_TOLD, ((0, len(_TOLD), Part.NOTE),))
"""Stands between the lines that were made and what follows."""


def pretty(body: str, new_fields: Iterable[str] = (), odd_values: Iterable[str] = ()) -> list[Line]:
    """The body in lines, with a remark at each key that is among the dotted paths given."""
    if not _is_json(body):
        return _plain(body)
    remarks = {_path(field): Remark.NEW for field in new_fields}
    return _Printer(remarks | {_path(field): Remark.ODD for field in odd_values}).printed(body)


def visible(text: str) -> str:
    """The text with an escape in place of each character that prints nothing, or more than itself."""
    return text if text.isprintable() else text.translate(_ESCAPES)


class _Escapes(dict[int, str]):
    """What stands for a character, by its code; filled as they come."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = char if char.isprintable() else json.dumps(char)[1:-1]
        return self[code]


_ESCAPES = _Escapes({0x7F: r"\u007f"})
"""DEL is the one character that `json.dumps` lets through."""


def _is_json(body: str) -> bool:
    """Whether it is an object or a list; a body nested beyond reason counts as none."""
    try:
        return isinstance(json.loads(body, parse_int=str, parse_float=str), dict | list)
    except (ValueError, RecursionError):
        return False


def _plain(body: str) -> list[Line]:
    return [Line(visible(line.expandtabs(4))) for line in body.split("\n", MOST_LINES)]


def _path(field: str) -> str:
    """`limits[2].kind` of `limits[2].kind = monthly_all`."""
    return field.partition(" = ")[0]


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(slots=True)
class _Level:
    """An object or a list that is open."""

    is_object: bool
    path: str
    index: int = 0
    """Of the element at hand, in a list."""
    key: str = ""
    """Of the value at hand, in an object."""

    def inside(self) -> str:
        """The path of the value at hand."""
        if not self.is_object:
            return f"{self.path}[{self.index}]"
        return f"{self.path}.{self.key}" if self.path else self.key


class _Printer:
    """Takes token after token and breaks them into lines."""

    def __init__(self, remarks: Mapping[str, Remark]) -> None:
        self._remarks = remarks
        self._lines: list[Line] = []
        self._levels: list[_Level] = []
        self._text = ""
        self._parts: list[tuple[int, int, Part]] = []
        self._remark: Remark | None = None
        self._opened = False
        self._awaits_key = False

    def printed(self, body: str) -> list[Line]:
        """All lines of the body."""
        for token in _TOKEN.finditer(body):
            if len(self._lines) >= MOST_LINES:
                self._break()
                return [*self._lines, REST, *_plain(body[token.start() :].lstrip())]
            self._take(token[0])
        self._break()
        return self._lines

    def _take(self, token: str) -> None:
        match token:
            case "{" | "[":
                self._open(token)
            case "}" | "]":
                self._close(token)
            case ",":
                self._next()
            case ":":
                self._text += ": "
                self._awaits_key = False
            case _:
                self._scalar(token)

    def _open(self, sign: str) -> None:
        self._unfold()
        self._add(sign, Part.SIGN)
        path = self._levels[-1].inside() if self._levels else ""
        self._levels.append(_Level(sign == "{", path))
        self._opened = True
        self._awaits_key = sign == "{"

    def _close(self, sign: str) -> None:
        if not self._opened:
            self._break()
        self._opened = False
        self._levels.pop()
        self._add(sign, Part.SIGN)

    def _next(self) -> None:
        level = self._levels[-1]
        self._text += ","
        self._break()
        level.index += 1
        self._awaits_key = level.is_object

    def _scalar(self, token: str) -> None:
        self._unfold()
        if self._awaits_key:
            self._levels[-1].key = json.loads(token) if "\\" in token else token[1:-1]
            self._note(self._levels[-1].inside())
        self._add(_readable(token), self._kind(token))

    def _kind(self, token: str) -> Part:
        if token[0] == '"':
            return Part.KEY if self._awaits_key else Part.STRING
        return Part.WORD if token in ("true", "false", "null") else Part.NUMBER

    def _note(self, path: str) -> None:
        if len(path) > MOST_OF_A_PATH:
            path = f"{path[: MOST_OF_A_PATH - 1]}…"
        self._remark = self._remarks.get(path)

    def _unfold(self) -> None:
        """What was opened is not empty: its content begins on a line of its own."""
        if self._opened:
            self._break()
            self._opened = False

    def _add(self, token: str, part: Part) -> None:
        if not self._text:
            self._text = "  " * min(len(self._levels), DEEPEST)
        begin = len(self._text)
        self._text += token
        self._parts.append((begin, len(self._text), part))

    def _break(self) -> None:
        if self._text:
            self._lines.append(Line(self._text, tuple(self._parts), self._remark))
        self._text, self._parts, self._remark = "", [], None


def _readable(token: str) -> str:
    r"""A token without the escapes of what can be seen: `"\u00e9"` becomes `"é"`."""
    if "\\u" in token:
        token = json.dumps(json.loads(token), ensure_ascii=False)
    return visible(token)

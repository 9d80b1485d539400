"""Make a reply's body readable: JSON as indented lines, anything else unchanged.

Tokens stay as the server sent them, including long numbers and repeated keys; only characters that are
invisible or act on a terminal are escaped. Nothing is left out, however hostile the body is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

MAX_LINES = 12_000
"""Maximum number of formatted lines; the rest of the body follows unformatted."""
MAX_PATH_LENGTH = 80
"""Maximum characters of a path in the remarks; a longer path is cut and ends in an ellipsis."""
MAX_INDENT_LEVEL = 24
"""Maximum levels of indentation; deeper levels share the last one."""


class JsonPart(StrEnum):
    """Kind of a piece of a line, for its colour."""

    KEY = "key"
    STRING = "string"
    NUMBER = "number"
    LITERAL = "word"
    """true, false, null."""
    PUNCTUATION = "sign"
    NOTE = "note"
    """A note by this program, not part of the body."""


class KeyRemark(StrEnum):
    """Remark by this program about a key."""

    NEW = "new"
    ODD = "odd"


class JsonLine(NamedTuple):
    """One line of a body."""

    text: str
    parts: tuple[tuple[int, int, JsonPart], ...] = ()
    """Begin, end and kind of each coloured piece."""
    remark: KeyRemark | None = None


_TOO_MANY_LINES = "… too many lines: the rest is not formatted"
REST_LINE = JsonLine(_TOO_MANY_LINES, ((0, len(_TOO_MANY_LINES), JsonPart.NOTE),))
"""The line between the formatted lines and the rest."""


def format_json_lines(
    body: str, new_fields: Iterable[str] = (), odd_values: Iterable[str] = ()
) -> list[JsonLine]:
    """Return the lines of a body, with a remark at each key in the given dotted paths."""
    try:
        is_json = isinstance(json.loads(body, parse_int=str, parse_float=str), dict | list)
    except (ValueError, RecursionError):  # no JSON, or nested too deeply
        is_json = False
    if not is_json:
        return _split_raw_lines(body)
    remarks = {
        # A note is a path, or a path and its value: `limits[2].kind = monthly_all`.
        note.partition(" = ")[0]: remark
        for notes, remark in ((new_fields, KeyRemark.NEW), (odd_values, KeyRemark.ODD))
        for note in notes
    }
    return _JsonPrinter(remarks).format_lines(body)


def escape_invisible(text: str) -> str:
    """Return the text with an escape for each character that is invisible or acts on a terminal."""
    if text.isprintable():
        return text
    return _NOT_ASCII.sub(lambda match: match[0] if match[0].isprintable() else escape_char(match[0]), text)


@cache
def escape_char(char: str) -> str:
    """Return the JSON escape of a character, as a pair of surrogates beyond U+FFFF."""
    return r"\u007f" if char == "\x7f" else json.dumps(char)[1:-1]  # JSON leaves DEL unescaped


def _split_raw_lines(body: str) -> list[JsonLine]:
    return [JsonLine(escape_invisible(line.expandtabs(4))) for line in body.split("\n", MAX_LINES)]


_NOT_ASCII = re.compile(r"[^ -~]")
"""A control character, or one outside ASCII."""
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(slots=True)
class _OpenContainer:
    """An object or a list that is not closed yet."""

    path: str
    place: str | int
    """Key of the current value in an object, its index in a list."""

    def build_path(self) -> str:
        """Return the path of the current value."""
        if isinstance(self.place, int):
            return f"{self.path}[{self.place}]"
        return f"{self.path}.{self.place}" if self.path else self.place


class _JsonPrinter:
    """Breaks a stream of tokens into lines."""

    def __init__(self, remarks: Mapping[str, KeyRemark]) -> None:
        self._remarks = remarks
        self._lines: list[JsonLine] = []
        self._levels: list[_OpenContainer] = []
        self._text = ""
        self._parts: list[tuple[int, int, JsonPart]] = []
        self._remark: KeyRemark | None = None
        self._opened = False
        """True directly after a container was opened, because an empty one is closed on the same line."""
        self._awaits_key = False

    def format_lines(self, body: str) -> list[JsonLine]:
        """Return all lines of the body."""
        for token in _TOKEN.finditer(body):
            if len(self._lines) >= MAX_LINES:
                self._end_line()
                return [*self._lines, REST_LINE, *_split_raw_lines(body[token.start() :].lstrip())]
            if token[0] in "{}[],:":
                self._add_sign(token[0])
            else:
                self._add_scalar(token[0])
        self._end_line()
        return self._lines

    def _add_sign(self, sign: str) -> None:
        match sign:
            case "{" | "[":
                self._begin_content()
                self._append_token(sign, JsonPart.PUNCTUATION)
                path = self._levels[-1].build_path() if self._levels else ""
                self._levels.append(_OpenContainer(path, "" if sign == "{" else 0))
                self._opened, self._awaits_key = True, sign == "{"
            case "}" | "]":
                if not self._opened:
                    self._end_line()
                self._opened = False
                self._levels.pop()
                self._append_token(sign, JsonPart.PUNCTUATION)
            case ",":
                level = self._levels[-1]
                self._text += ","
                self._end_line()
                self._awaits_key = isinstance(level.place, str)
                if isinstance(level.place, int):
                    level.place += 1
            case ":":
                self._text += ": "
                self._awaits_key = False

    def _add_scalar(self, token: str) -> None:
        self._begin_content()
        part = JsonPart.LITERAL if token in ("true", "false", "null") else JsonPart.NUMBER
        if token[0] == '"':
            part = JsonPart.KEY if self._awaits_key else JsonPart.STRING
        if self._awaits_key:
            self._levels[-1].place = json.loads(token) if "\\" in token else token[1:-1]
            path = self._levels[-1].build_path()
            # The parser cuts the paths of its notes in the same way.
            cut = path if len(path) <= MAX_PATH_LENGTH else f"{path[: MAX_PATH_LENGTH - 1]}…"
            self._remark = self._remarks.get(cut)
        if "\\u" in token:  # a visible character that the server escaped: `"\\u00e9"` becomes `"é"`
            token = json.dumps(json.loads(token), ensure_ascii=False)
        self._append_token(escape_invisible(token), part)

    def _begin_content(self) -> None:
        """Start the content of a container that is not empty on a line of its own."""
        if self._opened:
            self._end_line()
            self._opened = False

    def _append_token(self, token: str, part: JsonPart) -> None:
        if not self._text:
            self._text = "  " * min(len(self._levels), MAX_INDENT_LEVEL)
        begin = len(self._text)
        self._text += token
        self._parts.append((begin, len(self._text), part))

    def _end_line(self) -> None:
        if self._text:
            self._lines.append(JsonLine(self._text, tuple(self._parts), self._remark))
        self._text, self._parts, self._remark = "", [], None

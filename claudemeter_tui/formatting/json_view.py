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
from typing import NamedTuple

MAX_LINES = 12_000
"""Most lines that are formatted; the rest of the body follows in one piece, as sent."""
MAX_PATH_LENGTH = 80
"""Most characters of a path in the remarks; longer ones are cut, with an ellipsis."""
MAX_INDENT_LEVEL = 24
"""Most levels of indent; deeper levels share the last one."""


class JsonPart(StrEnum):
    """Kind of a piece of a line, for its colour."""

    KEY = "key"
    STRING = "string"
    NUMBER = "number"
    LITERAL = "word"
    """true, false, null."""
    PUNCTUATION = "sign"
    NOTE = "note"
    """A note of this program, not part of the body."""


class KeyRemark(StrEnum):
    """Remark of this program about a key."""

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
    if not _is_json(body):
        return _split_raw_lines(body)
    remarks = {_parse_field_path(field): KeyRemark.NEW for field in new_fields}
    return _JsonPrinter(
        remarks | {_parse_field_path(field): KeyRemark.ODD for field in odd_values}
    ).format_lines(body)


def escape_invisible(text: str) -> str:
    """Return the text with an escape for each character that is invisible or acts on a terminal."""
    return text if text.isprintable() else text.translate(_ESCAPES)


def escape_char(char: str) -> str:
    """Return the JSON escape of a character, as a pair of surrogates beyond U+FFFF."""
    return r"\u007f" if char == "\x7f" else json.dumps(char)[1:-1]  # DEL is the one that JSON lets through


class _EscapeTable(dict[int, str]):
    """Replacements by character code, filled on demand."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = char if char.isprintable() else escape_char(char)
        return self[code]


_ESCAPES = _EscapeTable()


def _is_json(body: str) -> bool:
    """True if the body is an object or a list; false if it is nested too deeply to parse."""
    try:
        return isinstance(json.loads(body, parse_int=str, parse_float=str), dict | list)
    except (ValueError, RecursionError):
        return False


def _split_raw_lines(body: str) -> list[JsonLine]:
    return [JsonLine(escape_invisible(line.expandtabs(4))) for line in body.split("\n", MAX_LINES)]


def _parse_field_path(field: str) -> str:
    """Return `limits[2].kind` of `limits[2].kind = monthly_all`."""
    return field.partition(" = ")[0]


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(slots=True)
class _OpenContainer:
    """An object or a list that is not closed yet."""

    is_object: bool
    path: str
    index: int = 0
    """Index of the current element, in a list."""
    key: str = ""
    """Key of the current value, in an object."""

    def build_path(self) -> str:
        """Return the path of the current value."""
        if not self.is_object:
            return f"{self.path}[{self.index}]"
        return f"{self.path}.{self.key}" if self.path else self.key


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
        self._awaits_key = False

    def format_lines(self, body: str) -> list[JsonLine]:
        """Return all lines of the body."""
        for token in _TOKEN.finditer(body):
            if len(self._lines) >= MAX_LINES:
                self._end_line()
                return [*self._lines, REST_LINE, *_split_raw_lines(body[token.start() :].lstrip())]
            self._handle_token(token[0])
        self._end_line()
        return self._lines

    def _handle_token(self, token: str) -> None:
        match token:
            case "{" | "[":
                self._open_container(token)
            case "}" | "]":
                self._close_container(token)
            case ",":
                self._begin_next_element()
            case ":":
                self._text += ": "
                self._awaits_key = False
            case _:
                self._add_scalar(token)

    def _open_container(self, sign: str) -> None:
        self._begin_content()
        self._append_token(sign, JsonPart.PUNCTUATION)
        path = self._levels[-1].build_path() if self._levels else ""
        self._levels.append(_OpenContainer(sign == "{", path))
        self._opened = True
        self._awaits_key = sign == "{"

    def _close_container(self, sign: str) -> None:
        if not self._opened:
            self._end_line()
        self._opened = False
        self._levels.pop()
        self._append_token(sign, JsonPart.PUNCTUATION)

    def _begin_next_element(self) -> None:
        level = self._levels[-1]
        self._text += ","
        self._end_line()
        level.index += 1
        self._awaits_key = level.is_object

    def _add_scalar(self, token: str) -> None:
        self._begin_content()
        if self._awaits_key:
            self._levels[-1].key = json.loads(token) if "\\" in token else token[1:-1]
            self._find_remark(self._levels[-1].build_path())
        self._append_token(_unescape_visible(token), self._find_part(token))

    def _find_part(self, token: str) -> JsonPart:
        if token[0] == '"':
            return JsonPart.KEY if self._awaits_key else JsonPart.STRING
        return JsonPart.LITERAL if token in ("true", "false", "null") else JsonPart.NUMBER

    def _find_remark(self, path: str) -> None:
        if len(path) > MAX_PATH_LENGTH:
            path = f"{path[: MAX_PATH_LENGTH - 1]}…"
        self._remark = self._remarks.get(path)

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


def _unescape_visible(token: str) -> str:
    r"""Return a token with its visible characters unescaped: `"\u00e9"` becomes `"é"`."""
    if "\\u" in token:
        token = json.dumps(json.loads(token), ensure_ascii=False)
    return escape_invisible(token)

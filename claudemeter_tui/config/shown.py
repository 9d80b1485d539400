"""`--config`: every setting with where it comes from, itself a config file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from claudemeter_tui.config.cookie import COOKIE_VARIABLE
from claudemeter_tui.config.given import Given, Rank
from claudemeter_tui.config.kinds import Value


def listing(given: Mapping[str, Given], environment: Mapping[str, str], file: Path) -> str:
    """The lines of `--config`, TOML that could stand in that file; without a secret."""
    return "\n".join(_lines(given, environment, file))


def _lines(given: Mapping[str, Given], environment: Mapping[str, str], file: Path) -> Iterator[str]:
    yield f"# {_plain(str(file))}{'' if file.exists() else ' (there is none)'}"
    if COOKIE_VARIABLE in environment:
        yield f"# {COOKIE_VARIABLE} is set; it is no setting, and never shown."
    pairs = [(f"{key} = {_toml(one.value)}", _source(one)) for key, one in given.items()]
    width = max(len(line) for line, _ in pairs if len(line) <= 40)
    yield from (f"{line:<{width}}  # {source}" for line, source in pairs)


def _source(one: Given) -> str:
    return {Rank.DEFAULT: "default", Rank.FILE: "this file"}.get(one.rank, one.place)


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    return f"{value:g}" if isinstance(value, int | float) else f"[{', '.join(map(_toml, value))}]"


def _string(text: str) -> str:
    """A basic string of TOML, in which nothing is left that a terminal would obey."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escape(ord(char)) for char in escaped) + '"'


def _escape(code: int) -> str:
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)

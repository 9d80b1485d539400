"""What a setting takes: each function gives the value of a text or a TOML value, or says what is wrong.

A flag and an environment variable give text; a file gives what TOML has. The values are plain ones
that TOML can hold: numbers, strings, booleans, lists.

Raises:
    ValueError: from every one of them, with the rest of the sentence that begins with the setting's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from claudemeter_tui.config.errors import is_secret, quoted
from claudemeter_tui.config.themes import NAMES

Value = str | float | bool | Sequence[str] | Sequence[float]
Kind = Callable[[object], Value]

SHORTEST, LONGEST = 30, 86_400
"""Seconds between two polls: less would hammer the server, more is no dashboard."""
YES, NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
"""Words for a switch, in any case."""


def seconds(raw: object) -> float:
    """The time between two polls."""
    value = _number(raw)
    if value is None:
        raise ValueError(f"{quoted(raw)} is not a number of seconds")
    if not SHORTEST <= value <= LONGEST:
        shown = str(raw).strip()
        raise ValueError(f"{shown} is out of range; {SHORTEST} to {LONGEST} seconds are possible")
    return value


def address(raw: object) -> str:
    """An origin that cookies may be sent to."""
    from claudemeter_tui.sources.origin import origin  # noqa: PLC0415 - the usual one needs no look

    return origin(_text(raw))


def path(raw: object) -> str:
    """A file or a folder, not looked up yet; empty for none."""
    text = _text(raw)
    if is_secret(text):
        raise ValueError("it must name a file; the session key itself stands in that file")
    if "\0" in text:
        raise ValueError("no file can have such a name")
    return text


def theme(raw: object) -> str:
    """A theme's name; empty for the one chosen last."""
    word = _text(raw).strip()
    if word and word not in NAMES:
        raise ValueError(f"there is no theme {quoted(word)}; there are {', '.join(NAMES)}")
    return word


def switch(raw: object) -> bool:
    """On or off."""
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word not in YES + NO:
        raise ValueError(f"{quoted(raw)} is not yes or no")
    return word in YES


def choice(*names: str) -> Kind:
    """One of these names; a boolean stands for `yes` or `no` where these are among them."""

    def chosen(raw: object) -> str:
        word = ("yes" if raw else "no") if isinstance(raw, bool) and "yes" in names else raw
        if not isinstance(word, str) or word.strip().lower() not in names:
            raise ValueError(f"{quoted(raw)} is not one of {', '.join(names)}")
        return word.strip().lower()

    return chosen


def browsers(raw: object) -> list[str]:
    """Browsers and profiles, each `NAME` or `NAME:PROFILE`; a text has commas between them."""
    asked = _list(raw)
    if asked:
        from claudemeter_tui.sources.browsers.wanted import Wanted  # noqa: PLC0415 - loads every browser

        for one in asked:
            Wanted.parse(one)
    return asked


def percentages(raw: object) -> list[float]:
    """Whole or broken percentages, lowest first; a text has commas between them."""
    parts = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, list) else [raw]
    found = [_number(part) for part in parts if part != ""]
    values = {value for value in found if value is not None and 0 < value <= 100}
    if None in found or len(values) < len(set(found)):
        raise ValueError(f"{quoted(raw)} are not percentages above 0, at most 100")
    return sorted(values)


def command(raw: object) -> list[str]:
    """A program and its arguments; a text is split as a shell would, but no shell runs it."""
    if isinstance(raw, str):
        from shlex import split  # noqa: PLC0415 - rare

        try:
            return split(raw)
        except ValueError:
            raise ValueError("a quotation mark in it is never closed") from None
    return _list(raw)


def _number(raw: object) -> float | None:
    """A finite number, whole ones as such. None: it is none."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{quoted(raw)} is not a text in quotation marks")  # noqa: TRY004 - one error for all
    return raw


def _list(raw: object) -> list[str]:
    """Texts; a single one has commas between them."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"{quoted(raw)} is not a list of texts in quotation marks")
    return [part.strip() for part in parts if part.strip()]

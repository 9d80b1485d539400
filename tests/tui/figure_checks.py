"""Checks of a complete screen: no figure cut, an ellipsis in names and sentences only, every frame closed.

The allowed figures are calculated from the model, in the formats of `formatting`; any other figure, or
part of one, is a defect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from rich.cells import cell_len

from claudemeter_tui.formatting import values as form
from claudemeter_tui.formatting import verdict as words
from claudemeter_tui.formatting.overview import CAN_WORK, COUNT_NAMES, OverviewRow, list_credit_forms
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.forecast import (
    compute_spend_rate,
    forecast_limit,
    forecast_percent_at_reset,
    forecast_window_full,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Window
from tests.event_lines import format_event_line
from tests.value_fields import list_fields

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_COUNTDOWN = r"\d+d \d+h|\d+h \d+m|\d+m|\d+s"
_CURRENCY = r"(?:USD|CAD|JPY|EUR|BRL|AUD)"
FIGURE = re.compile(
    rf"[+]?(?:\$|{_CURRENCY} )\d[\d,]*(?:\.\d+)?(?:/h)?"
    rf"|(?:<?\d+|\?)%"
    rf"|(?:{_DAY} )?(?:{_MONTH} \d+ )?(?:\d{{4}} )?\d\d:\d\d|(?:{_DAY} )?{_MONTH} \d+"
    rf"|\d{{4}}-\d\d-\d\d|\((?:in )?(?:{_COUNTDOWN})\)|(?:{_COUNTDOWN})(?: ago)?"
)
"""Pattern of a complete figure."""
_COUNT = r"\d+ (?:problems?|notes?|orgs?|left|of \d+|replies|reply|new fields?|odd values?|events?)"
_VERDICTS = (*words.VERDICT_NAMES.values(), "credits BLOCKED", *COUNT_NAMES.values(), CAN_WORK)
_TALLY = rf"\d+ (?:{'|'.join(_VERDICTS)})"
_OURS = (
    r"\+\d+ more",
    r"\d+/\d+",
    "1-9",
    "5-hour",
    r"7-day(?: [A-Z]\w+)*",
    "••0000",
    r"Max \d+x",
    "15 minutes",
    _TALLY,
    r"[●▲◆■?o!*#]\d",
)
_PERIODS = ("1h", "24h", "7d", "30d", "365d")
"""Periods in the title of a chart."""
_PART = re.compile(rf"[\d$%]|\b{_CURRENCY}\b|\b{_DAY}\b|\b{_MONTH}\b")
"""Pattern of the rest of a cut figure."""
_ONE_DIGIT = re.compile(r"\.\d(?!\d)")
"""Pattern of an amount with one digit for the cents."""
_DANGLING = re.compile(r"\b(?:of|in|to|until|at|resets|since|before|from|and|the)\s*…|[(,:·]\s*…")
"""Words after which no sentence may be truncated."""


@dataclass(frozen=True)
class Whole:
    """Texts that a screen may show."""

    figures: frozenset[str]
    names: frozenset[str]
    """Names of orgs, windows, plans, sessions and accounts, which may be truncated anywhere."""

    def __or__(self, other: Whole) -> Whole:
        """Return the union of both."""
        return Whole(self.figures | other.figures, self.names | other.names)

    @cached_property
    def _known(self) -> re.Pattern[str]:
        names = sorted((name for name in self.names if name), key=len, reverse=True)
        figures = sorted(map(re.escape, self.figures), key=len, reverse=True)
        parts = [*map(_shortened, names), *figures, _COUNT, *_OURS]
        return re.compile(rf"(?<![\w$%,.])(?:{'|'.join(parts)})(?![\w%]|[.,:]\d)")

    def defects(self, line: str) -> Iterator[str]:
        """Return the defects in the text of a line."""
        rest = self._known.sub(" ", line)
        if _PART.search(rest):
            yield f"part of a figure: {rest.strip()!r}"
        if re.search(r"[^\s.]…", rest):
            yield f"an ellipsis within a word: {rest.strip()!r}"
        if _DANGLING.search(line):
            yield "a sentence breaks off before its figure"


def chart_defects(line: str) -> Iterator[str]:
    """Return the defects in a line of a chart, where any complete figure may be on the axes."""
    rest = FIGURE.sub(" ", re.sub("|".join((*_OURS, *_PERIODS)), " ", line))
    if _PART.search(rest) or _ONE_DIGIT.search(line) or "…" in line:
        yield f"part of a figure: {rest.strip()!r}"


def _shortened(name: str) -> str:
    """Return True for a name, or its beginning with an ellipsis, after the number of a tab."""
    plain, _, note = name.rpartition(" (")
    parts = [
        (name, r"(?! \()"),
        *([(plain, rf" \({re.escape(note)}")] if plain and note.endswith(")") else []),
    ]
    cut = "|".join(
        re.escape(text[:end].rstrip()) + f" ?…{rest}"
        for text, rest in reversed(parts)
        for end in range(len(text) - 1, 0, -1)
    )
    return rf"(?:\d )?(?:{re.escape(name)}(?:'s)?|{cut})" if cut else re.escape(name)


def allowed(
    state: OrgState, now: datetime, events: Iterable[Event] = (), more: Iterable[object] = ()
) -> Whole:
    """Return all figures and names of an org at a moment, and the figures in further values."""
    org, lead = state.org, state.credits.lead_meter
    windows = state.plan.windows if state.plan else ()
    known = (state.plan, state.credits, state.subscription, state.series, *more)
    values = [*_values(known), *_derived(state, now)]
    figures = {text for value in values for text in _forms(value, now)}
    percents = [window.percent for window in windows] + [one.percent for one in state.credits.meters]
    percents += [forecast_percent_at_reset(window, state, now) for window in windows]
    figures |= {form.format_percent(percent) for percent in percents}
    verdict = judge(state, now)
    banner = words.build_banner_text(verdict, now, UTC)
    sentences = [words.format_verdict_line(verdict, now, UTC), words.format_short_verdict(verdict, now, UTC)]
    sentences += [
        *(value for _, value in words.list_verdict_facts(verdict, now, UTC)),
        *(
            form
            for facts in (banner.state, banner.outlook, [banner.end])
            for forms in facts
            for form in forms
        ),
        *(format_event_line(one, now, UTC) for one in events),
    ]
    figures |= {found[0] for text in sentences for found in FIGURE.finditer(text)}
    reasons = [window.locked_reason for window in windows] + [lead.reason if lead else None]
    names = {org.display_name, org.plan_name, state.session.label, state.account.email, *reasons}
    # The cap beside used credits has no currency: `$50.00 of 50`.
    names |= {credits.cap for credits in list_credit_forms(OverviewRow(state, verdict), now, UTC)}
    return Whole(frozenset(figures), frozenset(name for name in (*names, *_labels(windows)) if name))


def _labels(windows: Sequence[Window]) -> Iterator[str]:
    for window in windows:
        yield window.label
        yield window.label.removeprefix("7-day ")


def _derived(state: OrgState, now: datetime) -> Iterator[object]:
    """Yield the values that are calculated from the figures."""
    found = compute_spend_rate(state.series, now)
    ahead = forecast_limit(state.credits, found, now) if found else None
    yield from (found, ahead, state.series.spent if state.series.runs else None, state.read_at, now)
    yield from (meter.remaining for meter in state.credits.meters)
    for window in state.plan.windows if state.plan else ():
        full = forecast_window_full(window, now, state.read_at)
        yield full
        if full and window.resets_at:
            yield form.format_countdown(window.resets_at - full)


def _values(value: object) -> Iterator[object]:
    """Yield every value within a value, at any depth."""
    yield value
    if not isinstance(value, Money):
        for name in list_fields(value):
            yield from _values(getattr(value, name))
    if isinstance(value, Mapping):
        yield from (inner for part in value.values() for inner in _values(part))
    elif isinstance(value, tuple) and not list_fields(value):
        yield from (inner for part in value for inner in _values(part))


def _forms(value: object, now: datetime) -> Iterator[str]:
    """Yield every format of a value."""
    match value:
        case str() if FIGURE.fullmatch(value):
            yield value
        case Money():
            yield from (
                form.format_money(value),
                f"{form.format_money(value)}/h",
                f"+{form.format_money(value)}",
            )
        case datetime():
            past, left = form.format_age(now - value), form.format_countdown(value - now)
            yield from (
                form.format_moment(value, now, UTC),
                f"{form.to_local(value, UTC):%H:%M}",
                past,
                past.removesuffix(" ago"),
            )
            yield from (left, f"({left})", f"(in {left})", f"{value:%b} {value.day}")
            yield form.format_dated_day(form.to_local(value, UTC).date(), now, UTC)
        case date():
            yield from (value.isoformat(), form.format_short_day(value))
        case _:
            for name in () if isinstance(value, type) else list_fields(value):
                yield from _forms(getattr(value, name), now)


def width_defects(lines: Sequence[str], width: int) -> Iterator[str]:
    """Return the lines that lack the terminal's width in cells; a wide character has two."""
    for place, line in enumerate(lines):
        if cell_len(line) != width:
            yield f"line {place} has {cell_len(line)} cells: {line!r}"


def frame_defects(lines: Sequence[str]) -> Iterator[str]:
    """Return the frames without four corners or with a gap in a side."""
    grid = [_cells(line) for line in lines]
    for sides in ("╭╮╰╯│", "┏┓┗┛┃"):
        yield from _open_frames(grid, *sides)


def _open_frames(grid: Sequence[str], *sides: str) -> Iterator[str]:
    top_left, top_right, low_left, low_right, side = sides
    corners = [(y, x) for y, line in enumerate(grid) for x, cell in enumerate(line) if cell == top_left]
    ends = [(y, x) for y, line in enumerate(grid) for x, cell in enumerate(line) if cell == low_right]
    frames: list[tuple[int, int, int, int]] = []

    def is_inside(y: int, x: int) -> bool:
        """Return True for a corner of a curve: it is inside of a frame."""
        return any(top < y < low and left < x < right for top, left, low, right in frames)

    for y, x in corners:
        if is_inside(y, x):
            continue
        right = grid[y].find(top_right, x)
        below = next((low for low in range(y + 1, len(grid)) if grid[low][x] != side), None)
        closed = right > x and below is not None and grid[below][x] == low_left
        if not closed or below is None or grid[below][right] != low_right:
            yield f"the frame that begins in line {y}, column {x} has not all its corners"
        elif any(grid[row][right] != side for row in range(y + 1, below)):
            yield f"the right side of the frame in line {y} has a gap"
        else:
            frames.append((y, x, below, right))
    if sum(not is_inside(y, x) for y, x in ends) != len(frames):
        yield f"{len(frames)} frames begin with {top_left}, as many do not end with {low_right}"


def _cells(line: str) -> str:
    """Return a character for each cell, with a blank behind a wide one."""
    return "".join(char + " " * (cell_len(char) - 1) for char in line)


def text_of(strips: Iterable[Any]) -> list[str]:
    """Return the text of the lines of a screen, with all their blanks."""
    return ["".join(segment.text for segment in strip) for strip in strips]

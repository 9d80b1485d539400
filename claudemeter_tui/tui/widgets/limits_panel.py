"""The limits panel: one line for each window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest
from operator import itemgetter
from typing import NamedTuple

from rich.cells import cell_len

from claudemeter_tui.formatting.credits import describe_provenance, format_window_forecasts
from claudemeter_tui.formatting.values import (
    format_countdown,
    format_dated_day,
    format_moment,
    format_money,
    format_no_reset,
    format_percent,
    format_reset_due,
    to_local,
)
from claudemeter_tui.formatting.verdict import NO_LIMITS, Forms, lacks_limits
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.forecast import forecast_window_full
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity, Window
from claudemeter_tui.tui.layout import compute_panel_widths
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    draw_bar,
    fit_line,
    join_pieces,
    pick_fitting,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

MAX_LABEL_WIDTH = 16
"""Maximum cells of a window's label; a longer label ends in an ellipsis."""
SHARE_WIDTH = 8
"""Cells of a percentage with the blank before it and the mark after it."""
MOMENT_WIDTH = 9
"""Cells of a reset; a later one has only its day."""
GAP = 2
"""Blanks between the columns of a line."""
MIN_BAR, MIN_BAR_BESIDE_RESET = 3, 8
"""Minimum cells of the bar alone, and beside the reset and its countdown."""
MIN_BAR_BESIDE_FORECAST = 16
"""Minimum cells of the bar beside a forecast."""
_FORECAST_FORMS = 3
"""Forms of a forecast, see `format_window_forecasts`."""
SEPARATOR_WIDTH = 3
"""Cells between two notes in a line."""
_Note = tuple[str, str]
"""A text below the bars and its style."""
PAST_WORDS = {False: "due", True: "ended"}
"""Text in place of the percentage, for a window whose reset has passed and for an expired allowance."""


class LimitsPanel(LineWidget):
    """Each window with its percentage, its reset and a mark for the elapsed time."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw a line per window, and the forecasts below if the lines have no room for them."""
        lines = build_window_bars(self.view, *self.compute_inner_size(width, height))
        head = build_line(("Limits", HEADING)), build_line((_describe_source(self.view), MUTED))
        return self.draw_panel(head, lines, width, height)


class _Row(NamedTuple):
    """The texts of one window."""

    window: Window
    moment: str
    """Reset or expiry. Empty if there is none."""
    countdown: str
    wide: str
    """Text in place of both, for a window without a future reset. Empty for all others."""
    short: str
    """The same in `MOMENT_WIDTH` cells. Empty if none is short enough."""
    extras: tuple[str, ...]
    """Lock, amount, last percentage or forecast, and shorter forms. Empty if there is none."""
    is_urgent: bool = False
    """True if the window will be full before its reset, or is locked."""
    is_noted: bool = False
    """True if the extras are worth a line below the bars where they have no column."""

    def choose_note(self, form: int, cells: int) -> str:
        """Return label and extras in this form; a sentence loses its second half if it does not fit."""
        text = f"{self.window.label} {(self.extras[form:] or self.extras[-1:])[0]}"
        is_sentence = form == 0 < len(self.extras) - 1
        return text.partition(", ")[0] if is_sentence and cell_len(text) > cells else text

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The higher it is, the more the extras matter."""
        return self.is_urgent, self.window.is_plan_wide, self.window.percent or 0.0


class _Columns(NamedTuple):
    """The bar's cells, and what follows the percentages."""

    bar: int
    """Cells of the bar; 0 if not even a small one fits."""
    resets: Sequence[str]
    """Reset and countdown of each window, as far as there is room, in the same number of cells."""
    extras: Sequence[str]
    """Forecast of each window, in the same number of cells; empty texts if there is no room for them."""

    def select_noted_rows(self, rows: Sequence[_Row]) -> list[_Row]:
        """Return the windows with a note below the bars, because the forecasts have no column."""
        return [] if any(self.extras) else [row for row in rows if row.is_noted]


def count_windows(view: View) -> int:
    """Return the number of windows to show."""
    return len(_get_windows(view))


def count_limits_lines(view: View, width: int) -> int:
    """Return the lines that the panel needs in a terminal of this width."""
    windows = _get_windows(view)
    if not windows:
        return 1
    rows, inner, label = _build_rows(view, windows), compute_panel_widths(width)[0], measure_labels(view)
    noted = _choose_columns(rows, inner, label).select_noted_rows(rows)
    rooms = range(len(noted) + 1)
    return len(rows) + next((it for it in rooms if _arrange_notes(noted, "", inner, it) is not None), 1)


def find_next_full_window(view: View) -> Forms:
    """Return the forecast of the plan-wide window that fills first, with its name; see the banner.

    Empty if every window resets before it is full, or if the banner has something else to say.
    """
    found = _find_next_full_window(view)
    if found is None or view.state is None:
        return ()
    forms = format_window_forecasts(found, view.state, view.now, view.zone)
    return tuple(f"{found.label} {form}" for form in forms)


def _find_next_full_window(view: View) -> Window | None:
    verdict = view.verdict
    if view.state is None or verdict is None or verdict.state is not VerdictState.CAN_WORK:
        return None
    if verdict.is_locked:
        return None
    known = ((forecast_window_full(it, view.now, view.state.read_at), it) for it in verdict.running_windows)
    dated = [(full, window) for full, window in known if full is not None]
    return min(dated, key=itemgetter(0), default=(None, None))[1]


def has_other_source(view: View) -> bool:
    """True if another session read the windows, which a line says if no frame's title does."""
    return bool(_describe_source(view))


def _describe_source(view: View) -> str:
    """Return `via Claude Code` if another session read the windows; else empty."""
    return describe_provenance(view.state, Endpoint.USAGE) if view.state else ""


def _get_windows(view: View) -> tuple[Window, ...]:
    plan = view.state.plan if view.state else None
    return plan.windows if plan else ()


def measure_labels(view: View) -> int:
    """Return the cells of the longest label, at most `MAX_LABEL_WIDTH`; 0 without windows."""
    return min(MAX_LABEL_WIDTH, max((cell_len(window.label) for window in _get_windows(view)), default=0))


def list_window_facts(view: View, said: str) -> list[tuple[str, ...]]:
    """Return the percentages of the plan-wide windows that a text does not give, the fullest first."""
    windows = [it for it in _get_windows(view) if it.is_plan_wide and it.percent is not None]
    facts = [
        (it.label, format_percent(it.percent))
        for it in sorted(windows, key=lambda it: -(it.percent or 0.0))
        if not it.is_due(view.now)
    ]
    return [
        (f"{label} {percent}",)
        for label, percent in facts
        if not any(f"{label} {known}" in said for known in (percent, "full"))
    ]


def build_window_bars(view: View, width: int, room: int, label: int = 0) -> list[StyledLine]:
    """Return the windows in at most `room` lines, with labels of at least `label` cells."""
    windows = _get_windows(view)
    if not windows:
        return [_explain_missing(view, width)]
    label = max(label, measure_labels(view))
    if room < len(windows):
        # Keep the order of the reply, so that a rising percentage does not swap lines.
        fullest = nlargest(
            room, windows, lambda it: (it.compute_severity(view.now), it.is_plan_wide, it.percent or 0.0)
        )
        windows = tuple(window for window in windows if window in fullest)
    if not windows:
        return []
    rows = _build_rows(view, windows)
    columns = _choose_columns(rows, width, label)
    if not columns.bar:
        return [_build_short_line(row, view, width) for row in rows]
    tails = zip(rows, columns.resets, columns.extras, strict=True)
    lines = [_build_line(row, view, (label, columns.bar), tail) for row, *tail in tails]
    if room > len(rows):
        # Without a frame, no title names the session.
        source = "" if view.layout.framed else _describe_source(view)
        lines += _build_notes(columns.select_noted_rows(rows), source, width, room - len(rows), label)
    return lines


def _explain_missing(view: View, width: int) -> StyledLine:
    plan = view.state.plan if view.state else None
    if plan is None:
        is_failing = view.state is not None and view.state.failures
        return fit_line(build_line(("Not read: press e" if is_failing else "Not read yet", MUTED)), width)
    why = "this plan has no windows" if plan.is_reported else "claude.ai sent no usage"
    verdict = view.verdict
    is_unknown = verdict is not None and verdict.state is VerdictState.UNKNOWN and not lacks_limits(verdict)
    head = build_line(("no figures", MUTED) if is_unknown else (NO_LIMITS, HEADING))
    return pick_fitting((build_line(head, (f"  {why}", MUTED)), head), width)


def _build_rows(view: View, windows: Sequence[Window]) -> list[_Row]:
    return [_build_row(view, window) for window in windows]


def _build_row(view: View, window: Window) -> _Row:
    now, zone, at = view.now, view.zone, window.resets_at
    lock = (f"locked: {window.locked_reason}",) if window.locked_reason is not None else ()
    amount = (f"{format_money(window.used)} of {format_money(window.limit)}",) if window.limit else ()
    if at is None:
        wide = format_no_reset(window, "not reported")
        short = "unstarted" if window.percent == 0 else ""
        known = lock or amount
        return _Row(window, "", "", wide, short, known, is_urgent=bool(lock), is_noted=bool(known))
    moment = format_moment(at, now, zone)
    if len(moment) > MOMENT_WIDTH:
        moment = format_dated_day(to_local(at, zone).date(), now, zone)
    if window.is_due(now):
        # The word for it is in the place of the percentage, see `PAST_WORDS`.
        wide = f"{format_reset_due(window)} {moment}" if window.is_allowance else f"since {moment}"
        return _Row(window, "", "", wide, "", (f"was {format_percent(window.percent)}",), is_noted=True)
    if window.is_allowance:
        moment = f"expires {moment}"
    ahead = format_window_forecasts(window, view.state, now, zone) if view.state else ()
    is_urgent = bool(lock) or bool(ahead and ahead[-1].startswith("full"))
    # The banner has the forecast of one of them.
    is_noted = bool(lock or amount) or (is_urgent and window is not _find_next_full_window(view))
    extras = lock or amount or ahead
    return _Row(window, moment, format_countdown(at - now), "", "", extras, is_urgent, is_noted)


def _choose_columns(rows: Sequence[_Row], width: int, label: int) -> _Columns:
    """Return the fullest columns that leave enough cells for the bar."""
    room = width - label - 1 - SHARE_WIDTH
    for least, resets, extras in _iterate_columns(rows):
        bar = room - sum(max(map(cell_len, texts)) + GAP for texts in (resets, extras) if any(texts))
        if bar >= least:
            return _Columns(bar, _pad(resets), _pad(extras))
    return _Columns(0, (), ())


def _iterate_columns(rows: Sequence[_Row]) -> Iterator[tuple[int, Sequence[str], Sequence[str]]]:
    """Yield the minimum cells of the bar with the texts beside it, the fullest first."""
    none = [""] * len(rows)
    moment, countdown = (max(map(len, texts)) for texts in zip(*map(_get_times, rows), strict=True))
    both = [row.wide or f"{row.moment:<{moment}}  {row.countdown:>{countdown}}".strip() for row in rows]
    for form in (1, 2):  # the longest form of a forecast is a sentence
        yield (
            MIN_BAR_BESIDE_FORECAST,
            both,
            [row.extras[: form + 1][-1] if row.extras else "" for row in rows],
        )
    yield MIN_BAR_BESIDE_RESET, both, none
    yield MIN_BAR, [row.moment or row.short for row in rows], none
    yield MIN_BAR, [f"{row.countdown:>{countdown}}" for row in rows], none
    yield MIN_BAR, none, none


def _get_times(row: _Row) -> tuple[str, str]:
    return row.moment, row.countdown


def _pad(texts: Sequence[str]) -> list[str]:
    """Return the texts of a column in the same number of cells."""
    cells = max(map(cell_len, texts))
    return [text + " " * (cells - cell_len(text)) for text in texts]


def _build_line(row: _Row, view: View, cells: tuple[int, int], tail: Sequence[str]) -> StyledLine:
    """Return label, bar, percentage and mark, then the tail; `cells` are those of label and bar."""
    window, (label, bar) = row.window, cells
    percent = None if window.is_due(view.now) else window.percent
    style = MUTED if window.is_due(view.now) else SEVERITY_STYLES[window.compute_severity(view.now)]
    return build_line(
        build_line(window.label).truncate(label, ellipsis=True, pad=True),
        " ",
        draw_bar(percent, bar, style, elapsed=window.compute_elapsed(view.now)),
        _build_share(row, view),
        *(
            (" " * GAP + text, text_style)
            for text, text_style in zip(tail, (MUTED, _get_extra_style(row)), strict=True)
            if text
        ),
    )


def _build_short_line(row: _Row, view: View, width: int) -> StyledLine:
    """Return as much of the label as fits, percentage and mark, which stay longest."""
    name = build_line(row.window.label).truncate(max(0, width - SHARE_WIDTH), ellipsis=True, pad=True)
    return fit_line(build_line(name, _build_share(row, view)), width)


def _build_share(row: _Row, view: View) -> StyledLine:
    severity = row.window.compute_severity(view.now)
    is_due = row.window.is_due(view.now)
    value = PAST_WORDS[row.window.is_allowance] if is_due else format_percent(row.window.percent)
    return build_line((f" {value:>5} {SEVERITY_MARKS[severity]}", SEVERITY_STYLES[severity]))


def _get_extra_style(row: _Row) -> str:
    return SEVERITY_STYLES[Severity.WARNING] if row.is_urgent else MUTED


def _build_notes(rows: Sequence[_Row], source: str, width: int, room: int, label: int) -> list[StyledLine]:
    """Return locks, forecasts and amounts, and the session of the figures, in at most `room` lines.

    Those of all windows, in their order; if even the shortest have no room, only those that matter most.
    """
    if not rows:
        return [fit_line(build_line((source, MUTED)), width)] if source else []
    ranked = sorted(rows, key=lambda row: row.rank, reverse=True)
    for named in dict.fromkeys((source, "")):
        for count in range(len(rows), 0, -1):
            kept = [row for row in rows if row in ranked[:count]]
            for indent in (label + 1, 0):
                if lines := _arrange_notes(kept, named, width - indent, room):
                    return [build_line(" " * indent, join_pieces([*map(build_line, it)])) for it in lines]
    return [fit_line(build_line((ranked[0].extras[-1], _get_extra_style(ranked[0]))), width)]


def _arrange_notes(rows: Sequence[_Row], source: str, cells: int, room: int) -> list[list[_Note]] | None:
    """Return the notes of each line, in the longest forms that fit. None if not even the shortest do."""
    for form in range(_FORECAST_FORMS):
        lines: list[list[_Note]] = []
        left = 0
        for note in _iterate_notes(rows, source, form, cells):
            size = cell_len(note[0])
            if not lines or size + SEPARATOR_WIDTH > left:
                lines.append([note])
                left = cells - size
            else:
                lines[-1].append(note)
                left -= size + SEPARATOR_WIDTH
            if left < 0 or len(lines) > room:
                break
        else:
            return lines
    return None


def _iterate_notes(rows: Sequence[_Row], source: str, form: int, cells: int) -> Iterator[_Note]:
    """Yield the notes in this form, then the session of the figures."""
    for row in rows:
        yield row.choose_note(form, cells), _get_extra_style(row)
    if source:
        yield source, MUTED

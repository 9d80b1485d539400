"""The limits panel: a bar for each window."""

from __future__ import annotations

import re
from collections.abc import Iterator
from heapq import nlargest

from claudemeter_tui.formatting.credits import describe_provenance, format_window_forecasts
from claudemeter_tui.formatting.values import (
    format_countdown,
    format_moment,
    format_money,
    format_no_reset,
    format_percent,
    format_reset_due,
    format_reset_verb,
    format_short_day,
    to_local,
)
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.windows import Plan, Window
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
PERCENT_WIDTH = 6
"""Cells of a percentage."""
PAST_WORDS = {False: "due", True: "ended"}
"""Text in place of the percentage, for a window whose reset has passed and for an expired allowance."""
BESIDE_FROM, WORDY_FROM, ROOMY_FROM = 52, 66, 76
"""Minimum cells for the reset on the bar's line, for the word "resets", and for the pace."""


class LimitsPanel(LineWidget):
    """Each window with its percentage, its reset and a mark for the elapsed time."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw two lines per window if there is room, else one, else only the fullest windows."""
        lines = build_window_bars(self.view, *self.compute_inner_size(width, height))
        by = describe_provenance(self.view.state, Endpoint.USAGE) if self.view.state else ""
        return self.draw_panel(
            (build_line(("Limits", HEADING)), build_line((by, MUTED))), lines, width, height
        )


def count_windows(view: View) -> int:
    """Return the number of windows to show."""
    return len(_get_windows(view))


def _get_windows(view: View) -> tuple[Window, ...]:
    plan = view.state.plan if view.state else None
    return plan.windows if plan else ()


def measure_labels(view: View) -> int:
    """Return the cells of the longest label, at most `MAX_LABEL_WIDTH`; 0 without windows."""
    lengths = (build_line(window.label).cell_length for window in _get_windows(view))
    return min(MAX_LABEL_WIDTH, max(lengths, default=0))


def build_window_bars(view: View, width: int, room: int, label: int = 0) -> list[StyledLine]:
    """Return the windows in at most `room` lines, with labels of at least `label` cells."""
    windows = _get_windows(view)
    if not windows:
        return [build_line((_explain_missing(view), MUTED))]
    label = max(label, measure_labels(view))
    if room >= 2 * len(windows):
        lines = []
        for window in windows:
            reset = _build_reset(window, view, width - label - 1)
            lines += [_build_bar_line(view, window, width, label), build_line(" " * (label + 1), reset)]
        return lines
    if room < len(windows):
        # Keep the order of the reply, so that a rising percentage does not swap lines.
        fullest = nlargest(
            room, windows, lambda it: (it.compute_severity(view.now), it.is_plan_wide, it.percent or 0.0)
        )
        windows = tuple(window for window in windows if window in fullest)
    return [_build_one_line(view, window, width, label) for window in windows]


def _explain_missing(view: View) -> str:
    plan: Plan | None = view.state.plan if view.state else None
    if plan is None:
        return "Not read yet" if view.state is None or not view.state.failures else "Not read: press e"
    return "No windows on this plan" if plan.is_reported else "No usage reported"


def _build_one_line(view: View, window: Window, width: int, label: int) -> StyledLine:
    """Return bar and reset in one line; in a narrow pane without the countdown."""
    if width < BESIDE_FROM:
        soon = build_line((_format_short_reset(window, view), MUTED))
        return build_line(_build_bar_line(view, window, width - 10, label), " ", fit_line(soon, 9))
    room = 34 if width >= ROOMY_FROM else 26 if width >= WORDY_FROM else 18
    reset = _build_reset(window, view, room, wordy=width >= WORDY_FROM)
    return build_line(_build_bar_line(view, window, width - room - 2, label), "  ", reset)


def _build_reset(window: Window, view: View, room: int, *, wordy: bool = True) -> StyledLine:
    """Return the longest form of the reset that fits."""
    forms = _iterate_reset_forms(window, view, room)
    if not wordy:
        forms = ([re.sub("^(resets|expires) ", "", part) for part in parts] for parts in forms)
    return pick_fitting((join_pieces([build_line((part, MUTED)) for part in parts]) for parts in forms), room)


def _build_bar_line(view: View, window: Window, width: int, label: int) -> StyledLine:
    severity = window.compute_severity(view.now)
    style = SEVERITY_STYLES[severity]
    room = width - label - PERCENT_WIDTH - 4
    due = window.is_due(view.now)
    percent = None if due else window.percent
    return build_line(
        build_line(window.label).truncate(label, ellipsis=True, pad=True),
        " ",
        draw_bar(percent, room, MUTED if due else style, elapsed=window.compute_elapsed(view.now)),
        ((PAST_WORDS[window.is_allowance] if due else format_percent(percent)).rjust(PERCENT_WIDTH), style),
        (f" {SEVERITY_MARKS[severity]}", style),
    )


def _iterate_reset_forms(window: Window, view: View, width: int) -> Iterator[list[str]]:
    """Yield the lock, the reset and the forecasts of a window in shorter and shorter forms."""
    lock, when, amount = [], _format_reset(window, view), []
    if window.locked_reason is not None:
        lock = [build_line(f"locked: {window.locked_reason}").truncate(width, ellipsis=True).plain]
    if window.limit is not None:
        amount = [f"{format_money(window.used)} of {format_money(window.limit)}"]
    ahead = format_window_forecasts(window, view.state, view.now, view.zone) if view.state else ()
    without_countdown = when.partition(" (")[0]
    tails = [amount, []] if amount else [[]]
    yield from ([*lock, when, full, *tail] for tail in tails for full in ahead)
    if ahead and ahead[-1].startswith("~"):
        # The estimated percentage replaces no figure that was read.
        yield [f"{when} at {ahead[-1].partition(' ')[0]}"]
    elif ahead:
        yield [*lock, without_countdown, ahead[-1]]
    elif amount:
        yield [*lock, when, *amount]
    yield [*lock, when]
    yield lock or [without_countdown]
    yield [_format_short_reset(window, view)]


def _format_reset(window: Window, view: View) -> str:
    if window.resets_at is None:
        return format_no_reset(window, "reset not reported")
    at = format_moment(window.resets_at, view.now, view.zone)
    if window.is_due(view.now):
        since = "" if window.is_allowance else " since"
        return f"{format_reset_due(window)}{since} {at}, was {format_percent(window.percent)}"
    return f"{format_reset_verb(window)} {at} ({format_countdown(window.resets_at - view.now)})"


def _format_short_reset(window: Window, view: View) -> str:
    if window.resets_at is None:
        return "unstarted" if window.percent == 0 else ""
    if window.is_due(view.now):
        return format_reset_due(window)
    at = format_moment(window.resets_at, view.now, view.zone)
    return at if len(at) <= 9 else format_short_day(to_local(window.resets_at, view.zone))

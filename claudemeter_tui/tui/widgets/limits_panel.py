"""The utilization bars: one for each window."""

from __future__ import annotations

import re
from collections.abc import Iterator

from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.usage import Plan, Severity, Window
from claudemeter_tui.text import format as form
from claudemeter_tui.text.forecast import window_forms
from claudemeter_tui.text.via import via
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing

LABEL = 16
"""Most cells of a window's label; longer ones end in an ellipsis."""
PERCENT = 6
"""Cells of a percentage."""
BESIDE_FROM, WORDY_FROM, ROOMY_FROM = 52, 66, 76
"""Cells from which the reset stands on the bar's own line, says "resets", and has room for the pace."""


class LimitsPanel(Drawing):
    """Every window with its percent, its reset, and a mark for the time that has passed."""

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """Two lines a window where there is room, else one; the fullest ones where there is less."""
        framed = self.view.layout.framed
        inner, room = (width - 4, height - 2) if framed else (width - 2, height)
        lines = bars(self.view, inner, room)
        if not framed:
            return [ink.fit(ink.text(" ", line), width) for line in lines]
        lines += [ink.text("")] * (room - len(lines))
        by = via(self.view.state, Endpoint.USAGE) if self.view.state else ""
        return ink.framed(ink.text(("Limits", ink.TITLE)), ink.text((by, ink.MUTED)), lines, width)


def wanted(view: View) -> int:
    """How many windows there are to show; a line says that there are none."""
    return len(_windows(view))


def _windows(view: View) -> tuple[Window, ...]:
    plan = view.state.plan if view.state else None
    return plan.windows if plan else ()


def label_width(view: View) -> int:
    """Cells of the longest label, at most `LABEL`; 0 without windows."""
    return min(LABEL, max((ink.text(window.label).cell_length for window in _windows(view)), default=0))


def bars(view: View, width: int, room: int, label: int = 0) -> list[ink.Line]:
    """Every window in at most `room` lines, the labels at least `label` cells wide."""
    windows = _windows(view)
    if not windows:
        return [ink.text((_none(view), ink.MUTED))]
    label = max(label, label_width(view))
    if room >= 2 * len(windows):
        return [line for window in windows for line in _tall(view, window, width, label)]
    if room < len(windows):
        chosen = sorted(windows, key=lambda window: _need(window, view), reverse=True)[:room]
        windows = tuple(window for window in windows if window in chosen)
    return [_flat(view, window, width, label) for window in windows]


def _none(view: View) -> str:
    plan: Plan | None = view.state.plan if view.state else None
    if plan is None:
        return "Not read yet" if view.state is None or not view.state.failures else "Not read: press e"
    return "No windows on this plan" if plan.reported else "The server reported no usage"


def _need(window: Window, view: View) -> tuple[Severity, bool, float]:
    return window.severity(view.now), window.plan_wide, window.percent or 0.0


def _tall(view: View, window: Window, width: int, label: int) -> list[ink.Line]:
    """The bar, and its reset below."""
    below = _beside(window, view, width - label - 1)
    return [_bar(view, window, width, label), ink.text(" " * (label + 1), below)]


def _flat(view: View, window: Window, width: int, label: int) -> ink.Line:
    """Everything on one line; in a narrow place the reset alone, without the countdown."""
    if width < BESIDE_FROM:
        soon = ink.text((_brief(window, view), ink.MUTED))
        return ink.text(_bar(view, window, width - 10, label), " ", ink.fit(soon, 9))
    room = 34 if width >= ROOMY_FROM else 26 if width >= WORDY_FROM else 18
    beside = _beside(window, view, room, wordy=width >= WORDY_FROM)
    return ink.text(_bar(view, window, width - room - 2, label), "  ", beside)


def _beside(window: Window, view: View, room: int, *, wordy: bool = True) -> ink.Line:
    """As much of its reset as fits."""
    forms = _reset(window, view, room)
    if not wordy:
        forms = ([re.sub("^(resets|expires) ", "", part) for part in parts] for parts in forms)
    return ink.longest((ink.joined([ink.text((part, ink.MUTED)) for part in parts]) for parts in forms), room)


def _bar(view: View, window: Window, width: int, label: int) -> ink.Line:
    severity = window.severity(view.now)
    style = ink.STYLE[severity]
    room = width - label - PERCENT - 4
    due = window.is_due(view.now)
    percent = None if due else window.percent
    return ink.text(
        ink.text(window.label).truncate(label, ellipsis=True, pad=True),
        " ",
        ink.bar(percent, room, ink.MUTED if due else style, elapsed=window.elapsed(view.now)),
        ("due".rjust(PERCENT) if due else form.percent(percent).rjust(PERCENT), style),
        (f" {ink.MARK[severity]}", style),
    )


def _reset(window: Window, view: View, width: int) -> Iterator[list[str]]:
    """Its reset and what else is known of it, in fewer and fewer words; a lock before all."""
    lock, when, amount = [], _when(window, view), []
    if window.locked_reason is not None:
        lock = [ink.text(f"locked: {window.locked_reason}").truncate(width, ellipsis=True).plain]
    if window.limit is not None:
        amount = [f"{form.money(window.used) if window.used else '?'} of {form.money(window.limit)}"]
    ahead = window_forms(window, view.state.read_at if view.state else None, view.now, view.zone)
    without_countdown = when.partition(" (")[0]
    tails = [amount, []] if amount else [[]]
    yield from ([*lock, when, full, *tail] for tail in tails for full in ahead)
    if ahead:
        yield [*lock, without_countdown, ahead[-1]]
    elif amount:
        yield [*lock, when, *amount]
    yield [*lock, when]
    yield lock or [without_countdown]
    yield [_brief(window, view)]


def _when(window: Window, view: View) -> str:
    if window.resets_at is None:
        return "not started" if window.percent == 0 else "reset not reported"
    at = form.when(window.resets_at, view.now, view.zone)
    if window.is_due(view.now):
        since = "" if window.once else " since"
        return f"{form.due(window)}{since} {at}, was {form.percent(window.percent)}"
    return f"{form.ends(window)} {at} ({form.countdown(window.resets_at - view.now)})"


def _brief(window: Window, view: View) -> str:
    if window.resets_at is None:
        return "unstarted" if window.percent == 0 else ""
    if window.is_due(view.now):
        return form.due(window)
    at = form.when(window.resets_at, view.now, view.zone)
    day = form.local(window.resets_at, view.zone)
    return at if len(at) <= 9 else f"{day:%b} {day.day}"

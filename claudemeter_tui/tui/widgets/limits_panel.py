"""The utilization bars: one for each window."""

from __future__ import annotations

from claudemeter_tui.model.usage import Plan, Severity, Window
from claudemeter_tui.text import format as form
from claudemeter_tui.text.forecast import window_line
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing

LABEL = 15
"""Most cells of a window's label; longer ones end in an ellipsis."""
PERCENT = 6
"""Cells of a percentage."""
BESIDE_FROM = 52
"""Cells from which reset and countdown stand on the bar's own line."""


class LimitsPanel(Drawing):
    """Every window with its percent, its reset, and a mark for the time that has passed."""

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """Two lines a window where there is room, else one; the fullest ones where there is less."""
        framed = self.view.layout.framed
        inner, room = (width - 4, height - 2) if framed else (width - 2, height)
        lines = _lines(self.view, inner, room)
        if not framed:
            return [ink.fit(ink.text(" ", line), width) for line in lines]
        lines += [ink.text("")] * (room - len(lines))
        return ink.framed(ink.text(("Limits", ink.TITLE)), ink.text(""), lines, width)


def wanted(view: View) -> int:
    """How many windows there are to show; one line says that there are none."""
    return max(1, len(_windows(view)))


def _windows(view: View) -> tuple[Window, ...]:
    plan = view.state.plan if view.state else None
    return plan.windows if plan else ()


def _lines(view: View, width: int, room: int) -> list[ink.Line]:
    windows = _windows(view)
    if not windows:
        return [ink.text((_none(view), ink.MUTED))]
    label = min(LABEL, max(ink.text(window.label).cell_length for window in windows))
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
    below = ink.fitting(_reset(window, view), width - label - 1)
    return [_bar(view, window, width, label), ink.text(" " * (label + 1), below)]


def _flat(view: View, window: Window, width: int, label: int) -> ink.Line:
    """Everything on one line; in a narrow place the reset alone, without the countdown."""
    if width >= BESIDE_FROM:
        parts = _reset(window, view)
        if parts[0].cell_length > 26:
            parts = [ink.text((parts[0].plain.partition(" (")[0], ink.MUTED))]
        beside = ink.fitting(parts, 26)
        return ink.text(_bar(view, window, width - 28, label), "  ", beside)
    soon = ink.text((_brief(window, view), ink.MUTED))
    return ink.text(_bar(view, window, width - 10, label), " ", ink.fit(soon, 9))


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


def _reset(window: Window, view: View) -> list[ink.Line]:
    """`resets 16:00 (1h 12m)`, then what else is known of it, the most needed first."""
    parts = [_when(window, view)]
    if window.locked_reason is not None:
        parts.insert(0, f"locked: {window.locked_reason}")
    if ahead := window_line(window, view.state.read_at if view.state else None, view.now, view.zone):
        parts.append(ahead)
    if window.limit is not None:
        parts.append(f"{form.money(window.used) if window.used else '?'} of {form.money(window.limit)}")
    return [ink.text((part, ink.MUTED)) for part in parts]


def _when(window: Window, view: View) -> str:
    if window.resets_at is None:
        return "not started" if window.percent == 0 else "reset not reported"
    at = form.when(window.resets_at, view.now, view.zone)
    if window.is_due(view.now):
        return f"reset due since {at}, was {form.percent(window.percent)}"
    return f"resets {at} ({form.countdown(window.resets_at - view.now)})"


def _brief(window: Window, view: View) -> str:
    if window.resets_at is None:
        return "unstarted" if window.percent == 0 else ""
    if window.is_due(view.now):
        return "reset due"
    at = form.when(window.resets_at, view.now, view.zone)
    day = form.local(window.resets_at, view.zone)
    return at if len(at) <= 9 else f"{day:%b} {day.day}"

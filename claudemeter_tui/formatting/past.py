"""Put the figures of a past moment into words, where the replies are no longer kept."""

from __future__ import annotations

from datetime import tzinfo

from claudemeter_tui.formatting.credits import CREDIT_STATE_NAMES, ORIGIN_LABELS
from claudemeter_tui.formatting.events import BY_DATE
from claudemeter_tui.formatting.history import describe_stop_cause, format_amount, format_window
from claudemeter_tui.formatting.json_view import escape_invisible
from claudemeter_tui.formatting.values import format_moment, format_reset_due, format_reset_verb
from claudemeter_tui.formatting.verdict import CREDITS_BLOCKED, VERDICT_NAMES
from claudemeter_tui.model.archive_rows import FigureRow
from claudemeter_tui.model.catalogue import WINDOWS, Cause, CreditState, MeterOrigin
from claudemeter_tui.model.history import (
    BALANCE_FIGURE,
    CAP_FIGURE,
    CREDITS_FIGURE,
    USED_FIGURE,
    VERDICT_FIGURE,
    WINDOW_PREFIX,
)
from claudemeter_tui.model.past import PastFigures
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Window

NO_REPLIES = "replies no longer kept"
FIGURES_ONLY = "the last figures read until then"
FIGURES_AND_EVENTS = f"{FIGURES_ONLY}, and the events before"
NOTHING_READ = "nothing was read then"
EVENTS_TITLE = "Events of the 24 hours before"
MAX_NAME = 24
"""Characters of a name that the server chose."""
_UNKNOWN_CAUSES = {
    Cause.NOT_READ: "no successful read for 15 minutes",
    Cause.NOT_REPORTED: "no figures reported",
}
"""Words for the causes of UNKNOWN, where `STOP_CAUSES` has those of the credits."""
_FIRST_FIGURES = (VERDICT_FIGURE, CREDITS_FIGURE, WINDOW_PREFIX, USED_FIGURE, CAP_FIGURE, BALANCE_FIGURE)
_FIGURE_NAMES = {
    VERDICT_FIGURE: "verdict",
    CREDITS_FIGURE: "credits",
    USED_FIGURE: "used credits",
    CAP_FIGURE: "cap",
    BALANCE_FIGURE: "balance",
}


def sort_figures(figures: PastFigures) -> list[FigureRow]:
    """Return verdict, credits, windows in their usual order and amounts, then the amounts of each reply."""
    places = {key: place for place, key in enumerate(WINDOWS)}

    def rank(row: FigureRow) -> tuple[int, int, str]:
        is_window = row.figure.startswith(WINDOW_PREFIX)
        kind = WINDOW_PREFIX if is_window else row.figure
        place = _FIRST_FIGURES.index(kind) if kind in _FIRST_FIGURES else len(_FIRST_FIGURES)
        return place, places.get(row.figure.removeprefix(WINDOW_PREFIX), len(places)), row.figure

    return sorted(figures.rows, key=rank)


def format_figure_name(figure: str) -> str:
    """Return `verdict`, `5-hour`, `used credits`, or `used (spend)` for the amount of one part of a reply."""
    if figure in _FIGURE_NAMES:
        return _FIGURE_NAMES[figure]
    name, _, origin = figure.partition(":")
    if origin in [*MeterOrigin]:
        return f"{name} ({ORIGIN_LABELS[MeterOrigin(origin)]})"
    text = escape_invisible(format_window(figure, names_unknown=True))
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 1]}…"


def format_figure_value(row: FigureRow, figures: PastFigures) -> str:
    """Return `BLOCKED`, `locked`, `41%` or `$17.20`; `reset due` for a window whose reset has passed."""
    if figures.is_due(row):
        return format_reset_due(_build_window(row))
    if row.figure == VERDICT_FIGURE:
        return format_past_verdict(row)
    if row.figure == CREDITS_FIGURE and row.value in [*CreditState]:
        return CREDIT_STATE_NAMES[CreditState(str(row.value))]
    return format_amount(row.value)


def format_past_verdict(row: FigureRow) -> str:
    """Return `ON CREDITS`, or `CAN WORK · credits BLOCKED`."""
    state = VerdictState(str(row.value)) if row.value in [*VerdictState] else VerdictState.UNKNOWN
    is_locked = state is VerdictState.CAN_WORK and row.cause
    return f"{VERDICT_NAMES[state]} · {CREDITS_BLOCKED}" if is_locked else VERDICT_NAMES[state]


def describe_figure_detail(row: FigureRow, figures: PastFigures, zone: tzinfo | None = None) -> str:
    """Return the cause of a state, `resets 16:00`, `since 16:00, was 41%`, or an empty text.

    A state that began after its last reading follows from a date only.
    """
    if row.resets_at is not None:
        reset = format_moment(row.resets_at, figures.at, zone)
        if figures.is_due(row):
            return f"since {reset}, was {format_amount(row.value)}"
        return f"{format_reset_verb(_build_window(row))} {reset}"
    dated = BY_DATE if row.first_at > row.confirmed_at else ""
    return " · ".join(filter(None, (_describe_cause(row), dated)))


def _build_window(row: FigureRow) -> Window:
    """Return the window of a row, with what decides if it resets or expires."""
    key = row.figure.removeprefix(WINDOW_PREFIX)
    return Window(key, key, is_one_time=key in WINDOWS and WINDOWS[key].is_one_time)


def _describe_cause(row: FigureRow) -> str:
    """Return the cause of a state; empty if it has none."""
    if not row.cause:
        return ""
    if row.figure == VERDICT_FIGURE and row.value == VerdictState.UNKNOWN and row.cause in _UNKNOWN_CAUSES:
        return _UNKNOWN_CAUSES[Cause(row.cause)]
    return describe_stop_cause(row.cause)


def format_past_state(figures: PastFigures) -> tuple[str, str]:
    """Return the name of the verdict and its cause: `BLOCKED`, `monthly cap reached`."""
    verdict = figures.verdict
    if verdict is None:
        return VERDICT_NAMES[VerdictState.UNKNOWN], NOTHING_READ
    return format_past_verdict(verdict), describe_figure_detail(verdict, figures)

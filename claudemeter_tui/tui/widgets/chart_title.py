"""What stands above a chart: what it shows, since when, and beside that what is read off it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import events as told
from claudemeter_tui.text import format as form
from claudemeter_tui.text.chart import Ink, Pointed
from claudemeter_tui.text.chart.frame import moment
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View

SPANS: tuple[tuple[timedelta | None, str], ...] = (
    (timedelta(minutes=15), "the last 15 minutes"),
    (timedelta(hours=1), "the last hour"),
    (None, "the run"),
    (timedelta(days=1), "the last day"),
    (timedelta(days=7), "the last week"),
)
"""How far back a chart can look, and how that is called."""

STYLES: dict[Ink | Severity, str] = {
    Ink.SCALE: ink.MUTED,
    Ink.LIMIT: ink.MUTED,
    Ink.CURVE: "$curve",
    Ink.SECOND: "$accent",
    Ink.BOTH: "$curve on $accent",
    **{severity: f"bold {style.removeprefix('bold ')}" for severity, style in ink.STYLE.items()},
}
"""The colour of each piece of a chart."""
SAMPLES = {False: ("▄▄", "▖▖"), True: ("--", "==")}
"""What the first curve looks like, and what any other does; in ASCII too."""


def head(
    view: View, state: OrgState, room: int, *, windows: bool, found: Pointed | None
) -> tuple[ink.Line, ink.Line]:
    """Title and note, as full as there is room for both.

    Args:
        view: What is on screen.
        state: The org.
        room: Cells for both together.
        windows: The windows are shown, not the credits.
        found: What stands under the pointer. None: it is elsewhere.
    """
    subject = ink.text(("Utilization" if windows else _credits(state), ink.TITLE))
    since = _since(_first(state, windows=windows), view)
    titles = [ink.text(subject, (f" {since}", ink.MUTED)), subject]
    if found is not None:
        pairs = [(title, note) for note in _pointed(found, view) for title in titles]
    elif windows:
        keys = list(_key(view, state))
        pairs = [(title, key) for title in (*titles, ink.text("")) for key in keys]
    else:
        pairs = [(title, _rise(view, state)) for title in titles]
    return next((pair for pair in pairs if sum(map(_length, pair)) <= room), (subject, ink.text("")))


def _length(line: ink.Line) -> int:
    return line.cell_length


def _credits(state: OrgState) -> str:
    if state.credits.own is None:
        return "Used credits of the pool"
    return "Used credits" if state.credits.pool is None else "Your used credits"


def _first(state: OrgState, *, windows: bool) -> datetime:
    """When what is shown was read first."""
    if windows:
        return moment(min(history.since for history in state.histories.values()))
    return state.series.runs[0].first


def _since(first: datetime, view: View) -> str:
    """`since 14:02`; where less is shown `in the last hour`, where it is all the same both."""
    since = f"since {form.when(first, view.now, view.zone)}"
    if view.span is None:
        return since
    within = f"in {dict(SPANS)[view.span]}"
    return within if first < view.now - view.span else f"{within}, {since}"


def _rise(view: View, state: OrgState) -> ink.Line:
    """What was spent in the time that is shown."""
    spent = state.series.risen if view.span is None else state.series.risen_from(view.now - view.span)
    return ink.text((f"+{form.money(spent)}", ink.TITLE if spent.minor else ink.MUTED))


def _key(view: View, state: OrgState) -> Iterator[ink.Line]:
    """Each window with a sample of its curve and where it stands, then with less."""
    windows = state.plan.windows if state.plan else ()
    known = {it.label: form.percent(it.percent) for it in windows if not it.is_due(view.now)}
    for cells, percents in ((2, known), (2, {}), (1, {})):
        parts = [
            ink.text(
                (SAMPLES[view.ascii][number > 0][:cells], STYLES[Ink.SECOND if number else Ink.CURVE]),
                f" {label} {percents.get(label, '')}".rstrip(),
            )
            for number, label in enumerate(state.histories)
        ]
        yield ink.joined(parts, " " * cells)


def _pointed(found: Pointed, view: View) -> Iterator[ink.Line]:
    """`14:31  $50.00 · BLOCKED: your own monthly limit is reached`, then with less of what happened."""
    at = form.when(found.events[0].at if found.events else found.at, view.now, view.zone)
    values = "  ".join(found.values) or "nothing read"
    happened = [ink.text(told.words(event, view.zone)) for event in found.events]
    return ink.fewer([ink.text((f"{at}  {values}", ink.TITLE)), *happened])

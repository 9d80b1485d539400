"""The verdict in a few lines: state, cause and end, then the cure and what frees up first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, describe_problem_cure
from claudemeter_tui.formatting.verdict import (
    BannerText,
    Forms,
    build_banner_text,
    capitalize,
    format_verdict_name,
    format_verdict_note,
)
from claudemeter_tui.model.verdict import Verdict, VerdictState, get_state_severity
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.screens.starting import describe_activity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    break_text,
    build_line,
    fit_line,
    get_verdict_style,
    join_pieces,
    pick_fitting,
    shorten_name,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.credits_panel import build_credits_facts
from claudemeter_tui.tui.widgets.limits_panel import find_next_full_window, list_window_facts
from claudemeter_tui.tui.widgets.line_widget import LineWidget, indent_lines
from claudemeter_tui.tui.widgets.org_tabs import MAX_NAME_WIDTH

if TYPE_CHECKING:
    from claudemeter_tui.model.past import PastFigures

GAP = 2
"""Blanks between the verdict's name and its facts."""
MIN_MESSAGE = 12
"""Least cells for a message beside the verdict."""
TWO_LINES_FROM = 80
"""Columns from which the banner has at most two lines; below, it has three."""
SEPARATOR_WIDTH = 3
"""Cells between two facts."""
HANG_FROM, HANG_PART = 96, 6
"""Cells from which further lines begin below the facts of the first one, if its name takes no more than this
part of them; otherwise they begin below the name, where they have more room.
"""


class Banner(LineWidget):
    """The banner, the only part that is never hidden."""

    DEFAULT_CSS = """
    Banner.-apart { margin: 1 0; }
    """

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the verdict in the available lines."""
        view, verdict = self.view, self.view.verdict
        if view.past_figures is not None:
            return [_build_past_line(view, view.past_figures, width)]
        if verdict is None and view.message:
            return indent_lines([fit_line(build_line(view.message), width - 2)], width)
        if verdict is None:
            lines = _build_placeholder(view, width - 2)
            if len(lines) > height:
                lines = [*lines[: height - 1], join_pieces(lines[height - 1 :], " ")]
            return indent_lines(lines, width)
        if not view.layout.limits:
            return indent_lines([_build_one_line(view, verdict, width - 2)], width)
        edge, style = _draw_edge(view), _get_style(view, verdict)
        room = width - len(edge) - 1
        if view.layout.tabs or view.layout.verdict > 1:  # several lines without tabs: there is only one org
            lines = _build_lines(view, verdict, room, height)
        else:
            lines = [_build_one_line(view, verdict, room)]
        return [build_line((edge, style), fit_line(line, room), " ") for line in lines]


def count_banner_lines(view: View, width: int) -> int:
    """Return how many lines the verdict would fill: at most two from 80 columns on, below at most three."""
    if view.verdict is None:
        return len(_build_placeholder(view, width - 2))
    most = 2 if width >= TWO_LINES_FROM else 3
    return len(_build_lines(view, view.verdict, width - len(_draw_edge(view)) - 1, most))


def _draw_edge(view: View) -> str:
    """Return the coloured edge of each line; the text begins in the column of the panels' text."""
    return ("|" if view.ascii else "▌") + (" " if view.layout.framed else "")


def _format_name(view: View, verdict: Verdict) -> str:
    """Return the verdict's name, after the moment if it is a past one."""
    name = format_verdict_name(verdict)
    return f"{view.past_label}: {name}" if view.past_label else name


def _build_past_line(view: View, figures: PastFigures, width: int) -> StyledLine:
    """Return the verdict as it was stored, with its cause; details and the org's name are dropped first."""
    from claudemeter_tui.formatting.past import format_past_state  # noqa: PLC0415 - not for the first figures

    name, cause = format_past_state(figures)
    is_locked = figures.verdict is not None and bool(figures.verdict.cause)
    style = get_verdict_style(figures.state, get_state_severity(figures.state, is_locked=is_locked))
    head = build_line((f"{view.past_label}: {name}", f"bold {style}"))
    org = figures.owner.org.display_name if figures.owner.org is not None else ""
    prefixes = [build_line((f" {org}: ", MUTED)), build_line(" ")]
    if view.message:
        return _add_message([build_line(prefix, head) for prefix in prefixes], view.message, width)
    forms = (
        build_line(prefix, head, " " * GAP if text else "", text)
        for text in dict.fromkeys((cause, ""))
        for prefix in prefixes
    )
    return pick_fitting(forms, width)


def _get_style(view: View, verdict: Verdict) -> str:
    return get_verdict_style(verdict.state, verdict.compute_severity(view.now))


def _build_text(view: View, verdict: Verdict) -> BannerText:
    """Return the facts of the verdict; the forecast of the window that fills next comes first."""
    text, forecast = build_banner_text(verdict, view.now, view.zone), find_next_full_window(view)
    return text._replace(outlook=(forecast, *text.outlook)) if forecast else text


def _build_placeholder(view: View, width: int) -> list[StyledLine]:
    """Return a placeholder before the first verdict: why it is missing, then what to do."""
    trouble = next((problem for problem in view.store.problems if problem.org is None), None)
    if trouble is None:
        return [build_line((describe_activity(view.note), MUTED))]
    what = wrap_text(PROBLEM_TEXTS[trouble.error_kind].summary, width, SEVERITY_STYLES[Severity.CRITICAL])
    return [*what, *wrap_text(describe_problem_cure(trouble), width)]


def _build_one_line(view: View, verdict: Verdict, width: int) -> StyledLine:
    """Return org, verdict, fullest windows and credits in one line; the least important is left out first."""
    name = _format_name(view, verdict)
    bare = _build_name(view, verdict, name)
    orgs = [_build_org_prefix(view, most) for most in (MAX_NAME_WIDTH, MAX_NAME_WIDTH // 2, 0)]
    if view.message:
        return _add_message([build_line(org, bare) for org in orgs], view.message, width)
    text = _build_text(view, verdict)
    heads = [_build_name(view, verdict, full) for full in _list_names(name, verdict, text)]
    lead, *more = text.state
    said, layout = " ".join(forms[0] for forms in text.state), view.layout
    windows = [] if layout.limits else list_window_facts(view, said)
    credits = [] if layout.credits else build_credits_facts(view)
    for facts in (
        [lead, *more, *windows, *credits, *text.outlook],
        *([lead, *more, *windows[:count], *credits] for count in range(len(windows), 0, -1)),
        [lead, *windows[:1], *credits],
        [lead, *more, *credits],
        [lead, *more],
    ):
        for head in heads:
            if chosen := _choose_forms(facts, width - orgs[0].cell_length - head.cell_length - GAP):
                return _join_facts(build_line(orgs[0], head), chosen)
    # Nothing else in a line without tabs names the org, so its name goes last.
    named = orgs[:-1] if view.store.orgs[1:] else orgs
    for org in named:
        if chosen := _choose_forms([lead], width - org.cell_length - heads[-1].cell_length - GAP):
            return _join_facts(build_line(org, heads[-1]), chosen)
    ended = [f"{name} {end}" for end in text.end[-1:]]
    shorter = (_build_name(view, verdict, each) for each in (*ended, name))
    whole = (build_line(org, head) for head in shorter for org in named)
    found = next((line for line in whole if line.cell_length <= width), None)
    return found or fit_line(build_line(orgs[-1], bare, " " * GAP, lead[-1]), width)


def _join_facts(head: StyledLine, facts: Sequence[str]) -> StyledLine:
    """Return the verdict with the facts beside it, in one line."""
    return build_line(head, " " * GAP, _style_facts(facts, calm=True))


def _list_names(name: str, verdict: Verdict, text: BannerText) -> list[str]:
    """Return the name of BLOCKED with the end of the block, the longest form first; other names alone.

    The first fact beside any other verdict has its end.
    """
    ends = text.end if verdict.state is VerdictState.BLOCKED else ()
    return [f"{name} {end}" for end in ends] or [name]


def _build_name(view: View, verdict: Verdict, name: str) -> StyledLine:
    """Return the name in the style of its severity; the note beside CAN WORK has it alone."""
    style, note = _get_style(view, verdict), format_verdict_note(verdict)
    if not note:
        return build_line((name, f"bold {style}"))
    calm = get_verdict_style(verdict.state, Severity.NORMAL)
    return build_line((name.removesuffix(note), f"bold {calm}"), (note, f"bold {style}"))


def _add_message(heads: Sequence[StyledLine], message: str, width: int) -> StyledLine:
    """Return the longest form of the verdict beside which the message fits.

    If none is short enough, the message ends early; the verdict alone is shown if not even a word fits.
    """
    head = next((head for head in heads if head.cell_length + GAP + cell_len(message) <= width), heads[-1])
    room = width - head.cell_length - GAP
    return build_line(head, " " * GAP, fit_line(build_line(message), room)) if room >= MIN_MESSAGE else head


def _build_org_prefix(view: View, most: int) -> StyledLine:
    """Return the org's name in at most `most` cells, for a line without tabs."""
    if view.layout.tabs or view.state is None or not most:
        return build_line()
    return build_line((f"{shorten_name(view.state.org.display_name, most)}: ", MUTED))


def _build_lines(view: View, verdict: Verdict, width: int, most: int) -> list[StyledLine]:
    """Return state, cause and end, then cure and outlook, in at most `most` lines without the edge."""
    name, text = _format_name(view, verdict), _build_text(view, verdict)
    for full in _list_names(name, verdict, text):
        head = _build_name(view, verdict, full)
        hang = cell_len(name) + (1 if full != name else GAP)
        if width < HANG_FROM or hang > width // HANG_PART:
            hang = 0
        rooms = [width - head.cell_length - GAP, *[width - hang] * (most - 1)]
        # Below the table of the overview, a low terminal has no panel of the credits.
        is_without = view.layout.limits and not view.layout.credits
        outlook = [*text.outlook, *(build_credits_facts(view) if is_without else [])]
        places = _place_facts(text.state, outlook, rooms) if rooms[0] + GAP >= 0 else None
        if places is not None:
            break
    else:
        return _build_tight_lines(view, verdict, width, most)
    rows, left_out = places
    calm = verdict.state is VerdictState.CAN_WORK and not verdict.is_locked
    lines = [build_line(head, " " * GAP if rows[0] else "", _style_facts(rows[0], calm=calm, leads=True))]
    lines += [build_line(" " * hang, _style_facts(row, calm=calm)) for row in rows[1:]]
    note = f"+{left_out} more (d)" if left_out else text.code
    # The code is the least important part: never beside the cause and its date.
    for place in range(len(lines) - 1, -1 if left_out else 0, -1):
        gap = width - lines[place].cell_length - cell_len(note)
        if note and gap >= GAP:
            lines[place] = build_line(lines[place], " " * gap, (note, MUTED))
            break
    return lines


def _style_facts(facts: Sequence[str], *, calm: bool, leads: bool = False) -> StyledLine:
    """Return facts in a line; those beside the name are bold, unless the verdict is calm."""
    facts = [*map(capitalize, facts[:1]), *facts[1:]]
    styles = ["" if calm else HEADING] * len(facts) if leads else ["", *[MUTED] * len(facts)]
    return join_pieces([build_line((fact, style)) for fact, style in zip(facts, styles, strict=False)])


def _place_facts(
    state: Sequence[Forms], outlook: Sequence[Forms], rooms: Sequence[int]
) -> tuple[list[list[str]], int] | None:
    """Return the facts of each line and the number of those left out. None if the first fact does not fit.

    The outlook begins a new line. `rooms` has the cells of each line.
    """
    keep = 1 if outlook and len(rooms) > 1 else 0
    rows, rest = _fill_rows(state, rooms[: len(rooms) - keep])
    reserve = len("+9 more (d)") + GAP
    further, left_out = _fill_rows([*rest, *outlook], rooms[max(1, len(rows)) :], reserve)
    rows = rows or [[]]
    return ([*rows, *further], len(left_out)) if any(rows) or any(further) else None


def _fill_rows(
    facts: Sequence[Forms], rooms: Sequence[int], reserve: int = 0
) -> tuple[list[list[str]], list[Forms]]:
    """Return the facts of each line, in order, and the facts for which there was no room.

    Only the last line shortens its facts, the least important first; it keeps `reserve` cells for a note if
    some are left out.
    """
    rows: list[list[str]] = []
    rest = list(facts)
    for place, room in enumerate(rooms):
        if place < len(rooms) - 1:
            row = next(
                filter(None, (_choose_forms([f[:1] for f in rest[:n]], room) for n in _down(rest))), ()
            )
            row = row or _choose_forms(rest[:1], room)
        else:
            cells = {n: room if n == len(rest) else room - reserve for n in _down(rest)}
            row = next(filter(None, (_shorten_last(rest[:n], cells[n]) for n in _down(rest))), ())
            row = row or _choose_forms(rest[:1], room)
        if row or not rows:
            rows.append(list(row))
        rest = rest[len(row) :]
    while rows and not rows[-1]:
        rows.pop()
    return rows, rest


def _down(facts: Sequence[Forms]) -> range:
    """Return all numbers of facts to try, the largest first."""
    return range(len(facts), 0, -1)


def _choose_forms(facts: Sequence[Forms], room: int) -> tuple[str, ...]:
    """Return a form of each fact so that all fit, the first ones shortened first; empty if they do not."""
    return _shorten(facts, room, [*range(len(facts)), *range(len(facts))])


def _shorten_last(facts: Sequence[Forms], room: int) -> tuple[str, ...]:
    """Return a form of each fact so that all fit, the last one as short as needed first; empty if not."""
    places = reversed([place for place, forms in enumerate(facts) for _ in forms[1:]])
    return _shorten(facts, room, [*places])


def _shorten(facts: Sequence[Forms], room: int, places: Sequence[int]) -> tuple[str, ...]:
    """Return the first forms that fit, after the fact at each of these places was shortened once more."""
    chosen = [0] * len(facts)
    cells = [[cell_len(form) for form in forms] for forms in facts]
    room -= SEPARATOR_WIDTH * (len(facts) - 1)
    for place in (None, *places):
        if place is not None:
            chosen[place] = min(chosen[place] + 1, len(facts[place]) - 1)
        if sum(map(list.__getitem__, cells, chosen)) <= room:
            return tuple(map(tuple.__getitem__, facts, chosen))
    return ()


def _build_tight_lines(view: View, verdict: Verdict, width: int, room: int) -> list[StyledLine]:
    """Return the verdict wrapped over the lines, for a pane in which not even the cause fits whole."""
    text, style = _build_text(view, verdict), f"bold {_get_style(view, verdict)}"
    name = _list_names(_format_name(view, verdict), verdict, text)[-1]
    facts = " · ".join(forms[-1] for forms in (*text.state, *text.outlook))
    lines = [build_line(line) for line in break_text(f"{name}  {facts}", width)]
    if len(lines) > room:
        merged = " ".join(line.plain.strip() for line in lines[room - 1 :])
        lines = [*lines[: room - 1], fit_line(build_line(merged), width)]
    # A very narrow pane can break the name at its blank, so a line end counts as a blank here.
    left = len(name)
    for place, line in enumerate(lines):
        lines[place] = line.stylize(style, 0, max(0, left))
        left -= len(line.plain) + 1
    return lines

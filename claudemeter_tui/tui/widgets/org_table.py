"""The table of all orgs: the columns that fit, the header and a line for each org."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from functools import cached_property
from itertools import islice

from rich.cells import cell_len
from textual.content import Content

from claudemeter_tui.charts.canvas import draw_sparkline
from claudemeter_tui.formatting.credits import CREDIT_STATE_NAMES
from claudemeter_tui.formatting.overview import (
    CREDITS_OFF,
    NARROW_VERDICT_TITLES,
    NO_VALUE,
    SPENT_TITLES,
    CreditForm,
    OverviewColumn,
    OverviewRow,
    format_spent,
    format_window,
    list_credit_forms,
    list_narrow_verdict_forms,
    list_verdict_forms,
    shorten_credits,
)
from claudemeter_tui.formatting.verdict import format_verdict_note
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.day import DayUse
from claudemeter_tui.model.verdict import Verdict, VerdictState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    draw_bar,
    get_verdict_mark,
    get_verdict_style,
    shorten_name,
)

MIN_NAME_WIDTH, MAX_NAME_WIDTH = 24, 40
"""Cells of a name below which another column is left out first, and maximum cells."""
LEAST_NAME_WIDTH = 10
"""Cells of a name below which a verdict loses its end and its percentage first."""
COLUMN_GAP = 2
"""Blanks between two columns."""
MARK_WIDTH, CURSOR_WIDTH = 2, 2
"""Cells of a verdict's mark and of the mark after a percentage, and those of the cursor's mark."""
BAR_WIDTHS = (4, 6, 8, 10, 12, 16)
"""Cells of a mini bar, as the width allows."""
SPARK_WIDTHS = (8, 12, 16, 24, 32)
"""Cells of a sparkline, as the width allows."""

ARROWS = {False: "▾", True: "▴"}
"""Signs of the usual and of the reversed order, behind the title of the sorted column."""
WINDOW_COLUMNS = (OverviewColumn.SESSION_WINDOW, OverviewColumn.WEEK_WINDOW)
SHORT_COLUMNS = (*WINDOW_COLUMNS, OverviewColumn.FULLEST)
"""Columns that hold a percentage."""

Growth = tuple[str, int]
"""A column, or `bar`, and its new cells."""
Form = tuple[str, str]
"""A verdict with its end, and a note."""


@dataclass(frozen=True)
class RowTexts:
    """The texts of one org, formatted once for a minute."""

    name: str
    verdicts: Sequence[Form]
    """Forms of the verdict, the longest first."""
    narrow_verdicts: Sequence[Form]
    """Forms of the verdict if no column has a percentage, the longest first."""
    credits: Sequence[CreditForm]
    """Forms of the credits, the longest first; the last one leaves out a state that the verdict says."""
    percents: Mapping[OverviewColumn, str]
    spent: str
    """Credits spent today."""
    has_spark: bool
    """True if the 5-hour window was read today."""

    @property
    def is_aged(self) -> bool:
        """True if the verdict has the age of its figures."""
        return bool(self.narrow_verdicts[0][1])

    @cached_property
    def widths(self) -> Mapping[str, int]:
        """Cells of each text, of the longest and of the shortest form."""
        verdicts = [measure_form(form) for form in self.verdicts]
        rests = [_measure_rest(form) for form in self.credits]
        found = {"name": cell_len(self.name), "spent": cell_len(self.spent)}
        found |= {"verdict": verdicts[0], "bare": min(verdicts), "end": _measure_end(self.verdicts)}
        whole = [measure_form(form) for form in self.narrow_verdicts]
        # Beside the age of old figures, the percentage is left out before another column is.
        found |= {"roomy": whole[0], "narrow": whole[min(1, len(whole) - 1) if self.is_aged else 0]}
        amount, least = cell_len(self.credits[0].amount), min(rests[:-1])
        found |= {"amount": amount, "rest": rests[0], "least": least, "whole": amount + least}
        found |= {"short": amount + rests[-1]}
        found |= {column.value: cell_len(text) for column, text in self.percents.items()}
        return found


def build_row_texts(
    row: OverviewRow,
    now: datetime,
    zone: tzinfo | None,
    use: DayUse | None,
) -> RowTexts:
    """Format the texts of an org; `use` is None where no day is shown, as in the past."""
    credits = list_credit_forms(row, now, zone)
    return RowTexts(
        row.name,
        list_verdict_forms(row, now, zone),
        list_narrow_verdict_forms(row, now, zone),
        [*credits, shorten_credits(row, credits[-1])],
        {column: format_window(row.find_window(column), now) for column in SHORT_COLUMNS},
        format_spent(use),
        use is not None and bool(use.spans),
    )


def measure_form(form: Form) -> int:
    """Return the cells of a verdict with its note."""
    return cell_len(form[0]) + (cell_len(form[1]) + 3 if form[1] else 0)


def _measure_rest(form: CreditForm) -> int:
    """Return the cells of what is behind an amount, with the blank before it."""
    return cell_len(form.text) - cell_len(form.amount)


def _measure_end(forms: Sequence[Form]) -> int:
    """Return the cells of the verdict with its end, without a note that is no age."""
    return measure_form(forms[1] if len(forms) > 1 and forms[0][1] == CREDITS_OFF else forms[0])


@dataclass(frozen=True)
class TableLayout:
    """The columns that fit, each with its cells, from left to right."""

    widths: Mapping[OverviewColumn, int] = field(default_factory=dict)
    bar: int = 0
    """Cells of a mini bar; 0 for percentages alone."""
    amount: int = 0
    """Cells in which the amounts of the credits are aligned on the right."""
    is_narrow: bool = False
    """True if the verdict has the percentage of the fullest window, because no column has it."""

    @property
    def is_plain(self) -> bool:
        """True if the columns need no titles: names, verdicts and at most one percentage."""
        return self.widths.keys() <= {OverviewColumn.ORG, OverviewColumn.VERDICT, OverviewColumn.FULLEST}

    @property
    def total(self) -> int:
        """Cells of a line, with the mark of the verdict."""
        return MARK_WIDTH + sum(self.widths.values()) + COLUMN_GAP * (len(self.widths) - 1)


def build_table_layout(rows: Iterable[RowTexts], width: int) -> TableLayout:
    """Choose the columns that fit into `width` cells: start with the essential ones and add what fits.

    A column that has no figure in any row is left out.
    """
    rows = list(rows)
    most: dict[str, int] = {}
    for row in rows:
        for part, cells in row.widths.items():
            most[part] = max(most.get(part, 0), cells)
    has_windows = [
        column for column in WINDOW_COLUMNS if any(row.percents[column] != NO_VALUE for row in rows)
    ]
    has_credits = any(row.credits[0].amount != NO_VALUE for row in rows)
    has_spending = any(row.spent != NO_VALUE for row in rows)
    has_spark = any(row.has_spark for row in rows)
    starts = _iterate_starts(most, has_windows, has_credits=has_credits)
    layout = next((start for start in starts if start.total <= width), None)
    if layout is None:
        return _build_narrowest(most, width, has_windows=bool(has_windows))
    amount, name = most.get("amount", 0), most.get("name", 1)
    credits = (most.get("whole", 0), *(amount + most.get(part, 0) for part in ("least", "rest")))
    growths: list[Growth] = [
        *((OverviewColumn.CREDITS, cells) for cells in credits if OverviewColumn.CREDITS in layout.widths),
        (OverviewColumn.ORG, min(name, MAX_NAME_WIDTH)),
    ]
    if all(column in layout.widths for column in has_windows):
        spent = max(len(OverviewColumn.SPENT), most.get("spent", 0))
        growths += [(OverviewColumn.SPENT, spent)] if has_spending else []
        growths += _iterate_roomy_growths(most, has_spark=has_spark, has_spending=has_spending)
    for part, cells in growths:
        grown = _grow_column(layout, part, cells, width)
        layout = grown if grown.total <= width else layout
    known = layout.widths[OverviewColumn.VERDICT]
    longest = most.get("roomy" if layout.is_narrow else "verdict", 7)
    spare = max(0, min(width - layout.total, longest - known))
    return _set_widths(layout, {OverviewColumn.VERDICT: known + spare})


def _iterate_starts(
    most: Mapping[str, int], windows: Sequence[OverviewColumn], *, has_credits: bool
) -> Iterator[TableLayout]:
    """Yield the essential columns, then fewer: the credits come before a second window.

    A percentage without a column of its own is in that of the verdict.
    """
    name = min(max(most.get("name", 1), len(OverviewColumn.ORG)), MIN_NAME_WIDTH)
    credits = {OverviewColumn.CREDITS: max(most.get("short", 0), len(OverviewColumn.CREDITS))}
    both, fullest = (
        {column: max(4, most.get(column.value, 4)) + MARK_WIDTH for column in columns}
        for columns in (windows, [OverviewColumn.FULLEST] if windows else [])
    )
    least = _measure_least_verdict(most)
    wide, short = (max(least, most.get(part, least)) for part in ("end", "narrow"))
    base = TableLayout({OverviewColumn.ORG: name, OverviewColumn.VERDICT: wide}, amount=most.get("amount", 0))
    narrow = replace(_set_widths(base, {OverviewColumn.VERDICT: short}), is_narrow=bool(windows))
    for money in (credits, {}) if has_credits else ({},):
        yield _set_widths(base, both | money)
        yield _set_widths(base, fullest | money)
        yield _set_widths(narrow, money)


def _build_narrowest(most: Mapping[str, int], width: int, *, has_windows: bool) -> TableLayout:
    """Return only name and verdict; a row leaves out the end or the percentage if that does not fit."""
    name, room = min(most.get("name", 1), MIN_NAME_WIDTH), width - MARK_WIDTH - COLUMN_GAP
    verdict = min(most.get("narrow", 7), room - min(name, LEAST_NAME_WIDTH))
    verdict = max(_measure_least_verdict(most), verdict)
    widths = {OverviewColumn.ORG: max(1, min(name, room - verdict)), OverviewColumn.VERDICT: verdict}
    return TableLayout(widths, is_narrow=has_windows)


def _measure_least_verdict(most: Mapping[str, int]) -> int:
    """Return the cells of the name of a verdict; the title of the column keeps a cell for the arrow."""
    return max(most.get("bare", 7), len(OverviewColumn.VERDICT) + 1)


def _grow_column(layout: TableLayout, part: str, cells: int, width: int) -> TableLayout:
    """Return the layout with more cells for a column or all mini bars; a name only takes what is free."""
    if part == "bar":
        windows = [column for column in WINDOW_COLUMNS if column in layout.widths]
        bare = layout.bar + 1 if layout.bar else 0
        wider = {column: layout.widths[column] - bare + cells + 1 for column in windows}
        return replace(_set_widths(layout, wider), bar=cells) if wider else layout
    known = layout.widths.get(OverviewColumn(part), 0)
    most = known + max(0, width - layout.total) if part is OverviewColumn.ORG else cells
    return _set_widths(layout, {OverviewColumn(part): max(known, min(cells, most))})


def _iterate_roomy_growths(
    most: Mapping[str, int], *, has_spark: bool, has_spending: bool
) -> Iterator[Growth]:
    """Yield what a wide terminal has room for."""
    bars, sparks = iter(BAR_WIDTHS), iter(SPARK_WIDTHS if has_spark else ())
    yield "bar", next(bars)
    yield OverviewColumn.VERDICT, max(len(OverviewColumn.VERDICT) + 1, most.get("verdict", 7))
    for _ in range(2):
        yield from ((OverviewColumn.TODAY, cells) for cells in islice(sparks, 1))
        yield "bar", next(bars)
    if has_spending:
        yield OverviewColumn.SPENT, max(len(SPENT_TITLES[0]), most["spent"])
    yield from ((OverviewColumn.TODAY, cells) for cells in sparks)
    yield from (("bar", cells) for cells in bars)


def _set_widths(layout: TableLayout, columns: Mapping[OverviewColumn, int]) -> TableLayout:
    """Return the layout with other cells of some columns, in the order of the columns."""
    widths = {**layout.widths, **columns}
    return replace(layout, widths={column: widths[column] for column in OverviewColumn if column in widths})


def build_table_head(
    layout: TableLayout, by: OverviewColumn, titles: Sequence[str], width: int, *, backwards: bool
) -> list[StyledLine]:
    """Return the header in at most `width` cells, a piece for each column; the sorted one has an arrow.

    `titles` are the forms of the title of the sparklines, the last column.
    """
    pieces: list[StyledLine] = []
    start, place = CURSOR_WIDTH + MARK_WIDTH, 0
    for column, cells in layout.widths.items():
        gap = start - place
        is_last = column is OverviewColumn.TODAY
        room = width - start if is_last else cells
        forms: Sequence[str] = (column.value,)
        if is_last:
            forms = titles
        elif column is OverviewColumn.SPENT:
            forms = SPENT_TITLES
        elif column is OverviewColumn.VERDICT and layout.is_narrow:
            forms = NARROW_VERDICT_TITLES
        text = next((form for form in forms if cell_len(form) <= room), "")
        if column is OverviewColumn.SPENT:
            text = text.rjust(cells)
        elif column is OverviewColumn.CREDITS:  # above the amounts
            text = text.rjust(min(layout.amount, cells))
        label = build_line((text, HEADING if column is by else MUTED)).truncate(room)
        if column is by:  # a title as wide as its column has the arrow in the gap behind it
            label = build_line(label, (ARROWS[backwards], "bold $selected"))
        piece = build_line(" " * gap, label.truncate(max(room, label.cell_length), pad=True))
        pieces.append(piece)
        place += piece.cell_length
        start += cells + COLUMN_GAP
    return pieces


def build_table_line(
    row: OverviewRow, texts: RowTexts, layout: TableLayout, now: datetime, day: StyledLine
) -> StyledLine:
    """Return the line of an org; names can be shortened, figures never. `day` is the drawn sparkline."""
    # Without bars, mark and verdict have the severity of the fullest window, as in a tab.
    severity = row.verdict.compute_severity(now) if layout.is_narrow else get_row_severity(row.verdict, now)
    mark = get_verdict_mark(row.verdict.state, severity)
    style = get_verdict_style(row.verdict.state, severity)
    parts: list[str | tuple[str, str] | Content] = [(mark, style), " "]
    for column, width in layout.widths.items():
        match column:
            case OverviewColumn.ORG:
                cell = build_line((shorten_name(texts.name, width), "$foreground"))
            case OverviewColumn.VERDICT:
                verdicts = texts.narrow_verdicts if layout.is_narrow else texts.verdicts
                cell = _build_verdict(row.verdict, verdicts, width, severity)
            case OverviewColumn.SESSION_WINDOW | OverviewColumn.WEEK_WINDOW | OverviewColumn.FULLEST:
                cell = _build_window(row, column, texts.percents[column], layout, now)
            case OverviewColumn.CREDITS:
                cell = _build_credits(row, texts.credits, width, layout.amount, now)
            case OverviewColumn.SPENT:
                cell = build_line(
                    (texts.spent.rjust(width), MUTED if texts.spent == NO_VALUE else "$foreground")
                )
            case OverviewColumn.TODAY:
                cell = day
        parts += [cell.truncate(width, ellipsis=True, pad=True), " " * COLUMN_GAP]
    return build_line(*parts[:-1])


def get_row_severity(verdict: Verdict, now: datetime) -> Severity:
    """Return the severity of a verdict, where the bars show that of the windows."""
    if verdict.state is VerdictState.CAN_WORK and not format_verdict_note(verdict):
        return Severity.NORMAL
    return verdict.compute_severity(now)


def build_day(shares: Sequence[float | None], *, ascii_only: bool) -> StyledLine:
    """Return the sparkline of a day; it has the same scale for each org, 0 to 100 percent.

    The newest value has the style of its severity. Without any value, it is a dash.
    """
    last = next((place for place in reversed(range(len(shares))) if shares[place] is not None), None)
    if last is None:
        return build_line((NO_VALUE, MUTED))
    line = draw_sparkline(shares, 0.0, 1.0, plain=ascii_only, touches_above=False)
    severity = Severity.from_percent(100 * (shares[last] or 0.0))
    newest = "$curve" if severity is Severity.NORMAL else SEVERITY_STYLES[severity]
    return build_line((line[:last], "$curve"), (line[last], newest), line[last + 1 :])


def _build_verdict(verdict: Verdict, forms: Sequence[Form], width: int, severity: Severity) -> StyledLine:
    """Return the longest form that fits."""
    text, note = next((form for form in forms if measure_form(form) <= width), forms[-1])
    head = build_line((text, get_verdict_style(verdict.state, severity)))
    if not note:
        return head
    is_aged = verdict.is_stale or verdict.state is VerdictState.UNKNOWN
    return build_line(head, (" · ", MUTED), (note, SEVERITY_STYLES[Severity.WARNING] if is_aged else MUTED))


def _build_window(
    row: OverviewRow, column: OverviewColumn, text: str, layout: TableLayout, now: datetime
) -> StyledLine:
    """Return a mini bar, the percentage and its mark; figures that are too old for a verdict are muted."""
    window = row.find_window(column)
    if window is None:
        return build_line((text.rjust(layout.widths[column] - MARK_WIDTH), MUTED))
    bar = 0 if column is OverviewColumn.FULLEST else layout.bar
    severity, is_due = window.compute_severity(now), window.is_due(now)
    style = MUTED if is_due or row.verdict.state is VerdictState.UNKNOWN else SEVERITY_STYLES[severity]
    room = layout.widths[column] - MARK_WIDTH - (bar + 1 if bar else 0)
    figure = build_line((text.rjust(room), style), (f" {SEVERITY_MARKS[severity]}", style))
    return (
        build_line(draw_bar(None if is_due else window.percent, bar, style), " ", figure) if bar else figure
    )


def _build_credits(
    row: OverviewRow, forms: Sequence[CreditForm], width: int, amount: int, now: datetime
) -> StyledLine:
    """Return the longest form that fits: the amount, the cap and the state, each in a style of its own."""
    *regular, shortest = forms
    # In a column that is too narrow for all of it, an amount with a state is not aligned.
    form = next((form for form in regular if amount + _measure_rest(form) <= width), None)
    form = form or (regular[-1] if cell_len(regular[-1].text) <= width else shortest)
    amount = min(amount, width - _measure_rest(form))
    state, meter = row.state.credits.compute_state(now), row.meter
    style = MUTED
    if form.amount != NO_VALUE and meter is not None and state not in (CreditState.OFF, CreditState.ABSENT):
        severity = Severity.from_percent(meter.percent)
        style = "$foreground" if severity is Severity.NORMAL else SEVERITY_STYLES[severity]
    is_locked = state is CreditState.LOCKED
    locked = SEVERITY_STYLES[get_row_severity(row.verdict, now)] if is_locked else MUTED
    parts = ((form.cap, MUTED), (form.state, locked), (form.age, MUTED))
    amount_style = locked if is_locked and form.amount == CREDIT_STATE_NAMES[state] else style
    return build_line(
        (form.amount.rjust(amount), amount_style), *((f" {text}", style) for text, style in parts if text)
    )

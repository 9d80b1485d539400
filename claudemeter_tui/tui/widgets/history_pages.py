"""The pages of the history screen: calendar, cycles, sums, stops, and credits per day."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from claudemeter_tui.formatting.history import (
    BILLING_CYCLES,
    EXPECTED_RESET,
    NOT_READ,
    NOTHING,
    SEEN_RESET,
    describe_beginning,
    describe_refused,
    describe_reset,
    describe_stop_cause,
    explain_resets,
    format_amount,
    format_credits,
    format_cycle_name,
    format_cycle_time,
    format_length,
    format_period,
    format_share,
    is_running,
)
from claudemeter_tui.formatting.values import (
    format_count,
    format_money,
)
from claudemeter_tui.formatting.verdict import VERDICT_NAMES
from claudemeter_tui.model.history import (
    MONTH_FIGURE,
    Amount,
    HistoryAnswer,
    HistoryCycle,
    HistoryPeriod,
    PeriodKind,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    build_line,
    wrap_text,
)
from claudemeter_tui.tui.widgets.list_view import BLANK_ROW, MARK_WIDTH, ListPage, ListRow, fix_row
from claudemeter_tui.tui.widgets.tables import (
    COLUMN_GAP,
    BarColumn,
    Cell,
    Table,
    build_text_page,
    list_table_rows,
    wrap_cells,
)

STOP_STYLES = {
    VerdictState.BLOCKED: SEVERITY_STYLES[Severity.FULL],
    VerdictState.WAIT: SEVERITY_STYLES[Severity.CRITICAL],
    VerdictState.ON_CREDITS: SEVERITY_STYLES[Severity.WARNING],
}
"""Style of each state, as in the banner."""


def measure_amount(amount: Amount) -> float:
    """Return minor units, or percent."""
    return float(amount.minor) if isinstance(amount, Money) else amount


EMPTY_CELL: Cell = ("", "")
START_TITLE, NOT_SEEN_TITLE = "  from", "to (* not seen)"
LEFT_COLUMNS = (START_TITLE, "to", NOT_SEEN_TITLE, "reset")
"""Columns that are aligned on the left."""


_SHORT_DAY = re.compile(r"(?<=[a-z]) (\d) ")
"""A day of one digit, which gets two cells, so that all months and days are aligned."""
CYCLE_TITLES = (START_TITLE, "to", "reset", "peak", "full at", "full for", "stopped", "credits")
BARS_BEFORE, MIN_PEAK_BAR = "full at", 10
"""The column behind the bars of the peaks, and minimum cells of a bar."""
UNNAMED_RESETS = {SEEN_RESET, EXPECTED_RESET}
"""Resets that a narrow pane does not name: a running cycle has a mark."""
RUNNING_MARK = "▸"
"""Mark before a cycle that is running."""


class CycleForm(NamedTuple):
    """One of the tables of cycles."""

    dropped: tuple[str, ...] = ()
    """Titles of the columns that it does not have."""
    has_weekday: bool = False


CYCLE_FORMS = (
    CycleForm(has_weekday=True),
    CycleForm(),
    CycleForm(("full for",)),
    CycleForm(("full for", "reset")),
    CycleForm(("full for", "reset", "full at")),
)
"""Tables from the widest to the narrowest. Without the column of the reset, a sign marks one not seen."""


def build_cycles_page(answer: HistoryAnswer, width: int) -> ListPage:
    """Return a table of all cycles, or some lines for each in a narrow pane."""
    cycles = answer.cycles
    if not cycles:
        return build_text_page(("No cycle has started in this period.",), width)
    titles = {cycle.figure: format_cycle_name(cycle.figure) for cycle in cycles}
    keys = [(titles[cycle.figure], (cycle.figure, cycle.starts_at), cycle.moment) for cycle in cycles]
    others = [_list_cycle_cells(answer, cycle) for cycle in cycles]
    dates = _list_cycle_dates(answer)
    rows, has_weekday = list[list[Cell]](), True
    for form in CYCLE_FORMS:
        if not rows or has_weekday is not form.has_weekday:
            has_weekday = form.has_weekday
            rows = _join_cycle_cells(answer, dates, others, has_weekday=has_weekday)
        table = _build_cycle_table(cycles, rows, form)
        if table.width <= width - MARK_WIDTH:
            table = _add_peak_bars(table, cycles, width - MARK_WIDTH)
            shown = {row[2][0] for row in rows if "reset" not in form.dropped}
            return ListPage([*list_table_rows(table, keys), *_explain_resets(shown, width)], width)
    narrow = _wrap_cycles(cycles, rows, width - MARK_WIDTH)
    shown = {row[2][0] for row in rows} - UNNAMED_RESETS
    return ListPage([*list_table_rows(table, keys, narrow), *_explain_resets(shown, width)], width)


def _add_peak_bars(table: Table, cycles: Sequence[HistoryCycle], width: int) -> Table:
    """Return the table with a bar beside each percentage if there is room; an amount has none."""
    cells = width - table.width - COLUMN_GAP - 1  # the credits do not touch the scroll bar
    if cells < MIN_PEAK_BAR or BARS_BEFORE not in table.titles:
        return table
    percents = [cycle.peak if isinstance(cycle.peak, float) else None for cycle in cycles]
    styles = [_get_peak_style(cycle) for cycle in cycles]
    return replace(table, bars=BarColumn(BARS_BEFORE, percents, cells, styles))


def _explain_resets(shown: Collection[str], width: int) -> list[ListRow]:
    """Return what these words about the resets mean, below a blank line; empty if none needs it."""
    text = explain_resets(shown)
    lines = wrap_text(text, width - MARK_WIDTH, MUTED) if text else []
    return [BLANK_ROW, *map(fix_row, lines)] if lines else []


def _build_cycle_table(
    cycles: Sequence[HistoryCycle], rows: Sequence[Sequence[Cell]], form: CycleForm
) -> Table:
    """Return the columns that a form has."""
    rows = [_blank_cells(cycle, row) for cycle, row in zip(cycles, rows, strict=True)]
    shown = [place for place, title in enumerate(CYCLE_TITLES) if title not in form.dropped]
    titles = [CYCLE_TITLES[place] for place in shown]
    kept = [[row[place] for place in shown] for row in rows]
    if "reset" in form.dropped:
        titles[1] = NOT_SEEN_TITLE
        for row, (_, (end, style), (reset, _), *_others) in zip(kept, rows, strict=True):
            row[1] = (end if reset == SEEN_RESET or end == NOTHING else f"{end}*", style)
    return Table(tuple(titles), kept, left=LEFT_COLUMNS)


def _blank_cells(cycle: HistoryCycle, row: Sequence[Cell]) -> list[Cell]:
    """Return the cells of a table: blank if the cycle was not full or had no stop, and no amount twice."""
    start, end, reset, peak, *others = row
    others = [EMPTY_CELL if text == NOTHING else (text, style) for text, style in others]
    if cycle.figure == MONTH_FIGURE and peak[0] == others[-1][0]:  # the peak of a month is what was spent
        peak, others[-1] = EMPTY_CELL, peak
    return [start, end, reset, peak, *others]


def _list_cycle_dates(answer: HistoryAnswer) -> list[list[str]]:
    """Return for each cycle its start, its end and when it was full, with weekdays."""
    now, zone = answer.request.now, answer.request.zone
    return [
        [format_cycle_time(each, now, zone) for each in (cycle.starts_at, cycle.ends_at, cycle.full_at)]
        for cycle in answer.cycles
    ]


def _list_cycle_cells(answer: HistoryAnswer, cycle: HistoryCycle) -> list[Cell]:
    """Return the cells of a cycle that are no dates."""
    return [
        (describe_reset(cycle, answer.request.now), MUTED),
        (format_amount(cycle.peak), _get_peak_style(cycle)),
        (format_length(cycle.full_for), ""),
        (format_length(cycle.stopped), SEVERITY_STYLES[Severity.CRITICAL]),
        (format_money(cycle.spent) if cycle.spent is not None and cycle.spent.minor else NOTHING, ""),
    ]


def _join_cycle_cells(
    answer: HistoryAnswer,
    dates: Sequence[Sequence[str]],
    others: Sequence[Sequence[Cell]],
    *,
    has_weekday: bool,
) -> list[list[Cell]]:
    """Return all cells of each cycle; the dates have one width, so that the times are aligned."""
    if not has_weekday:  # formatting them again would take as long as everything else
        dates = [[date.partition(" ")[2] or date for date in row] for row in dates]
    dates = [[_SHORT_DAY.sub(r"  \1 ", date) for date in row] for row in dates]
    widest = max(len(date) for row in dates for date in row)
    rows = []
    for cycle, texts, (reset, peak, *lengths) in zip(answer.cycles, dates, others, strict=True):
        start, end, full_at = (text if text == NOTHING else text.rjust(widest) for text in texts)
        runs = is_running(cycle, answer.request.now)
        style = HEADING if runs else ""
        mark = RUNNING_MARK if runs else " "
        rows.append([(f"{mark} {start}", style), (end, style), reset, peak, (full_at, ""), *lengths])
    return rows


def _wrap_cycles(
    cycles: Sequence[HistoryCycle], rows: Sequence[Sequence[Cell]], width: int
) -> list[list[list[Cell]]]:
    """Return the lines of each cycle in a narrow pane: from and to, then what else is known."""
    peaks = [
        f"{'credits' if cycle.figure == MONTH_FIGURE and peak == spent else 'peak'} {peak:>4}"
        f"{'' if full_at == NOTHING else f' full {full_at}'}"
        for cycle, (_, _, _, (peak, _), (full_at, _), *_, (spent, _)) in zip(cycles, rows, strict=True)
    ]
    peak_width = max(map(len, peaks))
    spent_width = max(len(row[-1][0]) for row in rows)
    wrapped = []
    for cycle, row, peak in zip(cycles, rows, peaks, strict=True):
        (start, style), (end, _), (reset, _), (_, peak_style), *_, (stopped, stop_style), (spent, _) = row
        times = [(f"{start} – {end}", style)]
        if reset not in UNNAMED_RESETS:
            times.append((reset, MUTED))
        others = [(peak, peak_style)]
        if spent != NOTHING and cycle.figure != MONTH_FIGURE:  # the peak of a month is what was spent
            others = [(peak.ljust(peak_width), peak_style), (spent.rjust(spent_width), "")]
        if stopped != NOTHING:
            others.append((f"stopped {stopped}", stop_style))
        wrapped.append(wrap_cells(times, width, "", " ") + wrap_cells(others, width, "  ", "  "))
    return wrapped


def _get_peak_style(cycle: HistoryCycle) -> str:
    """Return the style of the percentage; an amount has no severity, unless it reached its cap."""
    if not isinstance(cycle.peak, float):
        return SEVERITY_STYLES[Severity.FULL if cycle.full_at is not None else Severity.NORMAL]
    return SEVERITY_STYLES[Severity.from_percent(cycle.peak)]


SUM_TITLES = ("", "credits", "stopped", "on credits", "covered")


def build_sums_page(answer: HistoryAnswer, width: int) -> ListPage:
    """Return the sums of each billing cycle, month, week and day since the first reading, newest first."""
    sections = {
        BILLING_CYCLES: answer.billing_cycles,
        "Months": answer.months,
        "Weeks": answer.weeks,
        "Days": answer.days,
    }
    periods = [
        (title, period)
        for title, found in sections.items()
        for period in reversed(found)
        if _is_in_history(answer, period)
    ]
    keys = [(title, (period.kind, period.starts_at), period.moment) for title, period in periods]
    cells = [_list_sum_cells(answer, period) for _, period in periods]
    for dropped in ((), ("on credits",), ("on credits", "covered")):  # the page of the stops has them
        shown = [place for place, title in enumerate(SUM_TITLES) if title not in dropped]
        table = Table(
            tuple(SUM_TITLES[place] for place in shown),
            [[row[place] for place in shown] for row in cells],
            tuple(sections),
        )
        if table.width <= width - MARK_WIDTH:
            break
    rows = [*list_table_rows(table, keys), *_build_beginning(answer)]
    return ListPage(rows, width, dropped=len(dropped))


def _is_in_history(answer: HistoryAnswer, period: HistoryPeriod) -> bool:
    """True if the period ends after the first reading: before it, nothing is known."""
    return answer.since is None or period.ends_at is None or period.ends_at > answer.since


def _build_beginning(answer: HistoryAnswer) -> list[ListRow]:
    """Return the line with the first reading, below a blank one; empty if the history is longer."""
    text = describe_beginning(answer)
    return [BLANK_ROW, fix_row(build_line((text, MUTED)))] if text else []


def _list_sum_cells(answer: HistoryAnswer, period: HistoryPeriod) -> list[Cell]:
    lengths = (stop.length for stop in period.stops if stop.state is VerdictState.ON_CREDITS)
    stopped, on_credits = format_length(period.stopped), format_length(sum(lengths, timedelta(0)))
    if period.is_read:  # a dash is for what is not known
        stopped, on_credits = ("" if text == NOTHING else text for text in (stopped, on_credits))
    return [
        (format_period(period, answer.request.now, answer.request.zone), ""),
        (format_credits(period), "" if period.credits or period.undated else MUTED),
        (stopped, SEVERITY_STYLES[Severity.CRITICAL]),
        (on_credits, SEVERITY_STYLES[Severity.WARNING]),
        (format_share(period), MUTED),
    ]


STOP_TITLES = ("period", "verdict", "cause", "times", "time", "covered")
WHOLE_PERIOD = "whole period"
NO_STOP = "no stop seen"
"""Not "never", because readings can have missed a stop."""


def build_stops_page(answer: HistoryAnswer, width: int) -> ListPage:
    """Return how often and how long each cause stopped work: in the whole period, then in each week."""
    room, rows = width - MARK_WIDTH, list[ListRow]()
    if text := describe_refused(answer):
        rows = [*map(fix_row, wrap_text(text, room)), BLANK_ROW]
    keys: list[tuple[str, Hashable, datetime | None]] = []
    cells: list[list[Cell]] = []
    for period in filter(partial(_is_in_history, answer), (answer.span, *reversed(answer.span_weeks))):
        at = period.kind, period.starts_at
        keys += [("", (*at, stop.state, stop.cause), stop.begun_at) for stop in period.stops] or [
            ("", at, period.moment)
        ]
        cells += _list_stop_cells(answer, period)
    table = Table(STOP_TITLES, cells, left=STOP_TITLES[:3])
    narrow = [_wrap_stop(row, room) for row in cells] if table.width > room else ()
    return ListPage([*rows, *list_table_rows(table, keys, narrow), *_build_beginning(answer)], width)


def _list_stop_cells(answer: HistoryAnswer, period: HistoryPeriod) -> list[list[Cell]]:
    """Return the cells of each stop of a period; the first row has its name and its coverage."""
    name = WHOLE_PERIOD
    if period.kind is not PeriodKind.SPAN:
        name = format_period(period, answer.request.now, answer.request.zone)
    stops: list[list[Cell]] = [
        [
            (VERDICT_NAMES[stop.state], STOP_STYLES[stop.state]),
            (describe_stop_cause(stop.cause), ""),
            (str(stop.count), ""),
            (format_length(stop.length), ""),
        ]
        for stop in period.stops
    ]
    nothing = NO_STOP if period.is_read else NOTHING
    first, *others = stops or [[(nothing, MUTED), EMPTY_CELL, EMPTY_CELL, EMPTY_CELL]]
    return [
        [(name, HEADING), *first, (format_share(period), MUTED)],
        *([EMPTY_CELL, *stop, EMPTY_CELL] for stop in others),
    ]


def _wrap_stop(row: Sequence[Cell], width: int) -> list[list[Cell]]:
    """Return the lines of a stop in a narrow pane; the first one of a period is below its name."""
    (name, style), state, cause, (count, _), length, (share, _) = row
    lines: list[list[Cell]] = []
    if name:
        coverage = NOT_READ if share == NOTHING else f"covered {share}"
        lines = [[(name, style), (f"  {coverage}", MUTED)]]
    if state[0] != NOTHING:
        others = [cause, (format_count(int(count), "time"), MUTED), length] if count else []
        lines += wrap_cells([state, *others], width, "  ", "  ")
    return lines

"""The calendar of the history screen, and the bars of credits per day."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial, reduce
from itertools import groupby
from typing import NamedTuple

from claudemeter_tui.charts.bars import Bar, BarLimit, count_columns, draw_bars, find_top
from claudemeter_tui.charts.scale import MoneyUnit
from claudemeter_tui.formatting.history import (
    NO_CREDITS,
    NO_ROOM,
    NO_SPENDING,
    NOT_READ,
    WEEKDAYS,
    describe_cap,
    describe_coverage,
    describe_pace,
    format_amount,
    format_hour,
    format_span,
)
from claudemeter_tui.formatting.values import format_money, format_short_day, to_local
from claudemeter_tui.model.history import (
    Amount,
    HistoryAnswer,
    HistoryPeriod,
    HourCalendar,
    PeriodKind,
    find_first_day,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.tui.styled_text import HEADING, MUTED, StyledLine, build_line, fit_pieces, join_pieces
from claudemeter_tui.tui.widgets.chart_panel import CHART_STYLES
from claudemeter_tui.tui.widgets.history_pages import measure_amount
from claudemeter_tui.tui.widgets.list_view import BLANK_ROW, MARK_WIDTH, ListPage, ListRow, fix_row
from claudemeter_tui.tui.widgets.tables import COLUMN_GAP, build_text_page

HOURS = 24
DAY_WIDTH, MAX_HOUR_WIDTH = 5, 5
"""Cells of a weekday's name, and maximum cells of an hour."""
MIN_BARS_HEIGHT, SPACED_BARS_HEIGHT = 7, 12
"""Minimum lines of the bars below the calendar, and those from which the days are apart."""
LEVELS = "░▒▓█"
"""Signs of the calendar, from little to much; colour only repeats them."""
NO_RISE = "·"
"""Sign of an hour with readings and without a rise; an hour without any reading is blank."""
LEVEL_STYLES = (
    "$curve 40% on $curve 22%",
    "$curve 60% on $curve 42%",
    "$curve 82% on $curve 64%",
    "$curve on $curve",
)
"""Styles of the levels. The background is near the sign's own colour, so that a cell is an even area."""
LEGEND_WIDTH = 2
"""Cells of each sign in the legend."""
ROUND_DIGITS = (
    (10, 20, 50),
    (10, 15, 20, 25, 30, 40, 50, 60, 80),
    (10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 35, 40, 45, 50, 55, 60, 70, 80, 90),
)
"""First digits of the amounts between levels: the roundest, and nearer ones for hours that are alike."""
MIN_LEVEL_SHARE = 1 / 8
"""Share of the hours from which a level divides them."""


class CalendarScale(NamedTuple):
    """The levels of a calendar, each with about a quarter of the hours that have an amount.

    With levels up to the highest amount, one busy hour would leave the lowest level to all others.
    """

    bounds: tuple[int, ...]
    """Highest amount of each level but the last, which has none: minor units, or percent."""

    @classmethod
    def fit(cls, sizes: Sequence[float]) -> CalendarScale:
        """Return the roundest whole levels that divide these amounts, in minor units or percent, above 0."""
        ordered = sorted(sizes) or [1.0]
        quarters = [ordered[len(ordered) * part // len(LEVELS)] for part in range(1, len(LEVELS))]

        def count_levels(scale: CalendarScale) -> int:
            counts = Counter(map(scale.find_level, ordered))
            return sum(count >= MIN_LEVEL_SHARE * len(ordered) for count in counts.values())

        return max((cls(_round_bounds(quarters, digits)) for digits in ROUND_DIGITS), key=count_levels)

    def find_level(self, size: float) -> int:
        """Return the level of an amount above zero, from 0."""
        return bisect_left(self.bounds, size)


def _round_bounds(sizes: Sequence[float], digits: Sequence[int]) -> tuple[int, ...]:
    """Return the nearest round, whole amount to each of these; each is higher than the one before."""
    tenths = (digit * 10**power for power in range(len(str(int(max(sizes)))) + 1) for digit in digits)
    rounds = [each // 10 for each in tenths if not each % 10]
    found: list[int] = []
    for size in sizes:
        higher = [each for each in rounds if not found or each > found[-1]]
        found.append(min(higher, key=partial(_compare_sizes, size)))
    return tuple(found)


def _compare_sizes(one: float, other: float) -> float:
    """Return how many times the larger one is the smaller one."""
    return max(one, other) / min(one, other)


def _scale_amount(like: Amount, size: float) -> Amount:
    """Return another amount in the unit of the first."""
    return Money(Decimal(round(size)), *like.unit) if isinstance(like, Money) else size


def _add_amounts(amounts: Sequence[Amount]) -> Amount:
    """Return the sum of amounts of one unit, at least one."""
    credits = [each for each in amounts if isinstance(each, Money)]
    return (
        reduce(Money.add, credits)
        if credits
        else sum(each for each in amounts if not isinstance(each, Money))
    )


def build_calendar_page(
    answer: HistoryAnswer, calendar: HourCalendar, width: int, height: int, *, plain: bool
) -> ListPage:
    """Return weekdays by hours with the sum of each weekday; below it, the credits per day if they fit."""
    read = [amount for amount in calendar.amounts if amount is not None]
    scale = CalendarScale.fit([size for size in map(measure_amount, read) if size])
    sums = [_sum_day(calendar, day) for day in range(len(WEEKDAYS))]
    room = width - MARK_WIDTH - DAY_WIDTH
    cells, has_sums = _fit_hours(room, max(map(len, sums)) + COLUMN_GAP)
    column = room - HOURS * cells if has_sums else 0
    legend = _build_legend(answer, calendar, read, scale, width - MARK_WIDTH)
    units = _list_units(answer) if _has_spending(answer) else []
    spare = height - len(WEEKDAYS) - 1 - len(legend)
    has_gaps, has_pause = spare - len(WEEKDAYS) >= (SPACED_BARS_HEIGHT if units else 1), spare >= 1
    head = build_line(
        " " * DAY_WIDTH, (_build_hours(cells), MUTED), ("sum".rjust(column) if column else "", MUTED)
    )
    rows = [fix_row(head)]
    for day, name in enumerate(WEEKDAYS):
        line = _build_day(calendar, day, name, scale, cells)
        if column:
            style = MUTED if sums[day] == NOT_READ else ""
            line = build_line(line, (sums[day].rjust(column), style))
        moment = calendar.busiest_at[day] or _find_last_read(answer, day)
        rows.append(ListRow(name, partial(_draw_day, line), 2 if has_gaps else 1, moment=moment))
    rows += [BLANK_ROW] if has_pause and not has_gaps else []
    rows += [fix_row(line) for line in legend]
    left = height - sum(row.height for row in rows) - 1
    if units and left >= MIN_BARS_HEIGHT:
        drawn = _draw_days(answer, units[0], width - MARK_WIDTH, left, plain=plain)
        rows += [BLANK_ROW, *(fix_row(line) for line in drawn)]
    return ListPage(rows, width)


def _find_last_read(answer: HistoryAnswer, weekday: int) -> datetime | None:
    """Return the moment of the last read day with this weekday. None if there is none."""
    days = (day for day in reversed(answer.days) if day.is_read)
    zone = answer.request.zone
    return next((day.moment for day in days if to_local(day.starts_at, zone).weekday() == weekday), None)


def _fit_hours(room: int, column: int) -> tuple[int, bool]:
    """Return the cells of an hour, and if the sums have room."""
    with_sums, without = (min(MAX_HOUR_WIDTH, cells // HOURS) for cells in (room - column, room))
    has_sums = with_sums >= min(2, without) and with_sums > 0
    return (with_sums if has_sums else max(1, without)), has_sums


def _draw_day(line: StyledLine, part: int) -> StyledLine:
    """Return the line of a weekday, or the blank one below it."""
    return build_line() if part else line


def _sum_day(calendar: HourCalendar, day: int) -> str:
    read = [each for each in calendar.amounts[HOURS * day : HOURS * (day + 1)] if each is not None]
    return format_amount(_add_amounts(read)) if read else NOT_READ


def _build_hours(cells: int) -> str:
    """Return every third hour above its column, or every sixth if there is less room."""
    step = 3 if cells > 1 else 6
    return "".join(str(hour).ljust(step * cells) for hour in range(0, HOURS, step))


def _build_day(calendar: HourCalendar, day: int, name: str, scale: CalendarScale, cells: int) -> StyledLine:
    """Return the hours of a weekday; each has a gap if there is room."""
    filled = max(1, cells - 1)
    pieces: list[tuple[str, str]] = []
    for amount in calendar.amounts[HOURS * day : HOURS * (day + 1)]:
        if amount is None:
            pieces.append((" " * cells, ""))
        elif not measure_amount(amount):
            pieces.append((NO_RISE.rjust((filled + 1) // 2).ljust(cells), MUTED))
        else:
            level = scale.find_level(measure_amount(amount))
            pieces += [(LEVELS[level] * filled, LEVEL_STYLES[level]), (" " * (cells - filled), "")]
    joined = [("".join(text for text, _ in run), style) for style, run in groupby(pieces, lambda it: it[1])]
    return build_line((f"{name}  ", MUTED), *joined)


def _build_legend(
    answer: HistoryAnswer,
    calendar: HourCalendar,
    read: Sequence[Amount],
    scale: CalendarScale,
    width: int,
) -> list[StyledLine]:
    """Return the lines with each sign and its amount, and the busiest hour."""
    like = read[0] if read else 0.0
    pieces = [build_line((NO_RISE, MUTED), (" none", MUTED))]
    rises = [
        (amount, slot) for slot, amount in enumerate(calendar.amounts) if amount and measure_amount(amount)
    ]
    most, slot = max(rises, key=lambda pair: measure_amount(pair[0]), default=(like, 0))
    highest = [*(_scale_amount(like, bound) for bound in scale.bounds), most]
    for level in range(scale.find_level(measure_amount(most)) + 1) if rises else ():
        sign, word = LEVELS[level] * LEGEND_WIDTH, format_amount(highest[level])
        pieces.append(build_line((sign, LEVEL_STYLES[level]), (f" to {word}", MUTED)))
    pieces.append(build_line((f"blank: {NOT_READ}", MUTED)))
    lines = _flow_pieces(pieces, width, "  ")
    if rises:
        total = format_amount(_add_amounts([amount for amount, _ in rises]))
        texts = (
            build_line(("busiest ", MUTED), format_hour(slot), (f"  {format_amount(most)}", HEADING)),
            build_line((f"sum of {next(iter(format_span(answer)))} ", MUTED), (total, HEADING)),
        )
        lines += _flow_pieces(texts, width, "   ")
    return lines


def _flow_pieces(pieces: Sequence[StyledLine], width: int, between: str) -> list[StyledLine]:
    """Return the whole pieces in as many lines as they need."""
    lines: list[list[StyledLine]] = [[]]
    for piece in pieces:
        if lines[-1] and join_pieces([*lines[-1], piece], between).cell_length > width:
            lines.append([])
        lines[-1].append(piece)
    return [join_pieces(line, between) for line in lines]


MIN_UNIT_HEIGHT = 8
"""Minimum lines of the bars of each currency if there are several."""
MIN_TITLE_HEIGHT, MIN_SPACED_HEIGHT = 7, 10
"""Minimum lines of bars with a title, and with a blank line below it."""
MAX_LINE_FACTOR = 2
"""The even pace of the cap is drawn if it is at most this many times the highest bar."""
SHORT_PACE = "pace"
"""Label of the even pace where its amount has no room."""
DAY = timedelta(days=1)
RUNNING_LABELS = {PeriodKind.DAY: "today", PeriodKind.WEEK: "this week", PeriodKind.MONTH: "this month"}
"""Labels of the bar that is not finished."""


def build_days_page(answer: HistoryAnswer, width: int, height: int, *, plain: bool) -> ListPage:
    """Return the credits of each day as bars, of each week or month if there are too many days."""
    units = _list_units(answer)
    if not units:
        return build_text_page((NO_CREDITS,), width)
    if not _has_spending(answer):
        return build_text_page(_explain_no_spending(answer), width)
    room = max(MIN_UNIT_HEIGHT if len(units) > 1 else 0, height // len(units))
    rows: list[ListRow] = []
    for unit in units:
        lines = _draw_days(answer, unit, width - MARK_WIDTH, room, plain=plain)
        rows += [fix_row(line) for line in lines]
    return ListPage(rows, width) if rows else build_text_page((NO_ROOM,), width)


def _has_spending(answer: HistoryAnswer) -> bool:
    """True if credits were spent in the span, or in a week or month that overlaps it."""
    return any(period.credits for period in (*answer.days, *answer.weeks, *answer.months))


def _explain_no_spending(answer: HistoryAnswer) -> tuple[str, ...]:
    """Return why there are no bars: nothing was spent, as far as readings show, or nothing was read."""
    if not answer.span.is_read:
        return (NO_CREDITS,)
    known = describe_coverage(answer.span)
    cap = (f"{describe_cap(answer.cap)}.",) if answer.cap is not None else ()
    return (NO_SPENDING, f"{known[0].upper()}{known[1:]}.", *(f"{text[0].upper()}{text[1:]}" for text in cap))


def _list_units(answer: HistoryAnswer) -> list[MoneyUnit]:
    """Return the currencies of the credits that were spent; that of the cap if none were."""
    units = dict.fromkeys(amount.unit for day in answer.days for amount in day.credits)
    return list(units) or ([answer.cap.unit] if answer.cap is not None else [])


def _draw_days(
    answer: HistoryAnswer, unit: MoneyUnit, width: int, height: int, *, plain: bool
) -> list[StyledLine]:
    """Return the title and the bars of one currency."""
    for periods in (answer.days, answer.weeks, answer.months):
        spent = [{amount.unit: amount.minor for amount in period.credits} for period in periods]
        amounts = [each.get(unit, Decimal(0)) for each in spent]
        if len(periods) <= count_columns(width, max(amounts), unit):
            break
    limits, notes = _find_limits(answer, unit, find_top(amounts), periods)
    title = [
        build_line((f"Credits per {periods[0].kind}", HEADING)),
        *(build_line((it, MUTED)) for it in notes),
    ]
    bars = [
        Bar(_label_bar(answer, period, len(periods)), amount, period.is_read, _is_running(answer, period))
        for period, amount in zip(periods, amounts, strict=True)
    ]
    head = [fit_pieces(title, width)] if height >= MIN_TITLE_HEIGHT else []
    head += [build_line()] if height >= MIN_SPACED_HEIGHT else []
    drawn = draw_bars(bars, unit, width=width, height=height - len(head), limits=limits, plain=plain)
    lines = [build_line(*((text, CHART_STYLES[ink]) for text, ink in line)) for line in drawn]
    return [*head, *lines]


def _label_bar(answer: HistoryAnswer, period: HistoryPeriod, count: int) -> str:
    """Return the date below a bar; of many days, only the Mondays have one, and today has its name."""
    if _is_running(answer, period):
        return RUNNING_LABELS[period.kind]
    day = to_local(period.starts_at, answer.request.zone).date()
    if period.kind is PeriodKind.DAY and count > len(WEEKDAYS) and day.weekday():
        return ""
    return f"{day:%b}" if period.kind is PeriodKind.MONTH else format_short_day(day)


def _is_running(answer: HistoryAnswer, period: HistoryPeriod) -> bool:
    """True if a day, week or month is not over yet."""
    zone = answer.request.zone
    today = to_local(answer.request.now, zone).date()
    return to_local(period.starts_at, zone).date() == find_first_day(today, period.kind)


def _find_limits(
    answer: HistoryAnswer, unit: MoneyUnit, highest: Decimal, periods: Sequence[HistoryPeriod]
) -> tuple[list[BarLimit], list[str]]:
    """Return the line of the cap or of the even pace, and the words for both.

    A month has the line of the cap. Days and weeks have that of the even pace if it is not too high: the cap
    is no limit of a single day, and would leave most rows empty.
    """
    cap, kind = answer.cap, periods[0].kind
    if cap is None or cap.unit != unit:
        return [], []
    if kind is PeriodKind.MONTH:
        return [BarLimit(cap.minor, f"cap {format_money(cap)}")], [describe_cap(cap)]
    cycle = _find_running_cycle(answer)
    if cycle is None or cycle.ends_at is None:
        return [], [describe_cap(cap)]
    days = Decimal((cycle.ends_at - cycle.starts_at) / DAY)
    pace = Money(cap.minor * (len(WEEKDAYS) if kind is PeriodKind.WEEK else 1) / days, *unit)
    first = sum(1 for period in periods if period.ends_at and period.ends_at <= cycle.starts_at)
    line = BarLimit(pace.minor, describe_pace(pace), SHORT_PACE, first)
    words = [describe_cap(cap), f"{describe_pace(pace)} a {kind}"]
    return [line] if pace.minor <= MAX_LINE_FACTOR * highest else [], words


def _find_running_cycle(answer: HistoryAnswer) -> HistoryPeriod | None:
    """Return the billing cycle that is running. None if its end is not known or there is none."""
    now = answer.request.now
    running = (
        cycle
        for cycle in reversed(answer.billing_cycles)
        if cycle.ends_at is not None and cycle.starts_at <= now < cycle.ends_at
    )
    return next(running, None)

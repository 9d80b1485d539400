"""Charts of any input: no exception, no cell too many, blank columns where no reply was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.charts.axes import MIN_SPAN_SECONDS, ChartFrame
from claudemeter_tui.charts.bars import draw_columns
from claudemeter_tui.charts.chart import RenderedChart, build_credits_chart, build_windows_chart
from claudemeter_tui.charts.event_marks import EVENT_MARKS
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.events import EventKind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import CreditSeries, PercentHistory, ValueRun
from tests.charts.chart_cases import DAY, MINUTE, TIME, amounts, columns, event, lines
from tests.model.readings import at
from tests.value_fields import build_values

VALUES = st.one_of(
    st.none(),
    st.integers(0, 10_000).map(Decimal),
    st.decimals(0, 10**12, places=2),
    st.sampled_from([Decimal(-500), Decimal(10**40), Decimal("1e400"), Decimal("-1e400"), Decimal("0.001")]),
)
RUNS = st.lists(st.tuples(VALUES, st.floats(0, 400), st.floats(0, 60)), max_size=30)
"""Each run's value, its length in minutes, and the minutes until the next run."""
FIGURES = st.lists(st.tuples(st.one_of(st.none(), st.floats(0, 1e6)), st.floats(-90, 400)), max_size=40)
"""Percentages, and the minutes between them, negative if a clock was set back."""
MOMENTS = st.one_of(
    st.floats(-100, 20_000).map(at),
    st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
)
FRAMES = build_values(
    ChartFrame,
    now=MOMENTS,
    width=st.integers(0, 120),
    height=st.integers(0, 16),
    span=st.sampled_from([None, 15 * MINUTE, DAY, 7 * DAY, 30 * DAY, 365 * DAY]),
    zone=st.sampled_from([UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]),
    ascii_only=st.booleans(),
)
EVENTS = st.lists(st.builds(event, st.sampled_from(EventKind), st.floats(-100, 20_000).map(at)), max_size=8)
HARD = settings(max_examples=120, deadline=None, derandomize=True)


def laid(runs: Sequence[tuple[Decimal | None, float, float]], unit: tuple[str, int]) -> CreditSeries:
    """Return a series of these runs."""
    minutes, made = 0.0, []
    for value, length, pause in runs:
        made.append(ValueRun(value, at(minutes), at(minutes + length)))
        minutes += length + pause
    return CreditSeries(MeterOrigin.OWN_OVERAGE, unit, tuple(made))


def recorded(figures: Sequence[tuple[float | None, float]]) -> PercentHistory:
    """Return a history to which each figure was added at its time, as the store does it."""
    minutes, made = 0.0, PercentHistory.start(at(0).timestamp(), 50)
    for percent, pause in figures:
        minutes += pause
        moment = at(minutes).timestamp()
        made = made.append_gap(moment) if percent is None else made.append(moment, percent, 150)
    return made


def holds(chart: RenderedChart | None, frame: ChartFrame) -> None:
    """Check everything that holds for any chart."""
    if chart is None:
        return
    drawn = lines(chart)
    assert [frame.width] * frame.height == [len(line) for line in drawn]
    assert frame.ascii_only is False or "".join(drawn).isascii()
    tick = " +" if frame.ascii_only else " ┘"
    times = drawn[-1] if chart.has_axis else drawn[-1][chart.margin - 2 :].removeprefix(tick)
    assert not TIME.sub("", times).strip()
    if frame.span is None:
        assert chart.edges.start >= min(chart.since, chart.edges.now - MIN_SPAN_SECONDS)
    else:
        assert abs(chart.edges.length - frame.span.total_seconds()) < 1e-3
    assert chart.edges.end - chart.edges.now < chart.edges.length / chart.edges.columns + 1e-3
    assert set(chart.letters) <= set(range(chart.edges.columns))
    assert {letter for letter, _ in chart.letters.values()} <= {mark.letter for mark in EVENT_MARKS}
    for x in (-1, 0, chart.margin, frame.width // 2, frame.width - 1, frame.width):
        found = chart.find_point(x)
        assert found is None or chart.margin <= x < frame.width


@HARD
@given(
    runs=RUNS,
    unit=st.sampled_from([("USD", 2), ("JPY", 0), ("CAD", 2), ("", 4)]),
    frame=FRAMES,
    cap=st.one_of(st.none(), st.integers(0, 12_000), st.just(10**40)),
    events=EVENTS,
)
def test_any_series_is_drawn_whole(
    runs: list[tuple[Decimal | None, float, float]],
    unit: tuple[str, int],
    frame: ChartFrame,
    cap: int | None,
    events: list[object],
) -> None:
    """Any series at any time is drawn in its exact size, with no cut label and no exception."""
    limit = None if cap is None else Money(Decimal(cap), *unit)
    holds(build_credits_chart(laid(runs, unit), frame, cap=limit, events=events), frame)  # type: ignore[arg-type]


@HARD
@given(first=FIGURES, second=FIGURES, frame=FRAMES, events=EVENTS)
def test_any_histories_are_drawn_whole(
    first: list[tuple[float | None, float]],
    second: list[tuple[float | None, float]],
    frame: ChartFrame,
    events: list[object],
) -> None:
    """Any histories with any clock are drawn in their exact size, without an exception."""
    both = {"5-hour": recorded(first), "7-day all": recorded(second)}
    holds(build_windows_chart(both, frame, events=events), frame)  # type: ignore[arg-type]


@HARD
@given(
    runs=st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 10_000).map(Decimal)), st.floats(0, 400), st.floats(0, 60)
        ),
        max_size=30,
    ),
    width=st.integers(30, 120),
    height=st.integers(3, 16),
    age=st.floats(0, 20_000),
    span=st.sampled_from([None, 15 * MINUTE, DAY, 7 * DAY, 30 * DAY, 365 * DAY]),
)
def test_columns_tell_what_is_drawn(
    runs: list[tuple[Decimal | None, float, float]],
    width: int,
    height: int,
    age: float,
    span: timedelta | None,
) -> None:
    """A column has an amount exactly if it is inked, and the amounts of the scale fall from the top."""
    frame = ChartFrame(at(age), width, height, span, UTC)
    chart = build_credits_chart(laid(runs, ("USD", 2)), frame)
    if chart is None:
        return
    assert amounts(chart) == sorted(set(amounts(chart)), reverse=True)
    for x, column in enumerate(columns(chart), chart.margin):
        found = chart.find_point(x)
        assert bool(column) == bool(found and found.values)


@HARD
@given(
    cells=st.lists(
        st.dictionaries(st.integers(0, 9), st.sampled_from("▁▂▃▄▅▆▇█.:#"), max_size=6),
        min_size=1,
        max_size=60,
    )
)
def test_columns_have_the_given_signs(cells: list[dict[int, str]]) -> None:
    """The library draws each sign in its row, and nothing else."""
    lines = draw_columns([tuple(column.items()) for column in cells], 10)
    for row, line in enumerate(reversed(lines)):
        assert line == "".join(column.get(row, " ") for column in cells)


def test_chart_at_the_ends_of_the_calendar_is_drawn() -> None:
    """In the years 1 and 9999 there are no times to label, and the curve is still drawn."""
    for year in (1, 9999):
        moment = datetime(year, 6, 1, tzinfo=UTC)
        values = CreditSeries(
            MeterOrigin.OWN_OVERAGE, ("USD", 2), (ValueRun(Decimal(1), moment, moment + DAY),)
        )
        frame = ChartFrame(moment + DAY, 60, 8, zone=ZoneInfo("America/New_York"))
        chart = build_credits_chart(values, frame._replace(span=15 * MINUTE))
        assert chart is not None
        assert all(columns(chart))

"""The chart of the windows: percentages, one curve each, resets as drops, gaps as gaps."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.chart import build_windows_chart
from claudemeter_tui.charts.scale import ValueRange, build_percent_scale
from claudemeter_tui.model.time_series import MAX_PERCENT_RUNS, PercentHistory
from tests.charts.chart_cases import DAY, MINUTE, canvas, columns, frame, history, labels, lines
from tests.model.readings import at

FILLING = history([0] * 6 + [20] * 5 + [60] * 5 + [100] * 5 + [0] * 10)
WEEKLY = history([20] * 31)


def test_windows_are_two_lines_on_one_scale() -> None:
    """The first line is in front, and has round corners and a drop at its reset; the second is double.

    Where both are flat in one row, they share its cells.
    """
    drawn = build_windows_chart({"5-hour": FILLING, "7-day all": WEEKLY}, frame(at(30), 47, 7))
    assert lines(drawn) == [
        "100% ┤                     ╭──────╮            ",
        "     │                     │      │            ",
        " 50% ┤               ╭─────╯      │            ",
        "     │════════╭═─═─═─╯════════════│════════════",
        "  0% ┤────────╯                   ╰────────────",
        "     └┬────────────┬─────────────┬─────────────",
        "    14:00        14:10         14:20           ",
    ]


def test_windows_look_the_same_in_ascii() -> None:
    """In ASCII the lines have their own characters."""
    plain = frame(at(30), 47, 7)._replace(ascii_only=True)
    drawn = build_windows_chart({"5-hour": FILLING, "7-day all": WEEKLY}, plain)
    assert lines(drawn) == [
        "100% +                     +------+            ",
        "     |                     |      |            ",
        " 50% +               +-----+      |            ",
        "     |========+=-=-=-+============|============",
        "  0% +--------+                   +------------",
        "     ++------------+-------------+-------------",
        "    14:00        14:10         14:20           ",
    ]


RESET = at(240)
WINDOW = frame(at(30), 66, 7)._replace(span=timedelta(hours=5), resets_at=RESET)
"""The frame of a window that began at 13:00, and resets at 18:00."""


def test_chart_of_a_window_is_from_start_to_reset() -> None:
    """Now is marked on the axis, and the forecast is a dashed line with corners to the reset."""
    forecasts = {
        "5-hour": [(at(30), 20.0), (at(180), 100.0), (RESET, 100.0)],
        "7-day all": [(at(30), 20.0), (RESET, 20.0)],
    }
    drawn = build_windows_chart({"5-hour": FILLING, "7-day all": WEEKLY}, WINDOW, forecasts=forecasts)
    assert lines(drawn) == [
        "100% ┤               ╭╮                               ╭┄┄┄┄┄┄┄┄┄┄┄",
        "     │               ││                 ╭┄┄┄┄┄┄┄┄┄┄┄┄┄╯           ",
        " 50% ┤              ╭╯│        ╭┄┄┄┄┄┄┄┄╯                         ",
        "     │            ═╭╯═│══ 20% ┄╯┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈",
        "  0% ┤            ─╯  ╰── 0%                                      ",
        "     └┬───────────┬─────┬─────┬───────────┬───────────────────────",
        "    13:00       14:00  now  15:00       16:00          reset 18:00",
    ]
    assert drawn is not None
    assert [drawn.find_point(x) is None for x in (5, 24, 25)] == [True, False, True]


@pytest.mark.parametrize("minutes", [*range(0, 240, 7), 239])
@pytest.mark.parametrize("width", [24, 40, 100])
@pytest.mark.parametrize("label", ["now", "Sat 13:48"])
def test_now_is_labelled_at_every_minute(label: str, width: int, minutes: int) -> None:
    """The label of now, or the time of a past moment, is never cut, and no other label touches it."""
    there = WINDOW._replace(now=at(minutes), width=width, now_label=label)
    drawn = build_windows_chart({"5-hour": history([50] * (minutes + 1))}, there)
    words = lines(drawn)[-1].split("  ")
    assert label in [word.strip() for word in words]
    assert len(lines(drawn)[-1]) == width
    assert {word.strip() for word in words} <= {
        "",
        label,
        "reset 18:00",
        *(f"{hour}:00" for hour in range(13, 18)),
    }


@pytest.mark.parametrize(
    ("expected", "height"),
    [
        (["100%", "75%", "50%", "25%", "0%"], 15),
        (["100%", "50%", "0%"], 14),
        (["100%", "50%", "0%"], 6),
        (["100%", "50%", "0%"], 4),
        (["100%", "0%"], 3),
    ],
)
def test_percent_axis_runs_from_0_to_100(expected: list[str], height: int) -> None:
    """The scale always shows the whole allowance, and its labels are at equal distances."""
    drawn = build_windows_chart({"7-day all": WEEKLY}, frame(at(30), 60, height))
    assert expected == labels(drawn)
    rows = [place for place, line in enumerate(lines(drawn)) if "%" in line]
    assert len({later - earlier for earlier, later in pairwise(rows)}) == 1


def test_percent_axis_extends_beyond_100() -> None:
    """The scale reaches beyond the highest figure, and 100% is a line."""
    drawn = build_windows_chart({"5-hour": history([90] * 10 + [140] * 10)}, frame(at(19), 60, 14))
    assert labels(drawn) == ["150%", "100%", "50%", "0%"]
    assert [row[:20] for row in canvas(drawn) if "┄" in row] == ["┄" * 20]


def test_nearly_full_window_is_below_100() -> None:
    """99.9% is drawn below the row of 100%."""
    drawn = build_windows_chart({"5-hour": history([99.8, 99.9] * 10)}, frame(at(19), 60, 6))
    assert labels(drawn)[0] == "100%"
    (row,) = (row for row in lines(drawn) if "100%" in row)
    assert not row[6:].strip()


@pytest.mark.parametrize("height", [9, 11, 15])
def test_line_is_in_the_nearest_row(height: int) -> None:
    """A line is at most half a row away from its value, except below 100%: a small rise is a small step."""
    scale = build_percent_scale(ValueRange(0, 99, 0, 99), height - 2)
    size = scale.step / scale.step_rows
    for percent in range(round(100 - size / 2)):
        assert abs(scale.find_row(percent) * size - percent) <= size / 2 + 1e-9


@pytest.mark.parametrize("minutes", [*range(0, 240, 9), 239])
def test_value_is_behind_the_end_of_its_line(minutes: int) -> None:
    """The newest value of each curve is behind its line, as far as there is room until the reset."""
    both = {"5-hour": history([80] * (minutes + 1)), "7-day all": history([46] * (minutes + 1))}
    drawn = build_windows_chart(both, WINDOW._replace(now=at(minutes)))
    assert drawn is not None
    styled = {ink: text for line in drawn.lines for text, ink in line if "%" in text}
    room = drawn.edges.columns - drawn.edges.find_column(drawn.edges.now) - 1
    expected = {"80%", "46%"} if room >= len(" 80% ") else set()
    found = {text.strip(" ─═") for ink, text in styled.items() if ink is not ChartStyle.SCALE}
    assert found == expected


def test_values_in_one_row_are_side_by_side() -> None:
    """Two lines that end in one row have both values behind them, each in the style of its line."""
    both = {"5-hour": history([51] * 31), "7-day all": history([50] * 31)}
    drawn = build_windows_chart(both, WINDOW)
    (row,) = (row for row in canvas(drawn) if "51%" in row)
    assert "─ 51% 50% " in row.replace("═", "─")


def test_reset_is_a_drop() -> None:
    """A fall to zero between two polls is a vertical line, not a gap."""
    drawn = columns(build_windows_chart({"5-hour": history([80] * 15 + [0] * 16)}, frame(at(30), 67, 8)))
    assert all(drawn)
    assert [len(column) for column in drawn if len(column) > 1] == [4]


def test_gap_of_every_curve_is_hatched() -> None:
    """A time without a reply is hatched if no curve has a figure there."""
    gone = history([80] * 10 + [None] * 10 + [85] * 11), history([10] * 10 + [None] * 10 + [10] * 11)
    drawn = columns(build_windows_chart({"5-hour": gone[0], "7-day all": gone[1]}, frame(at(30), 67, 8)))
    assert not any(drawn[20:40])
    assert all(drawn[:18])
    assert all(drawn[41:])


@pytest.mark.parametrize(("expected", "plain"), [("─═", False), ("-=", True)])
def test_both_lines_are_drawn_where_two_meet(expected: str, *, plain: bool) -> None:
    """Two lines that are flat in one row share its cells, so that neither seems to have a gap."""
    both = {"5-hour": history([50] * 31), "7-day all": history([50] * 31)}
    drawn = build_windows_chart(both, frame(at(30), 67, 6)._replace(ascii_only=plain))
    (row,) = (row for row in canvas(drawn) if expected in row)
    assert (expected * len(row))[: len(row)] == row


def test_both_forecasts_are_drawn_where_two_meet() -> None:
    """Two flat forecasts in one row share its cells too, and a corner is always the first curve's."""
    both = {"5-hour": history([50] * 31), "7-day all": history([50] * 31)}
    course = [(at(30), 50.0), (RESET, 50.0)]
    forecasts = {
        "5-hour": [*course[:1], (at(120), 50.0), (at(121), 100.0), (RESET, 100.0)],
        "7-day all": course,
    }
    (row,) = (row for row in canvas(build_windows_chart(both, WINDOW, forecasts=forecasts)) if "╯" in row)
    before, after = row.split("╯")
    assert "┄┈┄┈┄┈" in before
    assert {*after} == {"┈"}


def test_later_window_begins_at_its_first_figure() -> None:
    """The time axis begins with the first window, and each curve with its own first figure."""
    late = PercentHistory.start(at(20).timestamp(), 50)
    drawn = build_windows_chart({"5-hour": WEEKLY, "7-day all": late}, frame(at(22), 67, 6))
    assert drawn is not None
    shown = [found.values for x in (20, 66) if (found := drawn.find_point(x))]
    assert shown == [("5-hour 20%",), ("5-hour 20%", "7-day all 50%")]


def test_column_lists_every_window() -> None:
    """The pointer shows the value and the name of every curve."""
    drawn = build_windows_chart({"5-hour": FILLING, "7-day all": WEEKLY}, frame(at(30), 67, 8))
    assert drawn is not None
    found = drawn.find_point(50)
    assert found is not None
    assert found.values == ("5-hour 0%", "7-day all 20%")


@pytest.mark.parametrize(
    ("expected", "percents", "minutes"),
    [
        ("collecting since 14:00", [40], 0),
        ("no change since 14:00", [40] * 20, 19),
        ("", [40] * 10 + [41] * 10, 19),
    ],
)
def test_flat_windows_are_labelled_unchanged(
    expected: str, percents: list[float | None], minutes: int
) -> None:
    """If every curve is flat, the canvas says so."""
    both = {"5-hour": history(percents), "7-day all": history([70] * len(percents))}
    words = "\n".join(lines(build_windows_chart(both, frame(at(minutes), 60, 10))))
    assert expected in words
    assert ("change" in words or "collecting" in words) is bool(expected)


@pytest.mark.parametrize("span", [None, 15 * MINUTE, DAY, 7 * DAY])
def test_time_axis_of_windows_has_the_length_of_its_period(span: timedelta | None) -> None:
    """A period is drawn whole; without one, the left edge is never before the first figure."""
    drawn = build_windows_chart({"5-hour": FILLING}, frame(at(30), 94, 8, span))
    assert drawn is not None
    expected = drawn.edges.now - at(0).timestamp() if span is None else span.total_seconds()
    assert drawn.edges.length == pytest.approx(expected)


def test_windows_without_visible_figures_are_no_chart() -> None:
    """Without a reply, ever or within the span, there is no chart."""
    assert build_windows_chart({}, frame(at(30))) is None
    assert build_windows_chart({"5-hour": WEEKLY}, frame(at(120), span=15 * MINUTE)) is None
    assert build_windows_chart({"5-hour": WEEKLY}, frame(at(30), 20)) is None


def test_longest_history_is_drawn_over_a_week() -> None:
    """A chart of a week keeps all peaks, thinned or not: each of its 6 hours has the end of a window."""
    teeth = history([min(100, minute % 300) for minute in range(0, 7 * 1440, 5)], step=5 * MINUTE)
    assert len(teeth.runs) <= MAX_PERCENT_RUNS
    drawn = build_windows_chart({"5-hour": teeth}, frame(at(7 * 1440 - 5), 120, 12, 7 * DAY))
    assert drawn is not None
    steps = drawn.curves[0][1]
    assert drawn.peak_periods is not None
    assert len(drawn.peak_periods.bounds) >= 28
    assert {step.high for step in steps if step is not None} == {100}
    assert None not in steps


def test_lone_figure_is_drawn() -> None:
    """A single figure between gaps has a piece of its line."""
    for second in range(0, 60, 5):
        lone = PercentHistory.start(at(20 + second / 60).timestamp(), 70)
        gone = lone.append_gap(at(30).timestamp())
        drawn = build_windows_chart({"5-hour": WEEKLY, "7-day all": gone}, frame(at(30), 67, 8))
        assert drawn is not None
        assert ChartStyle.SECOND in {ink for line in drawn.lines for _, ink in line}

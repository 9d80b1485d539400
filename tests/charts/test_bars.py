"""Bars of amounts: heights, the line of a cap, dates, and days that were not read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.charts.bars import BLOCKS, Bar, BarLimit, count_columns, draw_bars, find_top
from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.scale import format_minor_units

USD = ("USD", 2)


def bars(*cents: int, unread: int = -1) -> list[Bar]:
    """Return a bar for each amount, labelled by its place."""
    return [Bar(f"d{place}", Decimal(each), place != unread) for place, each in enumerate(cents)]


def draw(
    some: list[Bar],
    limits: Sequence[BarLimit] = (),
    size: tuple[int, int] = (40, 8),
    *,
    plain: bool = True,
) -> list[str]:
    """Return the lines without their styles."""
    width, height = size
    drawn = draw_bars(some, USD, width=width, height=height, limits=limits, plain=plain)
    return ["".join(text for text, _ in line) for line in drawn]


def test_bars_start_at_zero_and_end_at_the_highest() -> None:
    """Half of the amount has half of the rows, and the smallest amount is visible."""
    *lines, axis, _ = draw(bars(0, 1, 500, 1000))
    cells = lines[1].count("#")
    assert [line.count(".") for line in lines] == [cells, 0, 0, cells, 0, 0]
    assert [line.count("#") for line in lines] == [0, cells, cells, cells, 2 * cells, 2 * cells]
    assert axis.count("=") == 3 * cells
    assert [line[:5] for line in (*lines, axis)[::3]] == ["$10 +", " $5 +", " $0 +"]


def test_small_amounts_beside_a_large_one_differ() -> None:
    """Days of $0.39, $0.57 and $1.85 have bars of different heights beside one of $26."""
    above, axis = draw(bars(39, 57, 185, 2600), size=(60, 28), plain=False)[-3:-1]
    assert len({*zip(above, axis, strict=True)} & {*product(BLOCKS, "━▀")}) == 3


@pytest.mark.parametrize(("plain", "arrow"), [(True, "^"), (False, "↑")])
def test_bar_that_would_flatten_the_others_is_cut(plain: bool, arrow: str) -> None:  # noqa: FBT001
    """Its whole amount is above it, and the scale is that of the others."""
    lines = draw(bars(*[150, 200, 300] * 3, 2607), size=(60, 12), plain=plain)
    assert lines[0].rstrip().endswith(f"{arrow}$26.07")
    assert lines[1].startswith("$3 ")
    ends = sum(lines[1].count(sign) for sign in ".▄")
    cells = (60 - len("$3 +")) // 10 - 1
    assert ends == 3 * cells  # the bars of $3; the one that is cut has whole cells
    assert sum(lines[1].count(sign) for sign in "#█") == cells


@pytest.mark.parametrize(
    ("amounts", "top"),
    [
        ([100, 200, 300, 0, 0, 0, 0, 2000], 300),
        ([100, 200, 300, 0, 0, 0, 0, 1100], 1100),  # less than four times as high
        ([100, 200, 300, 0, 0, 0, 2000], 2000),  # too few bars
        ([0, 200, 300, 0, 0, 0, 0, 2000], 2000),  # too few others with an amount
        ([*[100] * 14, 2000, 1900], 100),
        ([*[100] * 13, 2000, 1900, 1800], 2000),  # three of sixteen are no exception
        ([0], 0),
    ],
)
def test_few_bars_much_higher_than_the_others_are_above_the_top(amounts: list[int], top: int) -> None:
    """A bar is cut only if it is at least four times as high as the highest of at least three others."""
    assert find_top([Decimal(each) for each in amounts]) == top


def test_bar_is_whole_if_its_amount_has_no_room() -> None:
    """An amount is never cut."""
    for some, size in ((bars(*[100] * 14, 2000, 2100), (40, 10)), (bars(*[100] * 7, 2000), (40, 4))):
        assert not any("^" in line for line in draw(some, size=size))


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("height", range(3, 31))
def test_bar_of_a_labelled_amount_ends_beside_its_label(height: int, plain: bool) -> None:  # noqa: FBT001
    """Labels are in the middle of their rows, so bars begin and end there, at any height."""
    half, base = ".=" if plain else "▄▀"
    *rows, axis, _ = draw(bars(100, 1000), size=(40, height), plain=plain)
    labels = {
        float(found[1]) * 100: row
        for row, line in enumerate(reversed([*rows, axis]))
        if (found := re.match(r" *\$([\d.]+) ", line))
    }
    highest = max(labels)
    lines = draw(bars(*map(int, labels)), size=(40, height), plain=plain)[-2::-1]
    margin = lines[0].index("+" if plain else "┴") + 1
    for place, row in enumerate(labels.values()):
        column = [line[margin + place * (40 - margin) // len(labels)] for line in lines]
        assert column[row] == (half if row else "-" if plain else "─")
        assert {*column[row + 1 :]} <= {" "}
        assert not row or column[0] == base
    assert highest >= 1000


@pytest.mark.parametrize(
    ("minor", "row", "sign"), [(500, 3, "┄┄"), (560, 3, "▔ "), (600, 3, "▔ "), (660, 2, "┄┄"), (750, 2, "▔ ")]
)
def test_line_is_at_the_edge_of_a_row_if_its_amount_is(minor: int, row: int, sign: str) -> None:
    """It is where the bar of its amount ends, or at most a quarter of a row from there."""
    lines = draw(bars(0, 1000), [BarLimit(Decimal(minor), "")], size=(40, 8), plain=False)
    assert lines[row].count(sign) > 6


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    cents=st.lists(st.one_of(st.integers(0, 300), st.integers(0, 10**7)), min_size=1, max_size=20),
    lines=st.lists(st.integers(1, 10**5), max_size=2, unique=True),
    height=st.integers(6, 40),
    plain=st.booleans(),
)
def test_each_bar_has_its_height(cents: list[int], lines: list[int], height: int, *, plain: bool) -> None:
    """An eighth of a row at most is wrong, in ASCII a half, whatever lines there are between the bars.

    In the row of the axis, a quarter.
    """
    some, limits = bars(*cents), [BarLimit(Decimal(each), "") for each in sorted(lines, reverse=True)]
    *drawn, axis, _ = draw(some, limits, (119, height), plain=plain)
    margin = re.search(r"[+┴]", axis)
    assert margin is not None
    labels = [
        (row, Decimal(found[1].replace(",", "")))
        for row, line in enumerate([axis, *reversed(drawn)])
        if (found := re.match(r"\s*\$([\d.,]+) [+┤┴]", line))
    ]
    assert labels[0] == (0, Decimal(0))
    row, amount = labels[-1]
    room = 119 - margin.end()
    signs = {"#": 1.0, ".": 0.25} if plain else {sign: part / 8 for part, sign in enumerate(BLOCKS) if part}
    bases = {"=": 0.5, "━": 0.125, "▀": 0.5}
    is_cut = any("^$" in it or "↑$" in it for it in drawn)
    top, whole = (find_top([bar.minor for bar in some]), drawn[1:]) if is_cut else (10**7, drawn)
    for place, bar in enumerate(some):
        if bar.minor > top:
            assert f"{'^' if plain else '↑'}{format_minor_units(bar.minor, USD)}" in drawn[0]
            continue
        column = [line[margin.end() + place * room // len(some)] for line in whole]
        shown = bases.get(axis[margin.end() + place * room // len(some)], 0)
        shown += sum(signs.get(sign, 0) for sign in column)
        true = float(bar.minor / 100 / amount * row)
        assert bool(shown) == bool(bar.minor)
        assert shown == pytest.approx(true, abs=0.501 if plain else 0.126 if shown > 0.5 else 0.26)


def test_limit_is_a_line_with_its_label() -> None:
    """The line is drawn between the bars, at its height."""
    lines = draw(bars(0, 1000), [BarLimit(Decimal(2000), "cap")])
    assert lines[0].startswith("$20 +-- cap -----")
    assert "#" not in lines[0]
    assert lines[4].count("#") > 0


def test_label_of_a_limit_hides_no_bar() -> None:
    """Without enough blank cells the line has no label, because each bar is an amount of its own."""
    days = bars(*[100] * 30)
    bare, limited = draw(days), draw(days, [BarLimit(Decimal(50), "$0.50")])
    assert [line.count("#") for line in bare] == [line.count("#") for line in limited]


def test_lines_of_cap_and_pace_are_drawn_at_their_heights() -> None:
    """The pace begins at the first bar to which it applies, and only a bar that reaches it hides its line."""
    cap, pace = BarLimit(Decimal(1000), "cap"), BarLimit(Decimal(500), "pace", first=2)
    lines = draw(bars(400, 0, 0, 500), [cap, pace], (60, 12))
    assert "-- cap --" in lines[0]
    (row,) = (place for place, line in enumerate(lines) if "-- pace --" in line)
    cells = (60 - len("$10 +")) // 4
    first = len("$10 +") + 2 * cells
    assert lines[row][len("$10 +") : first].isspace()
    assert lines[row][first:].lstrip().startswith("--")
    assert lines[row].count(".") == cells - 1  # only the bar that reached the pace
    assert [lines[row + place].count("#") for place in (1, 2)] == [cells - 1, 2 * (cells - 1)]


@pytest.mark.parametrize(("width", "label"), [(60, "even pace $5.00"), (26, "pace")])
def test_line_has_the_longest_label_that_fits(width: int, label: str) -> None:
    """A line without a label would not say what it is."""
    limits = [BarLimit(Decimal(1000), "cap"), BarLimit(Decimal(500), "even pace $5.00", "pace", 1)]
    assert any(f"- {label} -" in line for line in draw(bars(1000, 100, 100, 100), limits, (width, 12)))


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("count", [3, 28])
def test_running_period_differs_and_has_its_label(count: int, plain: bool) -> None:  # noqa: FBT001
    """An unfinished bar has a style, in ASCII a sign, and a date that is whole at the right edge."""
    some = bars(*[1000] * count)
    some = [*some[:-1], Bar("today", Decimal(1000), is_read=True, is_running=True)]
    lines = draw_bars(some, USD, width=79, height=12, plain=plain)
    assert "today" in "".join(text for text, _ in lines[-1])
    for line in lines[1:-2]:
        styles = [style for text, style in line for sign in text if sign in "█#:"]
        assert {*styles[:-1]} >= {ChartStyle.CURVE if plain else ChartStyle.BAR}
        assert styles[-1] is (ChartStyle.EDGE if plain else ChartStyle.AREA)
    if plain:
        assert [line for line in draw(some, size=(79, 12))[1:-2] if not line.rstrip().endswith(":")] == []


def test_axis_has_a_gap_below_bars_that_were_not_read() -> None:
    """Not read differs from nothing spent."""
    for plain, unread, rule in ((True, ".", "-"), (False, " ", "─")):
        axis = draw(bars(0, 0, 0, unread=1), plain=plain)[-2]
        canvas = axis[len("$1.00 +") :]
        third = len(canvas) // 3
        assert {*canvas[third : 2 * third]} == {*unread}
        assert {*canvas[:third], *canvas[2 * third :]} == {*rule}


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("count", [1, 7, 28])
@pytest.mark.parametrize("size", [(40, 8), (79, 20), (36, 3), (119, 40)])
def test_lines_fit_and_bars_have_one_width(size: tuple[int, int], count: int, plain: bool) -> None:  # noqa: FBT001
    """Every line is at most as wide as asked for, and each date is below its own bar."""
    lines = draw(bars(*range(1, count + 1)), size=size, plain=plain)
    assert len(lines) == size[1]
    assert all(len(line) <= size[0] for line in lines)
    assert all(line.isascii() for line in lines) or not plain
    assert "d0" in lines[-1]


@pytest.mark.parametrize("size", [(12, 8), (40, 2)])
def test_no_room_draws_nothing(size: tuple[int, int]) -> None:
    """A bar needs a cell, and a row above its axis."""
    assert draw(bars(*range(30)), size=size) == []


@pytest.mark.parametrize(("count", "width"), [(28, 119), (7, 60), (30, 90), (13, 47)])
def test_bars_have_the_whole_width(count: int, width: int) -> None:
    """The last bar ends beside the right edge, as the calendar above does; all bars have one width."""
    lines = draw(bars(*[100] * count), size=(width, 8))
    row = lines[1][len("$1.00 +") :]
    sizes = {len(bar) for bar in row.split()}
    assert len(sizes) == 1
    assert len(row) == width - len("$1.00 +")
    assert 0 < len(row) - len(row.rstrip()) <= 2


def test_columns_are_those_beside_the_scale() -> None:
    """The scale is as wide as its longest amount."""
    assert count_columns(40, Decimal(1000), USD) == 40 - len("$10.00") - 2

"""The history screen: pages, span, figure, org, and what it says while there is nothing to show."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest

from claudemeter_tui.demo.history import SimulatedPast
from claudemeter_tui.history.database import to_millis
from claudemeter_tui.model.history import HistoryAnswer, HistoryRequest
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.screens.history import HistoryScreen
from claudemeter_tui.tui.widgets.history_calendar import CalendarScale
from claudemeter_tui.tui.widgets.tables import READING
from tests.histories import answer, build_loader
from tests.scenes import LABORATORY, NOW, PERSONAL, TEAM
from tests.tui.app_harness import Stage, app, finish_workers, press_each, screen, stage, text
from tests.tui.figure_checks import text_of, width_defects

TRIO = (PERSONAL, TEAM, LABORATORY)
SIZES = ((160, 45), (120, 36), (80, 24), (60, 20), (40, 8), (80, 3), (24, 5))
ONE = (108, 36)
Loader = Callable[[OrgKey, HistoryRequest], HistoryAnswer | None]


def dashboard(load: Loader | None = None, scene: Stage | None = None, **options: Any) -> Claudemeter:
    """Return a dashboard of three orgs, each with a simulated past."""
    return app(scene or stage(*TRIO), load_history=load or build_loader(NOW, UTC), **options)


@pytest.mark.parametrize("key", ["h", "escape"])
async def test_h_opens_and_closes(key: str) -> None:
    """The dashboard comes back, and the answer is not kept."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "h")
        assert isinstance(pilot.app.screen, HistoryScreen)
        await press_each(pilot, key)
        opened: object = pilot.app.screen
        assert isinstance(opened, DashboardScreen)
        assert isinstance(pilot.app, Claudemeter)
        assert pilot.app.history is None


async def test_tab_turns_the_pages_and_a_click_opens_one() -> None:
    """Each page has its own content, and the last one is followed by the first."""
    signs = {
        "calendar": "busiest",
        "cycles": "full for",
        "sums": "Billing cycles",
        "stops": "cause",
        "days": "Credits per day",
    }
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "h")
        for page in HistoryScreen.PAGES:
            assert signs[page] in text(pilot)
            await press_each(pilot, "tab")
        assert signs["calendar"] in text(pilot)
        await press_each(pilot, "shift+tab")
        assert signs["days"] in text(pilot)
        await pilot.click("#first", offset=(screen(pilot)[1].index("stops"), 0))
        await pilot.pause()
        assert signs["stops"] in text(pilot)


async def test_plus_and_minus_change_the_span() -> None:
    """From 1 to 52 weeks; the archive is asked again for each, and the ends are reported."""
    asked: list[int] = []
    load = build_loader(NOW, UTC)

    def spy(key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
        asked.append(request.weeks)
        return load(key, request)

    async with dashboard(spy).run_test(size=ONE, notifications=True) as pilot:
        await press_each(pilot, "h", "plus", "plus", "plus")
        assert "52 weeks · Apr 27 2025 – Apr 25" in text(pilot)
        assert "This is the longest period." in text(pilot)
        await press_each(pilot, "minus", "minus", "minus", "minus")
        assert "1 week · Apr 19 – Apr 25" in text(pilot)
        assert asked == [4, 12, 52, 12, 4, 1]


async def test_w_switches_the_figure_of_the_calendar() -> None:
    """Credits, then each plan-wide window; from another page it opens the calendar."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "h")
        for words in ("credits spent", "rise of the 5-hour window", "rise of the 7-day all window"):
            assert f" {words} " in screen(pilot)[2]
            await press_each(pilot, "w")
        assert " credits spent " in screen(pilot)[2]
        await press_each(pilot, "tab", "w")
        assert " credits spent " in screen(pilot)[2]


async def test_hints_are_those_of_the_page() -> None:
    """Only the calendar has another figure, and bars are no moments."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "h")
        for page in HistoryScreen.PAGES:
            keys = screen(pilot)[-1]
            assert ("w figure" in keys) == (page == "calendar"), page
            assert ("Enter as of" in keys) == (page != "days"), page
            await press_each(pilot, "tab")


@pytest.mark.parametrize(
    ("keys", "name"), [(["2"], "Acme Team"), (["right"], "Acme Team"), (["left"], "Lab")]
)
async def test_org_changes_while_it_is_open(keys: list[str], name: str) -> None:
    """Numbers and arrows select an org, and its history is shown."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "h")
        before = text(pilot)
        await press_each(pilot, *keys)
        assert type(pilot.app.screen) is HistoryScreen
        assert screen(pilot)[0].startswith(f" {name}: ")
        assert "busiest" in text(pilot)
        assert text(pilot).splitlines()[3:] != before.splitlines()[3:]


async def test_keys_work_while_the_archive_is_read() -> None:
    """A slow archive shows that it is read; an answer for another org is not shown."""
    started, release = threading.Event(), threading.Event()
    load = build_loader(NOW, UTC)

    def slow(key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
        started.set()
        release.wait(30)
        return load(key, request)

    async with dashboard(slow).run_test(size=ONE) as pilot:
        await pilot.pause()
        await pilot.press("h")
        await pilot.pause()
        assert started.wait(30)
        assert [line.strip() for line in screen(pilot)[3:-1] if line] == [READING]
        await pilot.press("tab", "2", "plus")
        await pilot.pause()
        assert screen(pilot)[0].startswith(" Acme Team: ")
        assert READING in text(pilot)
        release.set()
        for _ in range(3):
            await finish_workers(pilot.app)
            await pilot.pause()
        assert "12 weeks" in text(pilot)
        assert "Billing cycles" in text(pilot)


async def test_history_is_read_again_after_a_while() -> None:
    """Five minutes later, and only while the screen is open; the old one is shown until then."""
    asked: list[HistoryRequest] = []
    load = build_loader(NOW, UTC)

    def spy(key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
        asked.append(request)
        return load(key, request)

    scene = stage(*TRIO)
    async with dashboard(spy, scene).run_test(size=ONE) as pilot:
        await press_each(pilot, "h")
        for minutes, count in ((4, 1), (5, 2), (6, 2)):
            await scene.at(pilot, NOW + timedelta(minutes=minutes))
            assert isinstance(pilot.app, Claudemeter)
            pilot.app._tick()
            await pilot.pause()
            assert "busiest" in text(pilot)
            await finish_workers(pilot.app)
            assert len(asked) == count
        assert asked[1].now == NOW + timedelta(minutes=5)
        assert asked[1].max_pause == timedelta(seconds=150)


def answer_nothing(key: OrgKey, request: HistoryRequest) -> HistoryAnswer:
    """Return the history of an org that was never read."""
    del key
    return answer(SimulatedPast(), request)


@pytest.mark.parametrize(
    ("load", "words", "size"),
    [
        (answer_nothing, ("No history of this org yet.", "appear with the next readings"), (120, 36)),
        (answer_nothing, ("No history of this org yet.", "appear with the next readings"), (60, 20)),
        (lambda *_: None, ("The history file cannot be read.", "Press e to see the problem."), (60, 20)),
        (None, ("History is switched off (history.enabled).", "Turn it on in the settings"), (60, 20)),
    ],
)
async def test_page_without_history_says_why(
    load: Loader | None, words: tuple[str, ...], size: tuple[int, int]
) -> None:
    """Every page says when there will be something to see, or what to do."""
    async with app(stage(*TRIO), load_history=load).run_test(size=size) as pilot:
        await press_each(pilot, "h")
        for _ in HistoryScreen.PAGES:
            shown = " ".join(text(pilot).replace("▌", " ").split())
            assert all(each in shown for each in words)
            await press_each(pilot, "tab")


async def test_names_are_hidden_in_private_mode() -> None:
    """The history of the selected org is shown under its pseudonym."""
    asked: list[OrgKey] = []
    load = build_loader(NOW, UTC)

    def spy(key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
        asked.append(key)
        return load(key, request)

    async with dashboard(spy, privacy=True).run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "h")
        assert isinstance(pilot.app, Claudemeter)
        assert asked == [pilot.app.store.orgs[1].key]
        for _ in HistoryScreen.PAGES:
            assert "Acme" not in text(pilot)
            await press_each(pilot, "tab")
        assert "busiest" in text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 36), (60, 20), (40, 8)])
async def test_every_row_is_reached_by_keys(size: tuple[int, int]) -> None:
    """Down from the first row to the last one, each with the cursor's mark on screen."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "h")
        for page in HistoryScreen.PAGES[:-1]:
            assert isinstance(pilot.app.screen, HistoryScreen)
            rows = pilot.app.screen._page._rows
            wanted = [item for item, row in enumerate(rows) if row.is_selectable]
            seen = []
            for _ in wanted:
                seen.append(pilot.app.screen.item_list.cursor)
                assert any(line.startswith("▌") for line in screen(pilot)), page
                await pilot.press("down")
            assert seen == wanted
            await press_each(pilot, "tab")


async def test_cursor_stays_on_its_row() -> None:
    """A page has its own cursor, which a new answer and another page leave where it is."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "h", "tab", "tab", "G")
        marked = next(line for line in screen(pilot) if line.startswith("▌"))
        await press_each(pilot, "tab", "shift+tab")
        assert marked in screen(pilot)
        await press_each(pilot, "g", "plus", "minus")
        assert next(line for line in screen(pilot) if line.startswith("▌")) != marked


async def test_click_moves_the_cursor() -> None:
    """Every row can be clicked."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "h", "tab", "tab")
        place = next(y for y, line in enumerate(screen(pilot)) if "Apr 13 – 19" in line)
        await pilot.click(offset=(10, place))
        await pilot.pause()
        assert screen(pilot)[place].startswith("▌")


@pytest.mark.parametrize(
    ("size", "ascii_only"), [*((size, False) for size in SIZES), ((120, 36), True), ((40, 8), True)]
)
async def test_every_page_fits_every_size(size: tuple[int, int], ascii_only: bool) -> None:  # noqa: FBT001
    """Each line has the width of the screen, the verdict is the first one, and ASCII is ASCII.

    From 40 columns on, each amount has its cents: none ends at the edge or in an ellipsis.
    """
    async with dashboard(ascii=ascii_only).run_test(size=size) as pilot:
        await press_each(pilot, "2", "h", "plus")
        for _ in HistoryScreen.PAGES:
            lines = text_of(pilot.app.screen._compositor.render_strips())
            assert list(width_defects(lines, size[0])) == []
            assert "BLOCKED" in screen(pilot)[0]
            assert text(pilot).isascii() or not ascii_only
            for line in screen(pilot)[2:] if size in SIZES[1:5] else ():
                assert "…" not in line
                # The labels of an axis are round.
                assert all(re.match(r"[\d,]+(\.\d\d|\s)", part) for part in line.split("$")[1:]), line
            await press_each(pilot, "tab")


async def test_calendar_is_readable_without_colour() -> None:
    """Each level has its own sign in the legend, also in ASCII, and blank hours are explained."""
    for ascii_only, signs in ((False, "·░▒▓█"), (True, ".-+*#")):
        async with dashboard(ascii=ascii_only).run_test(size=ONE) as pilot:
            await press_each(pilot, "h", "plus", "plus")
            legend = next(line for line in screen(pilot) if " none " in line)
            assert [part.strip()[0] for part in legend.split("  ") if part.strip()] == [*signs, "b"]
            assert re.search(r"(to \$[\d.]+  .*){4}blank: not read", legend)
            days = [line for line in screen(pilot) if line[2:5] in ("Mon", "Tue", "Wed", "Thu", "Fri")]
            assert len(days) == 5
            assert all(sign in "".join(days) for sign in signs)


@pytest.mark.parametrize(
    ("sizes", "bounds", "hours"),
    [
        ([], (1, 2, 5), [0, 0, 0, 0]),
        ([1262.0], (1000, 2000, 5000), [0, 1, 0, 0]),
        ([30, 45, 60, 80, 110, 150, 190, 2600], (50, 100, 200), [2, 2, 3, 1]),
        ([50] * 10 + [2600], (50, 100, 200), [10, 0, 0, 1]),
        ([*range(100, 181)], (120, 140, 160), [21, 20, 20, 20]),
        ([1, 1, 1, 2, 3, 5, 9], (1, 2, 5), [3, 1, 2, 1]),
        ([0.2, 0.3], (1, 2, 5), [2, 0, 0, 0]),
    ],
)
def test_levels_of_the_calendar_divide_its_hours(
    sizes: list[float], bounds: tuple[int, ...], hours: list[int]
) -> None:
    """The levels are round, and one busy hour leaves three of them to the others."""
    scale = CalendarScale.fit(sizes)
    assert bounds == scale.bounds
    assert [[scale.find_level(size) for size in sizes].count(level) for level in range(4)] == hours


def test_hours_of_any_amount_have_a_level() -> None:
    """The smallest and the largest amounts have levels that rise, and wide ranges fill every level."""
    for size in (1e-9, 0.4, 1.0, 99.9, 1e6, 1e30):
        bounds = CalendarScale.fit([size]).bounds
        assert 0 < bounds[0] < bounds[1] < bounds[2]
    spread = [1.07**number for number in range(1, 150)]
    levels = [CalendarScale.fit(spread).find_level(size) for size in spread]
    assert levels == sorted(levels)
    assert all(20 <= levels.count(level) <= 60 for level in range(4))


@pytest.mark.parametrize(
    ("size", "weeks", "kind", "line"),
    [
        ((120, 36), 4, "day", "even pace $1.33"),
        ((80, 24), 12, "week", "pace"),
        ((120, 36), 52, "week", ""),
        ((48, 24), 52, "month", ""),
    ],
)
async def test_only_bars_of_months_have_the_line_of_the_cap(
    size: tuple[int, int], weeks: int, kind: str, line: str
) -> None:
    """The cap is no limit of a day or week: the title names it, and the scale ends above the highest bar."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(
            pilot,
            "2",
            "h",
            *["plus"] * (4, 12, 52).index(weeks),
            *["tab"] * HistoryScreen.PAGES.index("days"),
        )
        lines = screen(pilot)
        (title,) = (text for text in lines if f"Credits per {kind}" in text)
        assert "cap $40.00 a month" in title
        chart = lines[lines.index(title) + 1 :]
        drawn = [text for text in chart if "┄" in text or "▔ ▔" in text]
        assert len(drawn) == 1
        assert not line or f" {line} " in drawn[0]
        assert ("$40 ┤" in drawn[0]) == (kind == "month")
        bars = [number for number, text in enumerate(chart) if set(text) & set("▁▂▃▄▅▆▇█")]
        assert bars[0] <= len(chart) / 3


@pytest.mark.parametrize(
    ("size", "head", "running"),
    [
        ((120, 36), "from to reset peak full at full for stopped credits", "Fri May 1 00:00 expected"),
        ((80, 24), "from to reset peak full at stopped credits", "May 1 00:00 expected 2h 15m $11.75"),
        ((60, 20), "from to (* not seen) peak stopped credits", "May 1 00:00* 2h 15m $11.75"),
        ((40, 12), "", "– May 1 00:00"),
    ],
)
async def test_cycles_have_dates_of_one_form_and_a_mark_while_they_run(
    size: tuple[int, int], head: str, running: str
) -> None:
    """Every date has its day, and a reset that was not seen has its source or a sign."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "h", "tab")
        lines = [" ".join(line.split()).strip("▌ ") for line in screen(pilot)[3:-1]]
        heading = next(place for place, line in enumerate(lines) if line.startswith("Billing cycles"))
        assert (lines[heading - 1].removesuffix(" ▇") if heading else "") == head
        assert lines[heading + 1].startswith("▸")
        assert running in lines[heading + 1]
        for line in lines:
            times, days = (len(re.findall(each, line)) for each in (r"\d\d:\d\d", r"[A-Z][a-z]{2} \d"))
            assert days >= times


async def test_stops_are_one_table_by_period_and_cause() -> None:
    """The whole period, then each week with its coverage; stops of work before those of the plan."""
    async with dashboard().run_test(size=ONE) as pilot:
        await press_each(pilot, "2", "h", "tab", "tab", "tab", "plus")
        lines = [line.strip("▌ ▇") for line in screen(pilot)[3:-1] if line.strip("▌ ▇")]
        head, *rows = [re.split(r"  +", line) for line in lines]
        assert head == ["period", "verdict", "cause", "times", "time", "covered"]
        assert rows[:5] == [
            ["whole period", "BLOCKED", "monthly cap reached", "26", "1d 9h", "38%"],
            ["BLOCKED", "balance empty", "1", "2h 15m"],
            ["ON CREDITS", "5-hour window full", "62", "3d 1h"],
            ["Apr 20 – 26", "BLOCKED", "balance empty", "1", "2h 15m", "48%"],
            ["ON CREDITS", "5-hour window full", "4", "2h 59m"],
        ]
        assert (
            len([row for row in rows if row[-1].endswith("%")]) == 14
        )  # the whole period and the 13 weeks that it touches


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((120, 36), ["seen: ", "by date: ", "expected: "]),
        ((80, 24), ["seen: ", "by date: ", "expected: "]),
        ((60, 20), []),
        ((40, 12), ["by date: "]),
    ],
)
async def test_words_about_resets_are_explained_below_the_cycles(
    size: tuple[int, int], expected: list[str]
) -> None:
    """Each word on the page is explained behind the last cycle, and no other one."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "h", "tab", "end", "down", "down")
        shown = text(pilot)
        assert [each for each in ("seen: ", "by date: ", "expected: ") if each in shown] == expected


def answer_first_minutes(key: OrgKey, request: HistoryRequest) -> HistoryAnswer:
    """Return the history of two readings a minute ago, with a cap and without spending."""
    del key
    at = to_millis(NOW - timedelta(minutes=2))
    read: list[tuple[str, int, int, object, str, str]] = [
        ("verdict", at, at + 60_000, "can_work", "", ""),
        ("credits", at, at + 60_000, "open", "", ""),
    ]
    money: list[tuple[str, int, int, object, str, str]] = [
        (name, at, at + 60_000, cents, "USD:2", "") for name, cents in (("used", 1720), ("cap", 5000))
    ]
    month = (to_millis(NOW.replace(day=1, hour=0, minute=0)), "calendar", None, "unknown", 1720, "USD:2", at)
    cycles: list[tuple[object, ...]] = [("month", *month, None, 0, "0", "USD:2", at + 60_000, 0)]
    return answer(SimulatedPast(runs=read, open_runs=money, cycles=cycles), request)


@pytest.mark.parametrize("size", [(120, 36), (60, 20)])
async def test_first_minutes_show_no_false_figure(size: tuple[int, int]) -> None:
    """A few readings are no `not read`, nothing spent has no axis, and nothing before the first is listed."""
    async with dashboard(answer_first_minutes).run_test(size=size) as pilot:
        await press_each(pilot, "h", "plus")
        shown = {}
        for page in HistoryScreen.PAGES:
            shown[page] = " ".join(text(pilot).replace("▌", " ").split())
            await press_each(pilot, "tab")
        assert "covered less than 1%" in shown["calendar"] or size[0] < 100
        assert "· none blank: not read" in shown["calendar"]
        assert "$0.01" not in shown["calendar"] + shown["days"]
        assert "$17.20" in shown["cycles"]
        assert "No credits were spent in this period. Covered less than 1% of the time." in shown["days"]
        assert "Cap $50.00 a month." in shown["days"]
        assert "Weeks credits" in shown["sums"]
        assert "Apr 20 – 26 none" in shown["sums"]
        assert "Apr 13" not in shown["sums"] + shown["stops"]
        assert "Mar 2026" not in shown["sums"] + shown["stops"]
        for page in ("sums", "stops"):
            assert "History since Sat Apr 25 14:46." in shown[page]
        assert re.search(r"Apr 20 – 26 (no stop seen <1%|covered <1% no stop seen)", shown["stops"])


async def test_history_without_an_org_says_so() -> None:
    """Nothing is being read then, so that every page has this one sentence."""
    async with app(stage(), load_history=answer_nothing).run_test(size=ONE) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        await pilot.app.push_screen(HistoryScreen(pilot.app._build_view()))
        for _ in HistoryScreen.PAGES:
            await press_each(pilot, "tab")
            assert text(pilot).count("No org yet") == 1
            assert "No org yet." in text(pilot)
            assert READING not in text(pilot)


@pytest.mark.parametrize(("size", "is_apart"), [((120, 36), True), ((80, 24), False)])
async def test_calendar_leaves_room_for_the_days_before_it_is_spaced(
    size: tuple[int, int],
    is_apart: bool,  # noqa: FBT001
) -> None:
    """The credits per day are on the page from 80 x 24 on, and end where the sums of the weekdays end."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "h")
        lines = screen(pilot)
        assert any("Credits per day" in line for line in lines)
        monday = next(place for place, line in enumerate(lines) if "Mon " in line)
        assert ("Tue " in lines[monday + 1]) != is_apart
        axis = next(line for line in lines if re.match(r" +\$0(\.00)? ┴", line))
        ends = {
            len(line.rstrip()) for line in lines if re.search(r"^..(Mon|Tue|Wed) .*\$[\d.]+$", line.rstrip())
        }
        assert ends == {size[0] - 1}
        assert size[0] - 3 <= len(axis.rstrip()) <= size[0] - 1
        assert any("sum of 4 weeks $" in line for line in lines)


@pytest.mark.parametrize("size", [(160, 45), (120, 36)])
async def test_wide_pane_has_stops_and_days_beside_the_sums(size: tuple[int, int]) -> None:
    """From 110 columns on, other pages are in frames beside the sums and the stops, which have the cursor."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "h", "tab", "tab")
        stops, days = "What stopped you · 4 weeks", "Credits · 4 weeks"
        both, one = ([days, stops], "  Billing"), ([days], "  period")
        for framed, sign in (both, one) if size[0] > 120 else (both,):
            lines = screen(pilot)
            assert sum(line.startswith(sign) for line in lines) == 1
            titles = [match[1] for line in lines if (match := re.search(r"╭ ([^─]+) ─", line))]
            assert titles == framed
            assert any("Credits per day" in line for line in lines)
            cursor = next(line for line in lines if line.startswith("▌"))
            assert "│" in cursor
            await press_each(pilot, "down")
            assert sum(line.startswith("▌") for line in screen(pilot)) == 1
            await press_each(pilot, "tab")


@pytest.mark.parametrize(("has_days", "size"), [(True, (120, 36)), (True, (80, 30)), (False, (80, 24))])
async def test_table_is_never_wrapped_for_a_page_with_it(*, has_days: bool, size: tuple[int, int]) -> None:
    """The stops of several causes need the whole width, so the days are below, if they fit as a whole."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "h", "tab", "tab", "tab")
        lines = screen(pilot)
        assert any(line.split()[:3] == ["period", "verdict", "cause"] for line in lines)
        frame = [line for line in lines if line[2:3] in {*"╭│╰"}]
        assert [line[2] for line in frame[:: max(1, len(frame) - 1)]] == (["╭", "╰"] if has_days else [])
        assert {len(line) for line in frame} <= {size[0] - 1}
        assert any("Credits per day" in line for line in frame) is has_days
        await press_each(pilot, "end")
        assert next(line for line in screen(pilot) if line.startswith("▌"))[2:3] not in {*"╭│╰"}


@pytest.mark.parametrize(("size", "has_bars"), [((160, 45), True), ((120, 36), True), ((100, 30), False)])
async def test_cycles_have_a_bar_beside_their_peak(size: tuple[int, int], has_bars: bool) -> None:  # noqa: FBT001
    """It fills the width, and is full only at 100%; the credits of a month have none."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "h", "tab")
        rows = [line for line in screen(pilot) if "seen" in line or "by date" in line]
        found = [re.search(r"(\d+)%(?: +([━╸─]+))?", line) for line in rows]
        peaks = [(int(match[1]), match[2]) for match in found if match is not None]
        assert len(peaks) > 5
        for percent, bar in peaks:
            assert bool(bar) == has_bars
            assert not bar or (set(bar) == {"━"}) == (percent >= 100)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        ((60, 20), ["credits", "stopped", "on", "credits", "covered"]),
        ((48, 16), ["credits", "stopped", "covered"]),
        ((40, 12), ["credits", "stopped"]),
    ],
)
async def test_sums_keep_the_stops_in_a_narrow_pane(size: tuple[int, int], head: list[str]) -> None:
    """The share of the time that was read gives way before the length of the stops."""
    async with dashboard().run_test(size=size) as pilot:
        await press_each(pilot, "2", "h", "tab", "tab")
        (line,) = (line for line in screen(pilot) if "  Billing cycles " in line)
        assert line.split()[2:] == head


async def test_month_has_the_same_word_for_its_credits_in_a_narrow_pane() -> None:
    """The percentage of a window is its peak; what was spent in a month is called credits as in the table."""
    async with dashboard().run_test(size=(40, 20)) as pilot:
        await press_each(pilot, "2", "h", "tab")
        lines = screen(pilot)
        assert any(re.match(r"▌ +credits \$11\.75 +stopped", line) for line in lines)
        assert any(re.search(r"  peak +30%", line) for line in lines)
        assert not any("peak $" in line for line in lines)


async def test_cycles_have_aligned_days_and_no_amount_twice() -> None:
    """A day of one digit has two cells, a month its credits only, and a cycle that was never full no dash."""
    async with dashboard().run_test(size=(120, 36)) as pilot:
        await press_each(pilot, "2", "h", "tab", "plus")
        lines = screen(pilot)
        month = lines[next(place for place, line in enumerate(lines) if "Billing cycles" in line) + 1]
        assert "Wed Apr  1 00:00" in month
        assert len(re.findall(r"\$[\d.]+", month)) == 1
        cycles = [line for line in lines[4:] if re.search(r" [1-9]\d?% ", line)]
        assert cycles
        assert not any("–" in line for line in cycles)

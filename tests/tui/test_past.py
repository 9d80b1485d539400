"""The dashboard as it was: from event to event, clearly marked, and back to now."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.history.archive import Archive as HistoryArchive
from claudemeter_tui.history.archive import Step
from claudemeter_tui.history.database import ARCHIVE_NAME, locate_archive, open_for_writing, to_millis
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.past import PastMoment
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.screens.events import EventsScreen
from claudemeter_tui.tui.screens.history import HistoryScreen
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from claudemeter_tui.wiring import ArchiveReader
from tests.archives import simulate_archive
from tests.bodies import org_body, overage_body, usage_body
from tests.machines import build_machine_loader
from tests.scenes import NOW, PERSONAL, READ, SESSION, TEAM, OrgBodies, org_of, readings
from tests.terminal import PATIENCE
from tests.tui.app_harness import app, finish_workers, screen, stage, text
from tests.tui.test_archived_charts import Archive

MINUTE = timedelta(minutes=1)
LoadPast = Callable[[OrgKey, Any, int], PastMoment | None]
WIDE = (120, 36)
SIZES = [WIDE, (80, 24), (60, 20), (40, 8), (80, 1)]
SCREENS = ["d", "o", "e", "question_mark"]


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive of two hours, in which the 5-hour window fills an hour before now."""
    path = tmp_path_factory.mktemp("past") / ARCHIVE_NAME
    connection = open_for_writing(path)
    archive = HistoryArchive(connection, Invocation().base_url)
    store, log = Store(), EventLog(thresholds=(75,))
    for minute in range(-120, 0):
        percent = 60 if minute < -90 else 80 if minute < -60 else 100
        bodies = OrgBodies(org_body(), usage_body(percent, 20), overage_body(used=1720))
        steps = []
        for reading in readings(bodies, at=READ + minute * MINUTE):
            before, store = store, store.apply(reading)
            log = log.observe(store, reading.at)
            steps.append(Step(reading, before, store, tuple(log.new_events)))
        archive.append(steps)
    connection.close()
    return path


@pytest.fixture
def load_past(two_hours: Path) -> LoadPast:
    """Return the loader of a copy of that archive."""
    locate_archive().parent.mkdir(parents=True)
    shutil.copy(two_hours, locate_archive())
    return ArchiveReader(Invocation().base_url).load_past


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one by one, and wait each time until the archive has answered."""
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        await finish_workers(pilot.app)
        await pilot.pause()
        await pilot.pause()


async def test_events_are_visited_in_turn(load_past: LoadPast) -> None:
    """`[` goes to earlier events, `]` to later ones and at last to now; Esc returns to now at once."""
    async with app(stage(PERSONAL), load_past=load_past).run_test(
        size=(120, 36), notifications=True
    ) as pilot:
        await press(pilot)
        now = screen(pilot)
        await press(pilot, "left_square_bracket")
        filled = text(pilot)
        assert "as of 13:48 · Esc returns to now" in filled
        assert "as of 13:48: ON CREDITS" in filled
        assert " 100% " in filled
        axes = [line.split() for line in (now[-4], screen(pilot)[-4])]
        assert [sorted({"now", "13:48"}.intersection(words)) for words in axes] == [["now"], ["13:48"]]
        await press(pilot, "left_square_bracket")
        assert "as of 13:18: CAN WORK" in text(pilot)
        assert " 80% " in text(pilot)
        await press(pilot, "left_square_bracket")
        assert "No earlier event of this org is kept." in text(pilot)
        await press(pilot, "right_square_bracket")
        assert "as of 13:48: ON CREDITS" in text(pilot)
        await press(pilot, "right_square_bracket")
        assert screen(pilot)[:20] == now[:20]
        pilot.app.clear_notifications()
        await press(pilot, "left_square_bracket", "escape")
        assert screen(pilot)[:20] == now[:20]


async def test_charts_of_the_past_are_filled_from_the_archive(load_past: LoadPast) -> None:
    """They begin as those of now do, before the first reply that is kept, and end at the moment."""
    archive = Archive(series=simulate_archive(READ - 125 * MINUTE, 1))
    async with app(stage(PERSONAL), load_past=load_past, load_series=archive.load).run_test(
        size=WIDE
    ) as pilot:
        await press(pilot)
        for keys, span in ((("left_square_bracket",), timedelta(hours=5)), (("plus",), timedelta(days=1))):
            await press(pilot, *keys)
            assert archive.asked[-1] == (PERSONAL.org["uuid"], span)
            assert archive.ends[-1] == READ - 60 * MINUTE
            charts = [panel._chart for panel in pilot.app.screen.query(ChartPanel)]
            starts = [chart.curves[0][1][0] for chart in charts if chart is not None]
            assert len(starts) == 2
            assert None not in starts
        await press(pilot, "escape")
        assert archive.ends[-1] is None


@pytest.mark.parametrize(("presses", "is_dated"), [(0, False), (1, False), (2, True), (3, True)])
async def test_charts_of_the_past_say_from_when_they_have_letters(
    load_past: LoadPast, presses: int, *, is_dated: bool
) -> None:
    """A chart that begins before the day whose events are known says since when it has letters."""
    archive = Archive()
    async with app(stage(PERSONAL), load_past=load_past, load_series=archive.load).run_test(
        size=WIDE
    ) as pilot:
        await press(pilot, "left_square_bracket", *["plus"] * presses)
        assert "C on credits" in text(pilot)
        assert ("C on credits · letters since Apr 24" in text(pilot)) == is_dated


async def test_org_chosen_in_the_past_has_all_readings(load_past: LoadPast) -> None:
    """The readings of hours are read for the selected org only, and so again for the next one."""
    asked: list[OrgKey] = []

    def load(key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        asked.append(key)
        past = load_past(first.key, moment, step)
        return past and past._replace(
            key=key, store=replace(past.store, all_orgs=(*past.store.all_orgs, second))
        )

    first, second = reduce(Store.apply, readings(PERSONAL, TEAM), Store()).orgs
    async with app(stage(PERSONAL, TEAM), load_past=load).run_test(size=WIDE) as pilot:
        await press(pilot, "1", "left_square_bracket", "2", "left_square_bracket")
    assert asked == [first.key, second.key, second.key]


async def test_org_without_a_reply_in_the_past_says_so(load_past: LoadPast) -> None:
    """Its tab does not repeat the mark of UNKNOWN."""

    def load(key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        past = load_past(key, moment, step)
        return past and past._replace(store=replace(past.store, all_orgs=(*past.store.all_orgs, bare)))

    _, team = reduce(Store.apply, readings(PERSONAL, TEAM), Store()).orgs
    bare = OrgState(team.org, team.account, team.session)
    async with app(stage(PERSONAL, TEAM), load_past=load).run_test(size=WIDE) as pilot:
        await press(pilot, "1", "left_square_bracket")
        assert "? 2 Acme Team not read" in screen(pilot)[1]


@pytest.mark.parametrize(
    ("size", "key"),
    [
        *((size, "") for size in SIZES),
        *((WIDE, key) for key in SCREENS),
        *(pytest.param(size, key, marks=pytest.mark.slow) for size in SIZES[1:] for key in SCREENS),
    ],
)
async def test_every_screen_is_marked(load_past: LoadPast, size: tuple[int, int], key: str) -> None:
    """No past figure is shown without its moment, whatever the size and the screen."""
    async with app(stage(PERSONAL), load_past=load_past).run_test(size=size) as pilot:
        await press(pilot, "left_square_bracket", *([key] if key else []))
        assert "as of 13:48" in text(pilot)


async def test_new_readings_do_not_move_the_past(load_past: LoadPast) -> None:
    """Polls and the clock go on behind it, and are there after Esc."""
    scene = stage(PERSONAL)
    async with app(scene, load_past=load_past).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "left_square_bracket")
        past = screen(pilot)
        later = READ + 5 * MINUTE
        await scene.at(pilot, NOW + 5 * MINUTE)
        bodies = OrgBodies(org_body(), usage_body(55, 20), overage_body(used=1999))
        await scene.post(pilot, *readings(bodies, at=later))
        assert screen(pilot)[:20] == past[:20]
        await press(pilot, "escape")
        assert "$19.99" in text(pilot)


async def test_the_report_is_of_the_past(load_past: LoadPast, tmp_path: Path) -> None:
    """Screenshot and report have the figures and the time on screen."""
    scene = app(stage(PERSONAL), load_past=load_past, pictures=tmp_path)
    async with scene.run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "left_square_bracket", "s")
    (picture,), (report,) = tmp_path.glob("*.svg"), tmp_path.glob("*.json")
    assert "13:48" in picture.read_text("utf-8")
    assert '"made_at": "2026-04-25T13:48:00Z"' in report.read_text("utf-8")


def forget_replies() -> None:
    """Remove all replies as retention does; figures and events stay."""
    connection = open_for_writing(locate_archive())
    for table in ("replies", "failures", "readings"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.close()


def change_archive(statement: str, *values: object) -> None:
    """Run a statement on the archive."""
    connection = open_for_writing(locate_archive())
    connection.execute(statement, values)
    connection.close()


def dashboard(load_past: LoadPast, **options: Any) -> Claudemeter:
    """Return a dashboard with the archive's past and history."""
    load_history = ArchiveReader(Invocation().base_url).load_history
    return app(stage(PERSONAL), load_past=load_past, load_history=load_history, **options)


@pytest.mark.parametrize("has_replies", [True, False])
@pytest.mark.parametrize(
    ("page", "row", "moment"),
    [
        ("calendar", "Sat", "13:59"),
        ("cycles", "5-hour window", "13:48"),
        ("cycles", "Billing cycle", "12:48"),
        ("sums", "Sat Apr 25", "13:59"),
        ("stops", "ON CREDITS", "13:48"),
    ],
)
async def test_row_of_the_history_is_a_moment(
    load_past: LoadPast, page: str, row: str, moment: str, *, has_replies: bool
) -> None:
    """Enter closes the history and shows when a cycle was full, a stop began, or a day was busiest."""
    sections = {"5-hour window": "Sat Apr 25 11:00", "Billing cycle": "Wed Apr  1 00:00"}
    if not has_replies:
        forget_replies()
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot, "h", *["tab"] * HistoryScreen.PAGES.index(page))
        await press_until_marked(pilot, sections.get(row, row))
        await press(pilot, "enter")
        assert not isinstance(pilot.app.screen, HistoryScreen)
        assert f"as of {moment}" in text(pilot)
        assert text(pilot).casefold().count("replies no longer kept") == (0 if has_replies else 1)


async def press_until_marked(pilot: Pilot[Any], words: str) -> None:
    """Move the cursor down to the row with these words."""
    for _ in range(40):
        if any(line.startswith("▌") and words in line for line in screen(pilot)):
            return
        await pilot.press("down")
    raise AssertionError(words)


async def test_double_click_on_a_row_shows_its_moment(load_past: LoadPast) -> None:
    """A single click only moves the cursor."""
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot, "h", "tab")
        place = next(y for y, line in enumerate(screen(pilot)) if "Sat Apr 25 11:00" in line)
        await pilot.click(offset=(10, place))
        await press(pilot)
        assert isinstance(pilot.app.screen, HistoryScreen)
        await pilot.click(offset=(10, place), times=2)
        await finish_workers(pilot.app)
        await press(pilot)
        assert "as of 13:48: ON CREDITS" in text(pilot)


async def test_row_without_a_reading_says_so(load_past: LoadPast) -> None:
    """The history stays open, and so does now."""
    async with dashboard(load_past).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "h", "enter")
        assert isinstance(pilot.app.screen, HistoryScreen)
        assert "Nothing was read then." in text(pilot)


@pytest.mark.parametrize("has_replies", [True, False])
async def test_event_is_a_moment(load_past: LoadPast, *, has_replies: bool) -> None:
    """Enter in the events shows the event's time; `e` works there, too."""
    if not has_replies:
        forget_replies()
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot, "left_square_bracket", "e", "end", "enter")
        assert "as of 13:18: CAN WORK" in text(pilot)
        await press(pilot, "e")
        assert "Enter open" in text(pilot)
        assert "as of 13:18" in text(pilot)
        await press(pilot, *["escape"] * 3)
        assert "as of 13:48" in text(pilot)
        await press(pilot, "escape")
        assert "as of" not in text(pilot)


RETURNS = [
    # keys to the row, its text, where Escape leads
    (("h", "tab"), "Sat Apr 25 11:00", "the history"),
    (("h", "tab", "tab", "tab"), "ON CREDITS", "the history"),
    (("e", "c", "c"), "5-hour window full", "the events"),
    (("l", "shift+tab"), "13:48", "this machine"),
]


@pytest.mark.parametrize("has_replies", [True, False])
@pytest.mark.parametrize(("keys", "row", "name"), RETURNS, ids=str)
async def test_escape_returns_to_the_row_of_the_moment(
    load_past: LoadPast, keys: tuple[str, ...], row: str, name: str, *, has_replies: bool
) -> None:
    """The page, its filter and the cursor are as before, also after other moments; Escape again closes it."""
    if not has_replies:
        forget_replies()
    given = dashboard(
        load_past,
        load_events=ArchiveReader(Invocation().base_url).load_events,
        load_machine=build_machine_loader(),
    )
    async with given.run_test(size=WIDE) as pilot:
        await press(pilot, *keys)
        await press_until_marked(pilot, row)
        chosen = screen(pilot)
        opened = type(pilot.app.screen)
        for more in ((), ("left_square_bracket",), ("e", "escape"), ("h", "escape")):
            await press(pilot, "enter", *more)
            assert "as of 13:" in text(pilot)
            assert not has_replies or f"Esc returns to {name}" in text(pilot)
            await press(pilot, "escape")
            assert type(pilot.app.screen) is opened
            assert screen(pilot) == chosen
        await press(pilot, "enter", *["right_square_bracket"] * 3)
        assert "as of" not in text(pilot)
        await press(pilot, "left_square_bracket", "escape")
        assert isinstance(pilot.app.screen, DashboardScreen)


@pytest.mark.parametrize("has_replies", [True, False])
@pytest.mark.parametrize(("keys", "row"), [(("e",), "13:18"), *(one[:2] for one in RETURNS[:2])], ids=str)
async def test_escape_returns_over_the_moment_before(
    load_past: LoadPast, keys: tuple[str, ...], row: str, *, has_replies: bool
) -> None:
    """From a moment chosen over another one it leads to the list, to the other moment, and to now."""
    if not has_replies:
        forget_replies()
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot)
        now = screen(pilot)
        await press(pilot, "left_square_bracket", "left_square_bracket")
        before = screen(pilot)
        await press(pilot, *keys)
        await press_until_marked(pilot, row)
        chosen = screen(pilot)
        await press(pilot, "enter")
        assert "as of 13:" in text(pilot)
        assert type(pilot.app.screen) is not HistoryScreen
        for expected in (chosen, before, now):
            await press(pilot, "escape")
            assert screen(pilot) == expected


async def test_escape_returns_to_the_figures_before(load_past: LoadPast) -> None:
    """A row of the figures of a moment leads to another one; Escape returns to the same row."""
    forget_replies()
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot)
        now = screen(pilot)
        await press(pilot, "left_square_bracket", "end")
        before = screen(pilot)
        await press(pilot, "enter")
        assert "as of 13:18" in text(pilot)
        await press(pilot, "escape")
        assert screen(pilot) == before
        await press(pilot, "escape")
        assert screen(pilot) == now


@pytest.mark.parametrize("key", ["d", "o"])
async def test_screens_of_replies_say_that_they_are_gone(load_past: LoadPast, key: str) -> None:
    """Details and overview stay open at a moment without replies."""

    def load(org: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        if moment < NOW:
            forget_replies()
        return load_past(org, moment, step)

    async with dashboard(load).run_test(size=WIDE) as pilot:
        await press(pilot, "left_square_bracket", key, "left_square_bracket")
        assert "as of 13:18" in text(pilot)
        assert "The replies of that time are no longer kept." in text(pilot)
        assert "No org yet" not in text(pilot)


class EventTimes:
    """A past with an event of the asked org at each of some minutes before now."""

    def __init__(self, *minutes: int) -> None:
        """Answer once `is_open` is set."""
        self.times = sorted(NOW - one * MINUTE for one in minutes)
        self.asked: list[tuple[OrgKey, int]] = []
        self.is_open = threading.Event()

    def load(self, key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        """Return a moment as the archive does."""
        self.asked.append((key, step))
        assert self.is_open.wait(PATIENCE)
        found = [at for at in self.times if (at < moment if step < 0 else at > moment)]
        found = found[step:] if step < 0 else found[:step]
        if step > len(found) or (step and not found):
            return None
        at = (found[0] if step < 0 else found[-1]) if step else moment
        store = reduce(Store.apply, readings(PERSONAL, TEAM, at=at), Store())
        return PastMoment(at, key, store, lacks_events=len(found) < abs(step))


async def finish_requests(pilot: Pilot[Any]) -> None:
    """Wait until every requested moment was read and is on screen."""
    assert isinstance(pilot.app, Claudemeter)
    async with asyncio.timeout(PATIENCE):
        while pilot.app._key_queue.is_busy or pilot.app._past_requests:
            await pilot.pause()
    await pilot.pause()


BACK, FORWARD = "left_square_bracket", "right_square_bracket"
FAST_KEYS = [
    (BACK,) * 5,
    (BACK,) * 9,  # more than there are events
    (BACK, BACK, BACK, FORWARD),
    (BACK, FORWARD, BACK, BACK),
    (BACK, FORWARD, FORWARD, BACK),
    (BACK, BACK, "2", BACK),
    ("2", BACK, "1", BACK, "2"),
    (BACK, BACK, "escape"),
    (BACK, BACK, "escape", BACK),
    (BACK, "e", BACK, "escape", BACK),
    (BACK, "h", BACK, "escape"),
    ("h", BACK, BACK, BACK, "escape"),
    (BACK, "o", "down", BACK, "enter"),
]


@pytest.mark.parametrize("keys", FAST_KEYS, ids=str)
async def test_each_press_counts_while_the_archive_is_read(keys: tuple[str, ...]) -> None:
    """The moment and the org are those that the same keys reach one by one."""
    found = []
    for is_fast in (False, True):
        past = EventTimes(10, 20, 30, 40, 50, 60, 70)
        async with app(stage(PERSONAL, TEAM), load_past=past.load).run_test(size=WIDE) as pilot:
            await press(pilot, "1")
            if is_fast:
                for key in keys:
                    await pilot.press(key)
                past.is_open.set()
                await finish_requests(pilot)
                assert len(past.asked) <= len(keys)
            else:
                past.is_open.set()
                await press(pilot, *keys)
            await press(pilot)
            found.append(screen(pilot))
    assert found[0] == found[1]


@pytest.mark.parametrize("size", [WIDE, (40, 8)])
async def test_org_without_a_past_that_is_chosen_meanwhile_shows_now(
    load_past: LoadPast, size: tuple[int, int]
) -> None:
    """An org that was not known at the moment that is being read leads to now, with a message."""
    is_open = threading.Event()

    def load(key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        assert is_open.wait(PATIENCE)
        return load_past(key, moment, step)

    async with app(stage(PERSONAL, TEAM), load_past=load).run_test(size=size, notifications=True) as pilot:
        await press(pilot, "2")
        now = screen(pilot)
        await press(pilot, "1")
        await pilot.press(BACK, "2")
        is_open.set()
        await finish_requests(pilot)
        assert "There is no history of this org" in text(pilot)
        pilot.app.clear_notifications()
        await press(pilot)
        assert screen(pilot)[: size[1] - 2] == now[: size[1] - 2]


async def test_held_key_reads_the_archive_twice() -> None:
    """The presses while a moment is read become one search."""
    past = EventTimes(*range(10, 60))
    async with app(stage(PERSONAL), load_past=past.load).run_test(size=WIDE, notifications=True) as pilot:
        await pilot.pause()
        await pilot.press(*[BACK] * 20)
        past.is_open.set()
        await finish_requests(pilot)
        assert [step for _, step in past.asked] == [-1, -19]
        assert "as of 14:19" in text(pilot)
        await pilot.press(*[BACK] * 40)
        await finish_requests(pilot)
        assert "as of 13:49" in text(pilot)
        assert "No earlier event of this org is kept." in text(pilot)


async def test_escape_keeps_the_list_whose_moment_is_being_read() -> None:
    """A choice that is not on screen yet is forgotten; another row takes its place."""
    past = EventTimes()
    events = tuple(
        Event(EventKind.STALE, NOW - minutes * MINUTE, SESSION, org_of(PERSONAL.org)) for minutes in (20, 10)
    )
    given = app(stage(PERSONAL), load_past=past.load, load_events=lambda *_: events)
    async with given.run_test(size=WIDE) as pilot:
        await press(pilot, "e")
        await pilot.press("enter", "escape")
        assert isinstance(pilot.app.screen, EventsScreen)
        await pilot.press("enter", "down", "enter")
        past.is_open.set()
        await finish_requests(pilot)
        assert "as of 14:28" in text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, EventsScreen)
        await press(pilot, "escape")
        assert "as of" not in text(pilot)


@pytest.mark.parametrize("has_replies", [True, False])
async def test_history_returns_to_the_past_moment(load_past: LoadPast, *, has_replies: bool) -> None:
    """`h` opens the history of now, below the verdict of now, and Esc leaves the moment on screen."""
    if not has_replies:
        forget_replies()
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot, "left_square_bracket")
        past = screen(pilot)
        await press(pilot, "h")
        assert "covered less than 1% of the time" in text(pilot)
        assert "as of" not in screen(pilot)[0]
        await press(pilot, "escape")
        assert screen(pilot) == past


@pytest.mark.parametrize("key", ["h", "l"])
async def test_step_from_a_list_of_now_shows_the_moment(load_past: LoadPast, key: str) -> None:
    """History and this machine, whose figures are those of now, would hide it; Escape returns to them."""
    async with dashboard(load_past, load_machine=build_machine_loader()).run_test(size=WIDE) as pilot:
        await press(pilot, key, "tab")
        opened = screen(pilot)
        await press(pilot, "left_square_bracket", "left_square_bracket")
        assert "as of 13:18" in screen(pilot)[0]
        await press(pilot, "escape")
        assert screen(pilot) == opened
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert "as of" not in text(pilot)


@pytest.mark.parametrize("has_replies", [True, False])
async def test_refresh_over_a_past_moment_is_that_of_now(load_past: LoadPast, *, has_replies: bool) -> None:
    """`r` polls without a message, because the session as it is now is not being read."""
    if not has_replies:
        forget_replies()
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot, "left_square_bracket", "r")
        assert [notice.message for notice in pilot.app._notifications] == []


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("key", ["", "e", "question_mark"])
async def test_figures_outlive_the_replies(
    load_past: LoadPast, size: tuple[int, int], key: str, *, ascii_only: bool
) -> None:
    """The moment, its verdict and every figure are on screen at every size, and Esc returns to now."""
    forget_replies()
    async with dashboard(load_past, ascii=ascii_only).run_test(size=size) as pilot:
        await press(pilot)
        now = screen(pilot)
        await press(pilot, "left_square_bracket", *([key] if key else []))
        assert "as of 13:48: ON CREDITS" in screen(pilot)[0]
        assert text(pilot).isascii() or not ascii_only
        if not key and size[1] > 1:
            seen = text(pilot)
            assert "14:47" not in seen  # the last confirmation, which is later than the moment
            for _ in range(12):
                await press(pilot, "down")
                seen += text(pilot)
            event = f"13:18 {'!' if ascii_only else '▲'} 5-hour window at 80%"
            for words in ("100%", "resets 16:00", "20%", "$17.20", "$50.00", event):
                assert words in " ".join(seen.split())
        await press(pilot, *["escape"] * (2 if key and size[1] > 1 else 1))
        assert screen(pilot) == now


@pytest.mark.parametrize("has_events", [True, False])
async def test_figures_announce_only_events_that_follow(load_past: LoadPast, *, has_events: bool) -> None:
    """The first line names the events only if there are some: of a time long ago, none may be kept."""
    forget_replies()

    def load(key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        past = load_past(key, moment, step)
        return past if has_events or past is None else past._replace(events=())

    async with app(stage(PERSONAL), load_past=load).run_test(size=WIDE) as pilot:
        await press(pilot, "left_square_bracket")
        seen = text(pilot)
        assert "the last figures read until then" in seen
        assert ("and the events before" in seen, "5-hour window at 80%" in seen) == (has_events, has_events)


async def test_figures_only_lead_on(load_past: LoadPast) -> None:
    """`[` and `]` visit the events, details say why they are closed, and the figures are of the time."""
    forget_replies()
    async with dashboard(load_past).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "left_square_bracket", "d")
        assert "The replies of that time are no longer kept." in text(pilot)
        assert "5-hour window full" in text(pilot)
        await press(pilot, "left_square_bracket")
        assert "as of 13:18: CAN WORK" in text(pilot)
        assert " 80% " in text(pilot)
        assert "100%" not in "\n".join(screen(pilot)[1:9])
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert "as of" not in text(pilot)


async def test_help_over_figures_begins_with_their_keys(load_past: LoadPast) -> None:
    """The help has the keys of the page below it; `/`, which needs replies, says that there are none."""
    forget_replies()
    async with dashboard(load_past).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "left_square_bracket", "question_mark")
        assert "Past figures (here)" in text(pilot)
        await press(pilot, "escape", "slash")
        assert "The replies of that time are no longer kept." in text(pilot)


async def test_verdict_of_a_pause_is_not_known(load_past: LoadPast) -> None:
    """A figure that was last read long before has its times, and the verdict is UNKNOWN."""
    forget_replies()
    change_archive("UPDATE open_runs SET confirmed_at = first_at")
    change_archive("UPDATE events SET at = at + ?", 40 * 60_000)
    async with dashboard(load_past).run_test(size=WIDE) as pilot:
        await press(pilot, "left_square_bracket")
        assert "as of 14:28: UNKNOWN  nothing was read then" in text(pilot)
        assert next(line for line in screen(pilot) if "100%" in line).split()[-2:] == ["13:48", "13:48"]


async def test_reset_after_the_last_reading_ends_the_state(load_past: LoadPast) -> None:
    """A moment after the reset of the full window has no percentage of it, and says what it follows from."""
    forget_replies()
    reset = to_millis(NOW.replace(hour=16, minute=0, second=0))
    change_archive("UPDATE open_runs SET confirmed_at = ?", reset - 30_000)
    change_archive("UPDATE events SET at = ? WHERE at = (SELECT max(at) FROM events)", reset)
    scene = stage(PERSONAL)
    async with app(scene, load_past=load_past).run_test(size=WIDE) as pilot:
        await scene.at(pilot, NOW + timedelta(hours=2))
        await press(pilot, "left_square_bracket")
        assert "as of 16:00: CAN WORK  by date, not read" in screen(pilot)[0]
        row = next(line.split() for line in screen(pilot) if "5-hour  " in line)
        assert row == ["5-hour", "reset", "due", "since", "16:00,", "was", "100%", "13:48", "15:59"]


async def test_names_in_figures_are_hidden_and_harmless(load_past: LoadPast, tmp_path: Path) -> None:
    """An unknown window has no escape sequences; screen, picture and report have pseudonyms."""
    forget_replies()
    change_archive("UPDATE names SET name = ? WHERE name = 'window:seven_day'", "window:Zorro \x1b]0;x\x07")
    async with dashboard(load_past, pictures=tmp_path).run_test(size=WIDE) as pilot:
        await press(pilot, "left_square_bracket")
        assert "Zorro \\u001b]0;x" in text(pilot)
        await press(pilot, "s", "p")
        shown = text(pilot)
        assert "Zorro" not in shown
        assert "Org A: as of 13:48" in shown
    (picture,), (report,) = tmp_path.glob("*.svg"), tmp_path.glob("*.json")
    for content in (picture.read_text("utf-8"), report.read_text("utf-8")):
        assert "Zorro" not in content
        assert "Personal" not in content
    document = json.loads(report.read_text("utf-8"))
    assert document["made_at"] == "2026-04-25T13:48:00Z"
    assert document["orgs"] == []
    figures = {row["figure"]: row for row in document["past_figures"]["figures"]}
    assert figures["window:five_hour"]["value"] == 100
    assert figures["verdict"]["cause"] == "five_hour"
    assert figures["used"]["value"] == {"minor": 1720, "currency": "USD", "exponent": 2}


async def test_moment_before_the_archive_stays_now(load_past: LoadPast) -> None:
    """Nothing is known of it, and that is said."""
    async with dashboard(load_past).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot)
        assert isinstance(pilot.app, Claudemeter)
        pilot.app.show_past(NOW - 300 * MINUTE)
        await finish_workers(pilot.app)
        await press(pilot)
        assert "There is no history of this org at that time." in text(pilot)
        assert "as of" not in text(pilot)


async def test_without_history_the_keys_say_so() -> None:
    """With `history.enabled = false` there is no past, and a message says why."""
    async with app(stage(PERSONAL)).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "left_square_bracket")
        assert "switched off" in " ".join(text(pilot).split())


@pytest.mark.parametrize("has_replies", [True, False])
async def test_days_of_the_past_are_not_today(load_past: LoadPast, *, has_replies: bool) -> None:
    """The title of a day is that of now: the events of the moment's own day are of Saturday, not of today."""
    if not has_replies:
        forget_replies()
    scene = stage(PERSONAL)
    async with app(scene, load_past=load_past).run_test(size=WIDE) as pilot:
        await scene.at(pilot, NOW + timedelta(days=2))
        await press(pilot, "left_square_bracket", *(["e"] if has_replies else []))
        lines = [line.strip() for line in screen(pilot)]
        assert any("as of Sat Apr 25 13:48" in line for line in lines)
        assert "Sat Apr 25" in lines
        assert "Today" not in lines
        if has_replies:
            await press(pilot, "slash", *"today")
            assert "0 of 2" in text(pilot)


async def test_events_of_earlier_runs_come_from_the_archive(load_past: LoadPast) -> None:
    """The events that an earlier run kept are rows of the table, and Enter shows the org at their time."""
    load_events = ArchiveReader(Invocation().base_url).load_events
    async with dashboard(load_past, load_events=load_events).run_test(size=WIDE) as pilot:
        await press(pilot, "e")
        assert "13:48  ▲ ON CREDITS" in text(pilot)
        assert "13:18  ▲ 5-hour window at 80%" in text(pilot)
        await press(pilot, "end", "enter")
        assert "as of 13:18: CAN WORK" in text(pilot)


@pytest.mark.parametrize("size", [WIDE, (80, 24), (40, 8)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_figures_only(snap_compare: Callable[..., bool], load_past: LoadPast, size: tuple[int, int]) -> None:
    """The page of a moment without replies, as accepted pictures."""
    forget_replies()

    async def go_back(pilot: Pilot[Any]) -> None:
        await press(pilot, "left_square_bracket")

    assert snap_compare(dashboard(load_past), terminal_size=size, run_before=go_back)

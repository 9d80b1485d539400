"""Charts that reach back before the run: what is asked of the archive, when, and what is shown."""

from __future__ import annotations

import gc
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.time_series import ArchivedSeries
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from tests.archives import archive_credits, archive_percents, simulate_archive
from tests.bodies import TEAM as TEAM_UUID
from tests.model.readings import folded
from tests.scenes import LABORATORY, NOW, PERSONAL, READ, SESSION, TEAM, readings
from tests.tui.app_harness import app, finish_workers, screen, stage, text

DAY = timedelta(days=1)
RUN = timedelta(hours=5)
"""Period that is read for the charts of the run."""
ENDS = READ - timedelta(hours=1)
"""End of the archived figures, before the run's first poll at 14:02."""
Compare = Callable[..., bool]


@dataclass
class Archive:
    """An archive of one series for every org, which notes what it was asked."""

    series: ArchivedSeries | None = field(default_factory=lambda: simulate_archive(ENDS, 400))
    asked: list[tuple[str, timedelta]] = field(default_factory=list)
    """Uuid of the org and length of the period of each request."""
    ends: list[datetime | None] = field(default_factory=list)
    """End of the period of each request. None for now."""
    threads: set[int] = field(default_factory=set)
    gate: threading.Event | None = None
    """Event that each request waits for. None if it answers at once."""
    running: int = 0
    most_running: int = 0

    def load(self, key: OrgKey, since: datetime, until: datetime | None) -> ArchivedSeries | None:
        """Return the series."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.asked.append((key[1], (until or NOW) - since))
        self.ends.append(until)
        self.threads.add(threading.get_ident())
        if self.gate is not None:
            assert self.gate.wait(60)
        self.running -= 1
        return self.series


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, and wait for the archive."""
    await pilot.press(*keys)
    await settle(pilot)


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until the archive has answered and the answer is on screen."""
    await pilot.pause()
    await finish_workers(pilot.app)
    await pilot.pause()
    await pilot.pause()


def read_titles(pilot: Pilot[Any]) -> list[str]:
    """Return the titles of the charts with their period, and the start or the length of the rise."""
    found = []
    for line in screen(pilot):
        if line.startswith("╭ ") and ("sed credits " in line or "tilization " in line):
            name, period = line.strip("╭╮─ ").split(" ──")[0].split("  ")
            selected = re.search(r"▐(.*)▌", period)
            rise = re.search(r"\+\S+ ((?:in|since) \S+)", line)
            found.append(f"{name} {selected[1] if selected else period} {rise[1] if rise else ''}".rstrip())
    return found


async def test_run_is_filled_from_the_archive() -> None:
    """The first charts are not empty: the windows reach back to their start, the credits by an hour."""
    archive = Archive(series=simulate_archive(READ - timedelta(minutes=46), 1))
    async with app(stage(PERSONAL), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert archive.asked == [(PERSONAL.org["uuid"], timedelta(hours=5))]
        assert read_titles(pilot) == ["Used credits run since 13:02", "Utilization 5-hour"]
        charts = [panel._chart for panel in pilot.app.screen.query(ChartPanel)]
        starts = [chart.curves[0][1][0] for chart in charts if chart is not None]
        assert len(starts) == 2
        assert None not in starts


async def test_chart_of_the_run_begins_an_hour_before_it() -> None:
    """The chart of the run never moves its start, and the rise is that since then."""
    archive, scene = Archive(series=simulate_archive(READ - timedelta(minutes=46), 1)), stage(PERSONAL)
    async with app(scene, load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for minutes in (0, 15, 300):
            await scene.at(pilot, NOW + timedelta(minutes=minutes))
            await settle(pilot)
            assert read_titles(pilot)[0] == "Used credits run since 13:02"


@pytest.mark.parametrize(
    ("key", "presses", "title", "span"),
    [
        ("minus", 1, "1h", timedelta(hours=1)),
        ("plus", 1, "24h", DAY),
        ("plus", 2, "7d", 7 * DAY),
        ("plus", 3, "30d", 30 * DAY),
        ("plus", 9, "365d", 365 * DAY),
    ],
)
async def test_every_period_reaches_back_before_the_run(
    key: str, presses: int, title: str, span: timedelta
) -> None:
    """Each period is filled from the archive, so that its title no longer names the start of the run."""
    archive = Archive()
    if span == timedelta(hours=1):
        archive.series = simulate_archive(READ - timedelta(minutes=46), 1)
    async with app(stage(PERSONAL), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        for _ in range(presses):
            await press(pilot, key)
        peaks = {"7d": "6 hours", "30d": "day", "365d": "week"}
        peak = f"Peak utilization per {peaks[title]}" if title in peaks else "Utilization"
        assert [f"Used credits {title} in {title}", f"{peak} {title}"] == read_titles(pilot)
        assert archive.asked[-1] == (PERSONAL.org["uuid"], span)
        assert threading.get_ident() not in archive.threads


@pytest.mark.parametrize(
    ("expected", "ascii_only"), [("▇▇ 5-hour  ══ 7-day all", False), ("## 5-hour  == 7-day all", True)]
)
async def test_legend_of_peaks_has_no_current_value(expected: str, *, ascii_only: bool) -> None:
    """Beside peaks, the legend has only the windows."""
    built = app(stage(PERSONAL), load_series=Archive().load, ascii=ascii_only)
    async with built.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        for _ in range(3):
            await press(pilot, "plus")
        (title,) = (line for line in screen(pilot) if "Peak utilization" in line)
        assert title.rstrip("╮+─- ").endswith(expected)


@pytest.mark.parametrize(("presses", "letters"), [(0, "C"), (1, "BC"), (2, "RBC"), (3, "RBC")])
async def test_events_before_the_run_have_letters(presses: int, letters: str) -> None:
    """Both charts have the letters of earlier runs; a month has the day from which they are known."""
    own, other = folded(*readings(PERSONAL, TEAM)).orgs

    def build_event(kind: EventKind, before: timedelta, state: OrgState = own) -> Event:
        return Event(kind, NOW - before, SESSION, state.org, state.key)

    earlier = (
        build_event(EventKind.WINDOW_RESET, 5 * DAY),
        build_event(EventKind.WAIT, 4 * DAY, other),
        build_event(EventKind.BLOCKED, timedelta(hours=10)),
        build_event(EventKind.ON_CREDITS, timedelta(minutes=30)),
    )
    dashboard = app(stage(PERSONAL), load_series=Archive().load, load_events=lambda *_: earlier)
    async with dashboard.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for _ in range(presses):
            await press(pilot, "plus")
        charts = [panel._chart for panel in pilot.app.screen.query(ChartPanel)]
        drawn = [[letter for letter, _ in chart.letters.values()] for chart in charts if chart is not None]
        assert drawn == [[*letters], [*letters]]
        assert text(pilot).count("letters since Apr 18") == (presses > 2)


async def test_period_that_begins_with_a_gap_is_dated_by_its_first_figure() -> None:
    """The rise since the first figure is not that of the whole period, and the gap before it is labelled."""
    before, first = NOW - 3 * DAY, NOW - timedelta(hours=7)
    credits = archive_credits((None, before, first), (100, first, ENDS))
    percents = archive_percents((None, before, first), (10, first, ENDS))
    series = ArchivedSeries(NOW - DAY, ENDS, credits, {"5-hour": percents})
    async with app(stage(PERSONAL), load_series=Archive(series).load).run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "plus")
        assert read_titles(pilot) == ["Used credits 24h since 07:48", "Utilization 24h"]
        assert text(pilot).count("no data Apr 22-Apr 25") == 2


async def test_archive_is_asked_once_per_org_and_period() -> None:
    """Neither time nor polls repeat a request within five minutes; each org and period has its own."""
    archive, scene = Archive(), stage(PERSONAL, TEAM)
    async with app(scene, load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await press(pilot, "plus")
        await press(pilot, "plus")
        await press(pilot, "2")
        await press(pilot, "2")
        for seconds in (1, 60, 299):
            scene.now = NOW + timedelta(seconds=seconds)
            pilot.app._tick()  # type: ignore[attr-defined]
            await settle(pilot)
        uuid = PERSONAL.org["uuid"]
        assert archive.asked == [(uuid, RUN), (uuid, DAY), (uuid, 7 * DAY), (TEAM_UUID, 7 * DAY)]


@pytest.mark.parametrize(("key", "requests"), [("plus", 4), ("minus", 2)])
async def test_long_periods_are_read_again_every_five_minutes(key: str, requests: int) -> None:
    """A period of a day or more is read again, and after a jump of the clock, too; an hour is not."""
    archive, scene = Archive(), stage(PERSONAL)
    async with app(scene, load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await press(pilot, key)
        for minutes in (5, -60):
            scene.now = NOW + timedelta(minutes=minutes)
            pilot.app._tick()  # type: ignore[attr-defined]
            await settle(pilot)
        assert len(archive.asked) == requests


async def test_slow_archive_blocks_no_key() -> None:
    """While a request is running, keys work, no second one starts, and the last period wins."""
    archive = Archive(gate=threading.Event())
    assert archive.gate is not None
    async with app(stage(PERSONAL), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("plus", "plus", "plus", "plus", "minus")
        await pilot.pause()
        assert read_titles(pilot)[:1] == ["Used credits 30d since 14:02"]
        assert [span for _, span in archive.asked] == [RUN]
        archive.gate.set()
        await settle(pilot)
        await settle(pilot)
        assert [span for _, span in archive.asked] == [RUN, 30 * DAY]
        assert archive.most_running == 1
        assert read_titles(pilot)[:1] == ["Used credits 30d in 30d"]


async def test_program_ends_while_the_archive_is_read() -> None:
    """An answer that comes after the end is dropped."""
    archive = Archive(gate=threading.Event())
    assert archive.gate is not None
    async with app(stage(PERSONAL), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("plus", "q")
        archive.gate.set()
    assert pilot.app.return_code == 0


async def test_figures_of_another_org_are_never_shown() -> None:
    """After a change of the org its own figures are shown, until its archive answers."""
    archive = Archive()
    async with app(stage(PERSONAL, LABORATORY), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await press(pilot, "plus")
        assert read_titles(pilot)[0] == "Used credits 24h in 24h"
        archive.gate = threading.Event()
        await pilot.press("2")
        await pilot.pause()
        assert read_titles(pilot)[0] == "Used credits 24h since 14:02"
        archive.gate.set()
        await settle(pilot)
        assert read_titles(pilot)[0] == "Used credits 24h in 24h"


async def test_archive_without_the_org_changes_nothing() -> None:
    """None from the archive means that only this run is drawn."""
    archive = Archive(series=None)
    async with app(stage(PERSONAL), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await press(pilot, "plus")
        assert read_titles(pilot)[0] == "Used credits 24h since 14:02"


async def test_private_mode_keeps_the_archived_figures() -> None:
    """Under a pseudonym an org has the same chart, and the archive is asked with its real key."""
    archive = Archive()
    dashboard = app(stage(PERSONAL), load_series=archive.load, privacy=True)
    async with dashboard.run_test(size=(120, 36)) as pilot:
        await press(pilot, "plus")
        assert "Personal" not in text(pilot)
        assert read_titles(pilot)[0] == "Used credits 24h in 24h"
        assert archive.asked == [(PERSONAL.org["uuid"], RUN), (PERSONAL.org["uuid"], DAY)]


async def test_only_the_selected_org_stays_in_memory() -> None:
    """The series of the last org is released once that of the next one has arrived."""
    alive: list[int] = []
    numbers = count()

    class Series(ArchivedSeries):
        """A series whose end is noticed; a tuple cannot be referenced weakly."""

        number: int

        def __del__(self) -> None:
            alive.remove(self.number)

        def thin(self, slots: int = 0) -> ArchivedSeries:
            del slots
            return self

    def load(key: OrgKey, since: datetime, _: datetime | None) -> ArchivedSeries:
        del key, since
        small = simulate_archive(ENDS, 3)
        series = Series(small.since, small.until, small.credits, small.histories)
        series.number = next(numbers)
        alive.append(series.number)
        return series

    async with app(stage(PERSONAL, TEAM, LABORATORY), load_series=load).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await press(pilot, "plus")
        for key in ("2", "3", "1", "3"):
            await press(pilot, key)
        gc.collect()
        assert alive == [5]


async def test_chart_of_a_month_is_plotted_from_thinned_runs() -> None:
    """However many runs the archive returns, the chart gets at most 4,000 a curve and this run's own."""
    archive = Archive(series=simulate_archive(ENDS, 365))
    assert archive.series is not None
    assert len(archive.series.histories["5-hour"].runs) > 4_000
    async with app(stage(PERSONAL), load_series=archive.load).run_test(size=(120, 36)) as pilot:
        await press(pilot, "plus")
        await press(pilot, "plus")
        panel = pilot.app.screen.query_exactly_one("#chart", ChartPanel)
        runs = [len(history.runs) for history in panel.view.histories.values()]
        assert max(runs) <= 4_010


OFF = (NOW - 16 * DAY, NOW - 11 * DAY)
LONG_OFF = (NOW - 200 * DAY, NOW - 150 * DAY)
SIZES = [(120, 36), (80, 24), (60, 20)]


def show(*keys: str) -> Callable[[Pilot[Any]], Any]:
    """Press the keys, and wait for the archive after each."""

    async def shown(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        for key in keys:
            await press(pilot, key)

    return shown


def build(**options: Any) -> Claudemeter:
    """Return the dashboard of an org with a year in the archive, in which two times are missing."""
    series = simulate_archive(ENDS, 400, off=[OFF, LONG_OFF])
    return app(stage(PERSONAL), load_series=lambda *_: series, **options)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "common", "small"])
@pytest.mark.parametrize("days", [30, 365])
def test_picture_of_a_long_period(snap_compare: Compare, days: int, size: tuple[int, int]) -> None:
    """Credits of a month with its reset, both windows, a time without figures, round times."""
    keys = ["plus"] * (3 if days == 30 else 4)
    assert snap_compare(build(), terminal_size=size, run_before=show(*keys))


@pytest.mark.parametrize("days", [30, 365])
def test_picture_of_the_windows(snap_compare: Compare, days: int) -> None:
    """With room for one chart, `w` shows the windows."""
    keys = ["plus"] * (3 if days == 30 else 4)
    assert snap_compare(build(), terminal_size=(80, 24), run_before=show(*keys, "w"))


@pytest.mark.parametrize("days", [30, 365])
def test_picture_in_ascii(snap_compare: Compare, days: int) -> None:
    """ASCII shows the same."""
    keys = ["plus"] * (3 if days == 30 else 4)
    assert snap_compare(build(ascii=True), terminal_size=(120, 36), run_before=show(*keys))


@pytest.mark.parametrize("minutes", [0, 15])
async def test_overview_has_the_same_run(minutes: int) -> None:
    """The chart below the overview begins where that of the dashboard does, and has the same rise.

    It has only this period, and so no other one in its title.
    """
    archive = Archive(series=simulate_archive(READ - timedelta(minutes=46), 1))
    scene = stage(PERSONAL)
    async with app(scene, load_series=archive.load).run_test(size=(160, 45)) as pilot:
        await settle(pilot)
        await scene.at(pilot, NOW + timedelta(minutes=minutes))
        await settle(pilot)
        dashboard = re.findall(r"\+\S+ since \d\d:\d\d", text(pilot))
        await press(pilot, "o")
        assert dashboard == re.findall(r"\+\S+ since \d\d:\d\d", text(pilot)) != []
        assert "Used credits  ▐run▌ ─" in text(pilot)

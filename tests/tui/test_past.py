"""The dashboard as it was: from event to event, clearly marked, and back to now."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import ARCHIVE_NAME, locate_archive, open_for_writing
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.past import PastMoment
from claudemeter_tui.model.store import OrgKey, Store
from claudemeter_tui.wiring import ArchiveReader
from tests.bodies import org_body, overage_body, usage_body
from tests.scenes import NOW, PERSONAL, READ, OrgBodies, readings
from tests.tui.app_harness import app, finish_workers, screen, stage, text

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
    archive = Archive(connection, Invocation().base_url)
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
        await press(pilot, "left_square_bracket")
        assert "as of 13:18: CAN WORK" in text(pilot)
        assert " 80% " in text(pilot)
        await press(pilot, "left_square_bracket")
        assert "There is no earlier event of this org." in text(pilot)
        await press(pilot, "right_square_bracket")
        assert "as of 13:48: ON CREDITS" in text(pilot)
        await press(pilot, "right_square_bracket")
        assert screen(pilot)[:20] == now[:20]
        pilot.app.clear_notifications()
        await press(pilot, "left_square_bracket", "escape")
        assert screen(pilot)[:20] == now[:20]


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


async def test_replies_that_are_gone_are_named(load_past: LoadPast) -> None:
    """Events outlive the replies: the moment is named, and now stays on screen."""
    connection = open_for_writing(locate_archive())
    for table in ("replies", "failures", "readings"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.close()
    async with app(stage(PERSONAL), load_past=load_past).run_test(
        size=(120, 36), notifications=True
    ) as pilot:
        await press(pilot, "left_square_bracket")
        assert "The replies of 13:48 are no longer kept" in " ".join(text(pilot).split())
        assert "as of" not in text(pilot)


async def test_without_history_the_keys_say_so() -> None:
    """The demo and `history.enabled = false` have no past."""
    async with app(stage(PERSONAL)).run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "left_square_bracket")
        assert "There is no history" in text(pilot)

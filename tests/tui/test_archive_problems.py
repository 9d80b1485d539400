"""The dashboard with an archive in trouble: every reading is on screen, beside one problem."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.history import recorder as recorder_module
from claudemeter_tui.history.database import open_for_writing
from claudemeter_tui.history.schema import VERSION
from claudemeter_tui.tui.app import Claudemeter, Options
from claudemeter_tui.wiring import DeferredFeed, build_recorder
from tests.history.recording import PATIENCE, StoppedClock, archive_path, list_amounts
from tests.scenes import PERSONAL
from tests.tui.app_harness import stage, text


def make_newer(path: Path) -> None:
    """Let a newer version have written the file."""
    connection = open_for_writing(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()


def overwrite(path: Path) -> None:
    """Put something else than a database into the file."""
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)


def put_folder(path: Path) -> None:
    """Put a folder in the place of the file."""
    path.mkdir(parents=True)


async def wait_for(pilot: Pilot[Any], words: str) -> str:
    """Wait until the words are on screen; return the screen."""
    async with asyncio.timeout(PATIENCE):
        while words not in text(pilot):
            await pilot.pause()
    return text(pilot)


@pytest.mark.parametrize(
    ("trouble", "title", "cure"),
    [
        (
            make_newer,
            f"history of a newer version (version {VERSION + 1} of the archive)",
            "Update claudemeter",
        ),
        (overwrite, "history was damaged (history.sqlite.damaged-2026-04-25-", "Check the disk"),
        (put_folder, "history not kept (history.sqlite is not a regular file)", "Free some disk space"),
    ],
    ids=["newer", "damaged", "folder"],
)
async def test_readings_are_shown_beside_one_problem(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Path], None],
    title: str,
    cure: str,
) -> None:
    """The header counts one problem, and the events say what happened and what to do."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    trouble(archive_path(tmp_path))
    scene = stage(PERSONAL)
    feed = DeferredFeed(lambda: scene, partial(build_recorder, Invocation(), StoppedClock()))
    dashboard = Claudemeter(feed, now=lambda: scene.now, options=Options(zone=UTC))
    async with dashboard.run_test(size=(140, 40)) as pilot:
        shown = await wait_for(pilot, "1 problem")
        shown = await wait_for(pilot, "$17.20")
        assert "1 problem" in shown
        await pilot.press("e")
        shown = await wait_for(pilot, "History")
        assert title in shown
        assert cure in " ".join(shown.split())


async def test_a_hanging_disk_does_not_stop_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first poll does not wait for the last figures for ever."""
    monkeypatch.setattr(recorder_module, "RESTORE_TIMEOUT", 0.01)
    monkeypatch.setattr(recorder_module, "CLOSE_TIMEOUT", 0.01)
    disk = Event()

    def hang() -> recorder_module.OpenedArchive:
        disk.wait()
        raise OSError("late")

    scene = stage(PERSONAL)
    feed = DeferredFeed(lambda: scene, lambda: recorder_module.Recorder(hang, lambda: scene.now))
    dashboard = Claudemeter(feed, now=lambda: scene.now, options=Options(zone=UTC))
    async with dashboard.run_test(size=(140, 40)) as pilot:
        await wait_for(pilot, "$17.20")
    disk.set()


def test_the_terminal_is_restored_before_the_archive_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`q` waits for a slow disk only after the screen is gone, and the last readings are written."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    restored, waits = Event(), list[bool]()
    monkeypatch.setattr(HeadlessDriver, "stop_application_mode", lambda _: restored.set())
    close = recorder_module.Recorder.close

    def close_late(recorder: recorder_module.Recorder) -> None:
        waits.append(restored.wait(PATIENCE))
        close(recorder)

    monkeypatch.setattr(recorder_module.Recorder, "close", close_late)
    monkeypatch.setattr(recorder_module, "BATCH_PAUSE", PATIENCE)  # the reading waits until the end
    scene = stage(PERSONAL)
    feed = DeferredFeed(lambda: scene, partial(build_recorder, Invocation(), StoppedClock()))
    dashboard = Claudemeter(feed, now=lambda: scene.now, options=Options(zone=UTC))

    async def leave(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, "$17.20")
        await pilot.press("q")

    dashboard.run(headless=True, size=(140, 40), auto_pilot=leave)
    assert waits == [True]
    assert list_amounts(archive_path(tmp_path)) == [1720]

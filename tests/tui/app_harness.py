"""The dashboard in a test: a feed that the test drives, and a stopped clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from textual import events
from textual.app import App
from textual.pilot import Pilot

from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.session_search import PasteResult
from claudemeter_tui.tui.app import Claudemeter, Options
from tests.scenes import NOW, OrgBodies, readings

ENDING_WORKERS = (
    "action_usage_page",
    "on_connect_screen_extension_wanted",
    "_load_events",
    "_load_history",
    "_load_machine",
    "_load_past",
    "_load_series",
    "_load_today",
)
"""Workers that end by themselves."""


class Stage:
    """A feed that posts its first readings, then those of the test."""

    def __init__(self, given: Iterable[Reading] = (), now: datetime = NOW) -> None:
        """Start with these readings, at this moment."""
        self.given = tuple(given)
        self.now = now
        self.pokes = 0
        self._post: Callable[[Reading], object] = lambda _: None

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post the first readings and run until cancelled."""
        self._post = post
        for reading in self.given:
            post(reading)
        await asyncio.Event().wait()

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Post the first readings and end."""
        for reading in self.given:
            post(reading)

    async def offer_session(self, text: str) -> PasteResult:
        """Take a session without an answer."""
        del text
        await asyncio.Event().wait()
        return PasteResult()

    def poll_now(self) -> None:
        """Count the requests of the person."""
        self.pokes += 1

    async def post(self, pilot: Pilot[Any], *more: Reading) -> None:
        """Post more readings and wait until they are on screen."""
        for reading in more:
            self._post(reading)
        await pilot.pause()

    async def at(self, pilot: Pilot[Any], moment: datetime) -> None:
        """Set the clock."""
        self.now = moment
        app = pilot.app
        assert isinstance(app, Claudemeter)
        app.now = moment
        await pilot.pause()


def stage(*orgs: OrgBodies, now: datetime = NOW) -> Stage:
    """Return a stage with a run over these orgs."""
    return Stage(readings(*orgs) if orgs else (), now)


def app(scene: Stage, note: str = "", **options: Any) -> Claudemeter:
    """Return the dashboard on that stage; `options` are those of `Options`."""
    return Claudemeter(scene, now=lambda: scene.now, options=Options(zone=UTC, note=note, **options))


def screen(pilot: Pilot[Any]) -> list[str]:
    """Return the lines of the screen without trailing blanks."""
    return [
        "".join(segment.text for segment in strip).rstrip()
        for strip in pilot.app.screen._compositor.render_strips()
    ]


def text(pilot: Pilot[Any]) -> str:
    """Return the screen as one string."""
    return "\n".join(screen(pilot))


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until all posted readings are on screen."""
    await pilot.pause()


async def second(pilot: Pilot[Any]) -> None:
    """Select the second org."""
    await pilot.pause()
    await pilot.press("2")


async def finish_workers(app: App[Any]) -> None:
    """Wait for the actions that run beside the app."""
    while found := [one for one in app.workers if one.name in ENDING_WORKERS and not one.is_finished]:
        for worker in found:
            await worker.wait()


async def press_each(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one by one, each once what the last one loads is on screen."""
    await pilot.pause()
    for key in keys:
        await pilot.press(key)
        await finish_workers(pilot.app)
        await pilot.pause()


def type_at_once(pilot: Pilot[Any], *keys: str) -> None:
    """Send keys without a pause, as a terminal does with what was typed while it was busy."""
    for key in keys:
        letter = "/" if key == "slash" else key if len(key) == 1 else None
        pilot.app.post_message(events.Key(key, letter))


def click_at_once(pilot: Pilot[Any], column: int, row: int, times: int) -> None:
    """Send clicks on a cell without a pause, as a terminal does with what came while it was busy."""
    for _ in range(times):
        for kind in (events.MouseDown, events.MouseUp):
            # Column, row, their changes, the left button, no other key, and the place on screen.
            pilot.app.post_message(kind(None, column, row, 0, 0, 1, False, False, False, column, row))

"""Keys that are typed faster than the program handles them do what the same keys do when typed slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading
from claudemeter_tui.tui import key_queue
from tests.histories import build_loader
from tests.scenes import LABORATORY, NOW, PERSONAL, READ, SESSION, TEAM, org_of, readings
from tests.terminal import PATIENCE
from tests.tui.app_harness import Stage, app, press_each, text, type_at_once

TRIO = (PERSONAL, TEAM, LABORATORY)
KEYS = (
    ("o", "down", "enter", "d"),  # the org of the row
    ("o", "down", "down", "enter", "h", "tab"),
    ("slash", *"lab", "enter", "d", "tab"),
    ("h", "plus", "plus", "minus", "tab"),
    ("h", "plus", "plus", "plus", "2", "tab", "tab", "shift+tab"),
    ("e", "x", "x"),  # two problems, one after the other
    ("e", "slash", *"zqx", "enter", "c", "c"),
    ("ctrl+p", *"hist"),
    ("ctrl+p", *"ov", "escape", "2", "d"),
    ("2", "o", "escape", "right", "e", "f", "question_mark"),
    ("t", "down", "escape", "d", "end"),
    ("w", "plus", "plus", "w", "minus", "3", "w"),
)


def build_scene() -> Stage:
    """Return a scene with three orgs, two of which have a problem."""
    failures = {
        PERSONAL.org["uuid"]: Failure(ErrorKind.SERVER_ERROR, Endpoint.PREPAID, READ),
        TEAM.org["uuid"]: Failure(ErrorKind.MALFORMED, Endpoint.OVERAGE, READ),
    }
    orgs = {bodies.org["uuid"]: org_of(bodies.org) for bodies in TRIO}
    failed = [
        Reading(SESSION, NOW, org_readings=(OrgReading(orgs[uuid], {one.endpoint: one}),))
        for uuid, one in failures.items()
    ]
    return Stage([*readings(*TRIO), *failed])


async def show(keys: Sequence[str], type_keys: Callable[..., Any]) -> str:
    """Return the screen after these keys."""
    async with app(build_scene(), load_history=build_loader(NOW, UTC)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await type_keys(pilot, *keys)
        return text(pilot)


async def test_keys_never_wait_for_a_widget_that_has_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing says that a key is handled, each of the others is handled a moment later."""
    monkeypatch.setattr(key_queue, "TIMEOUT", 0.01)
    monkeypatch.setattr(key_queue.KeyQueue, "follow", lambda *_: None)
    async with app(build_scene()).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        type_at_once(pilot, "2", "right", "d", "tab")
        async with asyncio.timeout(PATIENCE):
            while "▐ account ▌" not in text(pilot):
                await pilot.pause()
        assert "Lab: " in text(pilot)


@pytest.mark.parametrize("key", ["e", "o", "d", "question_mark", "t"])
async def test_keys_of_the_chart_do_nothing_below_another_screen(key: str) -> None:
    """The period of a chart that is not on screen stays, and no message speaks of it."""
    async with app(build_scene()).run_test(size=(120, 36), notifications=True) as pilot:
        await press_each(pilot)
        now = text(pilot)
        await press_each(pilot, key, *["plus"] * 9, "minus", "escape")
        assert text(pilot) == now


@pytest.mark.parametrize("keys", KEYS, ids=" ".join)
async def test_fast_keys_do_what_slow_keys_do(keys: Sequence[str]) -> None:
    """No key is lost, and none acts on a screen that another key closes or opens."""
    slow = await show(keys, press_each)

    async def type_fast(pilot: Pilot[Any], *keys: str) -> None:
        type_at_once(pilot, *keys)
        async with asyncio.timeout(PATIENCE):
            while text(pilot) != slow:
                await press_each(pilot)

    assert await show(keys, type_fast) == slow

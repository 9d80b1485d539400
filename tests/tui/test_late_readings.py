"""Readings that arrive while a screen cannot draw are on it as soon as it can."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.scenes import LABORATORY, NOW, PERSONAL, TEAM, readings
from tests.tui.app_harness import app, stage, text


@pytest.mark.parametrize("key", ["", "e"])
async def test_reading_that_a_screen_could_not_draw_is_drawn_a_second_later(key: str) -> None:
    """A view that came before the screen could draw does not count as drawn: the next tick draws it."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*([key] if key else []))
        shown = pilot.app.screen
        shown.display = False
        await scene.post(pilot, *readings(TEAM, LABORATORY, at=NOW))
        shown.display = True
        await pilot.pause()
        await scene.at(pilot, NOW + timedelta(seconds=1))
        assert "BLOCKED" in text(pilot)

"""Clicks that arrive faster than the program handles them close a screen once, and nothing below it."""

from __future__ import annotations

import asyncio

import pytest

from claudemeter_tui.tui.app import Claudemeter, Palette
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.screens.events import EventsScreen
from tests.scenes import LABORATORY, PERSONAL, TEAM
from tests.terminal import PATIENCE
from tests.tui.app_harness import app, click_at_once, press_each, screen, stage, text

TRIO = (PERSONAL, TEAM, LABORATORY)


@pytest.mark.parametrize("times", [2, 3, 6])
async def test_quick_clicks_beside_the_palette_close_only_the_palette(times: int) -> None:
    """The screen below stays open, and the program runs on."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await press_each(pilot, "e", "ctrl+p")
        click_at_once(pilot, 1, 34, times)
        await press_each(pilot)
        assert isinstance(pilot.app.screen, EventsScreen)
        await press_each(pilot, "escape")
        assert isinstance(pilot.app.screen, DashboardScreen)


async def test_quick_clicks_on_a_command_run_it_once() -> None:
    """The second click finds the palette closed."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        assert isinstance(pilot.app, Claudemeter)
        await press_each(pilot, "e", "ctrl+p", *"privacy")
        async with asyncio.timeout(PATIENCE):
            while "hide or show names" not in text(pilot):
                await pilot.pause()
        row = next(row for row, line in enumerate(screen(pilot)) if "hide or show names" in line)
        click_at_once(pilot, 40, row, 4)
        async with asyncio.timeout(PATIENCE):
            while isinstance(pilot.app.screen, Palette):
                await pilot.pause()
        await press_each(pilot)
        assert pilot.app.private
        assert isinstance(pilot.app.screen, EventsScreen)


async def test_quick_clicks_on_a_theme_close_only_the_list() -> None:
    """The screen below the list of themes stays open."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await press_each(pilot, "t")
        row = next(row for row, line in enumerate(screen(pilot)) if "nord" in line)
        click_at_once(pilot, 5, row, 5)
        await press_each(pilot)
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert pilot.app.theme == "nord"

"""Closed screens leave the memory."""

from __future__ import annotations

import gc
import inspect
from datetime import timedelta

import pytest
from rich.cells import cached_cell_len, cell_len
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.events import Resize
from textual.filter import ANSIToTruecolor
from textual.geometry import Size

from claudemeter_tui.tui.app import FORGET_INTERVAL, Claudemeter
from claudemeter_tui.tui.screens.starting import StartingScreen
from tests.scenes import LABORATORY, PERSONAL, TEAM
from tests.tui.app_harness import app, stage


def count_caches() -> int:
    """Return how many widgets' rendered lines are in memory."""
    gc.collect()
    return sum(isinstance(thing, StylesCache) for thing in gc.get_objects())


@pytest.mark.parametrize("key", ["o", "d", "e", "question_mark", "S"])
async def test_closed_screen_leaves_no_rendered_lines(key: str) -> None:
    """Opening and closing a screen three times leaves no more in memory than before."""
    async with app(stage(PERSONAL, TEAM, LABORATORY)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        dashboard, before = pilot.app.screen, count_caches()
        for _ in range(3):
            await pilot.press(key)
            await pilot.pause()
            assert pilot.app.screen is not dashboard
            await pilot.press("escape")
            await pilot.pause()
        assert pilot.app.screen is dashboard
        assert count_caches() <= before


async def test_widths_and_styles_of_old_texts_are_forgotten() -> None:
    """Rich keeps 4,096 measured texts, mostly times and ages; Textual keeps 1,024 styles with positions."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        program = pilot.app
        assert isinstance(program, Claudemeter)
        for number in range(3000):
            cell_len(f"{number}s ago")
        colours = next(one for one in program._filters if isinstance(one, ANSIToTruecolor))
        for number in range(1000):
            colours.truecolor_style(Style(meta={"offset": (number, 0)}), Color(0, 0, 0))
        scene.now += FORGET_INTERVAL - timedelta(seconds=1)
        program._tick()
        assert cached_cell_len.cache_info().currsize >= 3000
        assert ANSIToTruecolor.truecolor_style.cache_info().currsize >= 1000
        scene.now += timedelta(seconds=1)
        program._tick()
        assert cached_cell_len.cache_info().currsize < 1000
        assert ANSIToTruecolor.truecolor_style.cache_info().currsize < 500


async def test_starting_screen_may_be_resized_without_parts() -> None:
    """A size that arrives while the program is ended during its start does not crash it."""
    async with app(stage()).run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        starting = pilot.app.screen
        assert isinstance(starting, StartingScreen)
        await starting.query("*").remove()
        starting.post_message(Resize(Size(90, 1), Size(90, 1)))
        await pilot.pause()
        assert pilot.app.screen is starting
        assert pilot.app.is_running


def test_textual_still_caches_on_a_method() -> None:
    """If this fails, Textual no longer keeps closed widgets: remove `Claudemeter.pop_screen`."""
    cached = inspect.getattr_static(StylesCache, "get_inner_outer")
    assert not isinstance(cached, staticmethod | classmethod)
    assert hasattr(cached, "cache_clear")

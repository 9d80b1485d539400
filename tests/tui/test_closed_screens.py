"""Closed screens leave the memory."""

from __future__ import annotations

import gc
import inspect
import weakref

import pytest
from textual._styles_cache import StylesCache

from claudemeter_tui.tui.screens.base import ViewScreen
from tests.scenes import LABORATORY, PERSONAL, TEAM
from tests.tui.app_harness import app, stage


@pytest.mark.parametrize("key", ["o", "d", "e", "question_mark", "S"])
async def test_closed_screen_is_collected(key: str) -> None:
    """Nothing keeps a screen, its widgets or their rendered lines once it is closed."""
    async with app(stage(PERSONAL, TEAM, LABORATORY)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        opened = weakref.ref(pilot.app.screen)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ViewScreen)
        gc.collect()
        assert opened() is None


def test_textual_still_caches_on_a_method() -> None:
    """If this fails, Textual no longer keeps closed widgets: remove `Claudemeter.pop_screen`."""
    cached = inspect.getattr_static(StylesCache, "get_inner_outer")
    assert not isinstance(cached, staticmethod | classmethod)
    assert hasattr(cached, "cache_clear")

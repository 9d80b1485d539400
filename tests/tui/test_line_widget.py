"""A widget whose view changes faster than it is painted."""

from __future__ import annotations

from dataclasses import replace

from claudemeter_tui.tui.widgets.header import Header
from tests.scenes import PERSONAL
from tests.tui.app_harness import app, stage, text


async def test_replaced_view_is_never_painted() -> None:
    """A view that was replaced before the paint is not drawn, because it may hold a secret."""
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        header = pilot.app.screen.query_exactly_one(Header)
        shown = header.view
        header.view = replace(shown, note="taken back")
        header.view = shown
        header.refresh()
        await pilot.pause()
        assert "taken back" not in text(pilot)
        assert "pat@example.com" in text(pilot)

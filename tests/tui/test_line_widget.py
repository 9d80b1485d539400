"""What a widget shows when its view changes faster than it is painted."""

from __future__ import annotations

from dataclasses import replace

from claudemeter_tui.tui.widgets.header import Header
from tests.scenes import PERSONAL
from tests.tui.app_harness import app, stage, text


async def test_view_that_was_taken_back_is_never_painted() -> None:
    """A view that was set and replaced before the paint leaves nothing behind: it may be another's secret."""
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

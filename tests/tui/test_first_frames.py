"""The first frame of a screen that opens over the dashboard."""

from __future__ import annotations

import pytest

from claudemeter_tui.tui.styled_text import StyledLine
from claudemeter_tui.tui.widgets.banner import Banner
from tests.scenes import PERSONAL, TEAM
from tests.tui.app_harness import app, stage


@pytest.mark.parametrize("size", [(120, 36), (40, 8)])
@pytest.mark.parametrize("key", ["o", "slash", "d", "e", "h", "l", "question_mark", "t", "w"])
async def test_first_frame_has_the_verdict(
    key: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen that opens never says that claude.ai is being read while there are figures."""
    painted: list[str] = []
    draw = Banner.draw

    def draw_and_keep(banner: Banner, width: int, height: int) -> list[StyledLine]:
        lines = draw(banner, width, height)
        painted.append(" ".join(line.plain for line in lines))
        return lines

    async with app(stage(PERSONAL, TEAM)).run_test(size=size) as pilot:
        await pilot.pause()
        monkeypatch.setattr(Banner, "draw", draw_and_keep)
        await pilot.press(key)
        await pilot.pause()
        assert [text for text in painted if "Reading" in text] == []

"""What Textual draws itself, in ASCII alone."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class PlainBar(ScrollBarRender):
    """A scroll bar of whole cells; Textual's ends in parts of one."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def use_bars(*, plain: bool) -> None:
    """Draw every scroll bar of this process from now on with blanks alone, or as Textual does."""
    ScrollBar.renderer = PlainBar if plain else ScrollBarRender

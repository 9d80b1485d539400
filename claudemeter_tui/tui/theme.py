"""Colours: the two themes of this program, missing colours of other themes, and an ASCII scroll bar."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.theme import Theme

DARK_THEME = Theme(
    name="claudemeter-dark",
    primary="#6cb6d9",
    secondary="#8fa8c8",
    accent="#c792ea",
    foreground="#d6dde6",
    background="#10151c",
    surface="#161d26",
    panel="#1c2530",
    success="#7fc8a9",
    warning="#f2d574",
    error="#ff8f5e",
    dark=True,
    variables={"critical": "#ff9d5c", "full": "#ff6b74", "muted": "#8c99a8", "frame": "#3b4856"},
)
"""Theme for dark terminals."""

LIGHT_THEME = Theme(
    name="claudemeter-light",
    primary="#1b6a93",
    secondary="#4a6078",
    accent="#7a28a0",
    foreground="#1d2630",
    background="#fbfbf8",
    surface="#f2f2ed",
    panel="#e8e8e1",
    success="#1a7050",
    warning="#725900",
    error="#9a2d08",
    dark=False,
    variables={"critical": "#85270a", "full": "#66051a", "muted": "#4f5c69", "frame": "#b9bdb9"},
)
"""Theme for light terminals."""

DASHBOARD_THEMES = (DARK_THEME, LIGHT_THEME)

_BLACK, _GREY, _SILVER, _WHITE = "#000000", "#555555", "#aaaaaa", "#ffffff"
_RED, _GREEN, _BLUE, _MAGENTA, _CYAN = "#aa0000", "#00aa00", "#0000aa", "#aa00aa", "#00aaaa"
_LIGHT_RED, _LIGHT_YELLOW, _LIGHT_BLUE = "#ff5555", "#ffff55", "#5555ff"
_LIGHT_MAGENTA, _LIGHT_CYAN = "#ff55ff", "#55ffff"


def _build_sixteen_colour_theme(
    theme: Theme, plain: tuple[str, ...], loud: tuple[str, ...], marks: tuple[str, str]
) -> Theme:
    """Return the theme in the sixteen colours that every terminal has.

    Args:
        theme: Source of the name and of the dark flag.
        plain: Background, text, secondary text, frames.
        loud: The four severities.
        marks: First curve and selection; second curve.
    """
    ground, text, muted, frame = plain
    normal, warning, critical, full = loud
    mark, accent = marks
    return Theme(
        name=theme.name,
        primary=mark,
        secondary=muted,
        accent=accent,
        foreground=text,
        background=ground,
        surface=ground,
        panel=ground,
        success=normal,
        warning=warning,
        error=full,
        dark=theme.dark,
        variables={"critical": critical, "full": full, "muted": muted, "frame": frame},
    )


SIXTEEN_COLOUR_THEMES = (
    _build_sixteen_colour_theme(
        DARK_THEME,
        (_BLACK, _WHITE, _SILVER, _GREY),
        (_GREEN, _LIGHT_YELLOW, _LIGHT_MAGENTA, _LIGHT_RED),
        (_LIGHT_CYAN, _CYAN),
    ),
    _build_sixteen_colour_theme(
        LIGHT_THEME,
        (_WHITE, _BLACK, _GREY, _SILVER),
        (_BLACK, _BLUE, _MAGENTA, _RED),
        (_LIGHT_BLUE, _GREY),
    ),
)
"""The themes for sixteen colours; with the nearest colours two severities would look the same."""


def select_themes(color_system: str | None) -> tuple[Theme, ...]:
    """Return the themes for a terminal; rich calls sixteen colours "standard"."""
    return SIXTEEN_COLOUR_THEMES if color_system == "standard" else DASHBOARD_THEMES


def derive_missing_colours(theme: Theme) -> dict[str, str]:
    """Return the program's own colour names for a theme that does not define them.

    Our themes define those whose colours no colour of Textual has.
    """
    foreground = theme.foreground or ("#e0e0e0" if theme.dark else "#1f1f1f")
    return {
        "normal": theme.success or theme.primary,
        "critical": theme.error or theme.primary,
        "full": theme.error or theme.primary,
        "muted": foreground,
        "frame": theme.secondary or theme.primary,
        "curve": theme.primary,
        "selected": theme.primary,
    }


class AsciiScrollBarRender(ScrollBarRender):
    """A scroll bar of whole cells; Textual's own ends in parts of a cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def set_scroll_bar_renderer(*, plain: bool) -> None:
    """Set how this process draws scroll bars: with blanks only, or as Textual does."""
    ScrollBar.renderer = AsciiScrollBarRender if plain else ScrollBarRender

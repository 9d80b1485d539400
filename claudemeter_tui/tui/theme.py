"""Colours: the two themes of this program, missing colours of other themes, and an ASCII scroll bar."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.color import Color
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
    panel="#ecece6",
    success="#1a7050",
    warning="#846100",
    error="#9a2d08",
    dark=False,
    variables={"critical": "#b22f00", "full": "#ba0040", "muted": "#4f5c69", "frame": "#b9bdb9"},
)
"""Theme for light terminals."""

DASHBOARD_THEMES = (DARK_THEME, LIGHT_THEME)

_BLACK, _GREY, _SILVER, _WHITE = "#000000", "#555555", "#aaaaaa", "#ffffff"
_RED, _GREEN, _BLUE, _MAGENTA, _CYAN = "#aa0000", "#00aa00", "#0000aa", "#aa00aa", "#00aaaa"
_LIGHT_RED, _LIGHT_YELLOW, _LIGHT_BLUE = "#ff5555", "#ffff55", "#5555ff"
_LIGHT_MAGENTA, _LIGHT_CYAN = "#ff55ff", "#55ffff"


SIXTEEN_COLOUR_THEMES = (
    replace(
        DARK_THEME,
        background=_BLACK,
        surface=_BLACK,
        panel=_BLACK,
        foreground=_WHITE,
        secondary=_SILVER,
        primary=_LIGHT_CYAN,
        accent=_CYAN,
        success=_GREEN,
        warning=_LIGHT_YELLOW,
        error=_LIGHT_RED,
        variables={
            "critical": _LIGHT_MAGENTA,
            "full": _LIGHT_RED,
            "muted": _SILVER,
            "frame": _GREY,
            "area": _CYAN,
        },
    ),
    replace(
        LIGHT_THEME,
        background=_WHITE,
        surface=_WHITE,
        panel=_WHITE,
        foreground=_BLACK,
        secondary=_GREY,
        primary=_LIGHT_BLUE,
        accent=_GREY,
        success=_BLACK,
        warning=_BLUE,
        error=_RED,
        variables={
            "critical": _MAGENTA,
            "full": _RED,
            "muted": _GREY,
            "frame": _SILVER,
            "area": _SILVER,
        },
    ),
)
"""The themes for sixteen colours; the nearest colours would make two severities look the same."""

_SEVERITIES_ON_BLACK = {"warning": "#c6c6c6", "critical": "#e2e2e2", "full": "#ffffff"}
_SEVERITIES_ON_WHITE = {"warning": "#4b4b4b", "critical": "#2b2b2b", "full": "#000000"}
_CALM_ON_BLACK, _CALM_ON_WHITE = "#8f8f8f", "#646464"

GREY_THEMES = tuple(
    replace(
        theme,
        foreground=severities["warning"],
        success=calm,
        warning=severities["warning"],
        error=severities["critical"],
        variables=theme.variables | severities | {"muted": calm},
    )
    for theme, severities, calm in (
        (DARK_THEME, _SEVERITIES_ON_BLACK, _CALM_ON_BLACK),
        (LIGHT_THEME, _SEVERITIES_ON_WHITE, _CALM_ON_WHITE),
    )
)
"""The themes without colours: the worse a severity, the higher its contrast.

Textual shows only the brightness of a colour then, and that of a red is low.
"""


def select_themes(color_system: str | None, *, no_color: bool = False) -> tuple[Theme, ...]:
    """Return the themes for a terminal; rich calls sixteen colours "standard"."""
    if no_color:
        return GREY_THEMES
    return SIXTEEN_COLOUR_THEMES if color_system == "standard" else DASHBOARD_THEMES


AREA_SHARE = 0.6
"""Share of the curve's colour in an area below it; the rest is the background."""


def derive_missing_colours(theme: Theme) -> dict[str, str]:
    """Return the program's own colour names for a theme that does not define them.

    The program's themes define the colours that Textual's themes lack.
    """
    foreground = theme.foreground or ("#e0e0e0" if theme.dark else "#1f1f1f")
    background = Color.parse(theme.background or ("#121212" if theme.dark else "#efefef"))
    return {
        "normal": theme.success or theme.primary,
        "critical": theme.error or theme.primary,
        "full": theme.error or theme.primary,
        "muted": foreground,
        "frame": theme.secondary or theme.primary,
        "curve": theme.primary,
        "area": background.blend(Color.parse(theme.primary), AREA_SHARE).hex,
        "selected": theme.primary,
    }


def list_sample_colours(theme: Theme) -> list[str]:
    """Return the styles of a calm verdict, a warning, a critical and a full figure on the theme's ground."""
    ours = {**derive_missing_colours(theme), **theme.variables}
    ground = theme.background or ("#121212" if theme.dark else "#efefef")
    colours = ours["normal"], theme.warning or theme.primary, ours["critical"], ours["full"]
    return [f"{colour} on {ground}" for colour in colours]


class AsciiScrollBarRender(ScrollBarRender):
    """A scroll bar of whole cells; Textual's own ends in fractions of a cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def set_scroll_bar_renderer(*, plain: bool) -> None:
    """Set how this process draws scroll bars: with blanks only, or as Textual does."""
    ScrollBar.renderer = AsciiScrollBarRender if plain else ScrollBarRender

"""Our two themes are legible, by the formulas of WCAG 2 and CIE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC
from functools import partial
from itertools import combinations, pairwise
from math import dist
from typing import Any

import pytest
from rich._palettes import STANDARD_PALETTE
from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color, rgb_to_lab
from textual.command import CommandList, CommandPalette
from textual.theme import Theme

from claudemeter_tui.tui.app import Claudemeter, Options
from claudemeter_tui.tui.screens.themes import LIST_WIDTH
from claudemeter_tui.tui.screenshots import capture_svg
from claudemeter_tui.tui.theme import DARK_THEME, LIGHT_THEME, derive_missing_colours, select_themes
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from tests.scenes import NOW, PERSONAL, TEAM
from tests.tui.app_harness import Stage, app, screen, stage, text

TEXT = (
    "normal",
    "warning",
    "critical",
    "full",
    "muted",
    "selected",
    "accent",
    "foreground",
    "error",
    "success",
)
THEMES = pytest.mark.parametrize("theme", [DARK_THEME, LIGHT_THEME], ids=lambda theme: theme.name)
VGA = STANDARD_PALETTE._colors
XTERM = [
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205)),
    *((229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255)),
    *((255, 0, 255), (0, 255, 255), (255, 255, 255)),
]
"""RGB of the sixteen colours in common terminals."""


def colour(theme: Theme, name: str) -> Color:
    """Return a colour of the theme by its style name."""
    ours = {**derive_missing_colours(theme), **theme.variables}
    return Color.parse(ours.get(name) or getattr(theme, name))


def sixteen(theme: Theme, name: str, palette: Sequence[tuple[int, int, int]]) -> Color:
    """Return the colour on a terminal with sixteen colours."""
    same = next(one for one in select_themes("standard") if one.name == theme.name)
    number = RichColor.parse(colour(same, name).hex).downgrade(ColorSystem.STANDARD).number
    assert number is not None
    return Color(*palette[number])


def find_grey(theme: Theme) -> Theme:
    """Return the theme of this name for a terminal without colours."""
    return next(one for one in select_themes(None, no_color=True) if one.name == theme.name)


TERMINALS: dict[str, Callable[[Theme, str], Color]] = {
    "truecolor": colour,
    "256 colours": lambda theme, name: Color(
        *RichColor.parse(colour(theme, name).hex).downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
    ),
    "16 colours": lambda theme, name: sixteen(theme, name, VGA),
    "16 colours of xterm": lambda theme, name: sixteen(theme, name, XTERM),
    "NO_COLOR": lambda theme, name: colour(find_grey(theme), name).monochrome,
}
"""A theme's colour on each kind of terminal."""
ON_EVERY_TERMINAL = pytest.mark.parametrize("terminal", TERMINALS)


def luminance(of: Color) -> float:
    """Return the relative luminance, 0 to 1 (WCAG 2)."""
    parts = [part / 255 for part in (of.r, of.g, of.b)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lightness(of: Color) -> float:
    """Return CIE L*, 0 to 100."""
    y = luminance(of)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio, 1 to 21 (WCAG 2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@THEMES
@ON_EVERY_TERMINAL
def test_text_has_contrast_of_four_and_a_half(theme: Theme, terminal: str) -> None:
    """Every text colour has that contrast on every background on which it is drawn."""
    shown = TERMINALS[terminal]
    least = 3.9 if terminal == "16 colours of xterm" else 4.5  # its grey is given by the terminal
    for name in TEXT:
        for ground in ("background", "surface", "panel"):
            assert contrast(shown(theme, name), shown(theme, ground)) >= least, (name, ground)


@THEMES
def test_contrast_rises_with_the_severity_without_colours(theme: Theme) -> None:
    """With NO_COLOR the worse figure is always farther from the background, and full is at its end."""
    ground = TERMINALS["NO_COLOR"](theme, "background")
    names = ("muted", "normal", "warning", "critical", "full")
    muted, normal, warning, critical, full = (
        abs(lightness(TERMINALS["NO_COLOR"](theme, name)) - lightness(ground)) for name in names
    )
    assert muted == normal
    assert all(worse - better >= 7 for better, worse in pairwise((normal, warning, critical, full)))
    assert find_grey(theme).variables["full"] == ("#ffffff" if theme.dark else "#000000")


@pytest.mark.parametrize("terminal", [{}, {"NO_COLOR": "1"}], ids=["colours", "NO_COLOR"])
async def test_no_color_has_themes_of_its_own(
    monkeypatch: pytest.MonkeyPatch, terminal: dict[str, str]
) -> None:
    """NO_COLOR draws a full window in the brightest grey, not in the grey of its red."""
    for name, value in terminal.items():
        monkeypatch.setenv(name, value)
    async with app(stage(PERSONAL)).run_test() as pilot:
        expected = "#ffffff" if terminal else DARK_THEME.variables["full"]
        assert expected == pilot.app.theme_variables["full"]


@pytest.mark.parametrize(
    ("theme", "terminal"),
    [(DARK_THEME, "truecolor"), (LIGHT_THEME, "truecolor"), (LIGHT_THEME, "256 colours")],
    ids=["dark", "light", "light-256"],
)
def test_severities_are_far_apart(theme: Theme, terminal: str) -> None:
    """No two of warning, critical and full are closer than 30 in CIELAB: never three similar browns."""
    shown = [rgb_to_lab(TERMINALS[terminal](theme, name)) for name in ("warning", "critical", "full")]
    for one, other in combinations(shown, 2):
        assert dist((one.L, one.a, one.b), (other.L, other.a, other.b)) >= 30


@pytest.mark.parametrize("terminal", ["truecolor", "256 colours"])
def test_severities_differ_in_lightness(terminal: str) -> None:
    """In the dark theme warning, critical and full also differ in lightness, step by step.

    On a light ground a readable text is dark, so the light theme has no room for steps: hues differ instead.
    """
    shown = partial(TERMINALS[terminal], DARK_THEME)
    warning, critical, full = (lightness(shown(name)) for name in ("warning", "critical", "full"))
    assert warning - critical >= 7
    assert critical - full >= 7


@THEMES
@ON_EVERY_TERMINAL
def test_severities_are_four_colours(theme: Theme, terminal: str) -> None:
    """With any number of colours no two severities share one."""
    names = ("normal", "warning", "critical", "full")
    assert len(names) == len({TERMINALS[terminal](theme, name).hex for name in names})


@pytest.mark.parametrize(
    ("term", "expected"), [("xterm", "#ff55ff"), ("xterm-256color", DARK_THEME.variables["critical"])]
)
async def test_terminal_with_sixteen_colours_has_its_own_theme(
    monkeypatch: pytest.MonkeyPatch, term: str, expected: str
) -> None:
    """TERM and COLORTERM decide."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("COLORTERM")
    async with app(stage(PERSONAL)).run_test() as pilot:
        assert expected == pilot.app.theme_variables["critical"]
        pilot.app.theme = "nord"
        await pilot.pause()
        assert pilot.app.theme_variables["critical"] not in ("#ff55ff", DARK_THEME.variables["critical"])


def test_picture_for_a_report_has_all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture without a terminal has all colours."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM")
    build_app = partial(Claudemeter, now=lambda: NOW, options=Options(zone=UTC))
    picture = capture_svg(build_app, stage(PERSONAL), 1, size=(80, 24))
    assert str(DARK_THEME.success) in picture


async def test_current_theme_is_marked() -> None:
    """The list of themes marks the one in use, also while one searches."""
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        pilot.app.theme = "nord"
        await pilot.press("t")
        await pilot.pause()
        (marked,) = (line for line in screen(pilot) if "(current)" in line)
        assert marked.startswith("▌ nord (current)")
        await pilot.press("slash", *"nor")
        await pilot.pause()
        assert ["nord (current)" in line for line in screen(pilot) if "nord" in line] == [True]
        assert "1 of " in screen(pilot)[-1]
        await pilot.press(*"zzz")
        await pilot.pause()
        assert "No theme matches all of these words." in text(pilot)
        assert pilot.app.theme == "nord"


@pytest.mark.parametrize(("key", "kept"), [("escape", "nord"), ("enter", "rose-pine")])
@pytest.mark.parametrize("size", [(120, 36), (40, 8)])
async def test_cursor_shows_a_theme_at_once(key: str, kept: str, size: tuple[int, int]) -> None:
    """Enter keeps the theme under the cursor, and Escape returns to the one before."""
    async with app(stage(PERSONAL)).run_test(size=size) as pilot:
        await pilot.pause()
        pilot.app.theme = "nord"
        dashboard = pilot.app.screen
        await pilot.press("t")
        await pilot.pause()
        assert pilot.app.theme == "nord"
        await pilot.press("down")
        await pilot.pause()
        assert pilot.app.theme == "rose-pine"
        assert any(line.startswith("▌ rose-pine") for line in screen(pilot))
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app.theme == kept
        assert pilot.app.screen is dashboard


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (110, 20)])
async def test_dashboard_is_beside_the_themes_in_a_wide_pane(size: tuple[int, int]) -> None:
    """Tabs, banner, limits and chart of the org fill what the list leaves."""
    async with app(stage(TEAM, PERSONAL)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("t")
        await pilot.pause()
        shown = [line[LIST_WIDTH:] for line in screen(pilot)[2:]]
        for figure in ("▐■ 1 Acme Team BLOCKED▌", "BLOCKED until 16:00", "5-hour  ", "100% ■", "sed credits"):
            assert any(figure in line for line in shown), figure
        assert max(map(cell_len, screen(pilot))) <= size[0]
        (chart, *_) = pilot.app.screen.query(ChartPanel)
        assert chart.size.height >= 3
        assert chart.region.right <= size[0]
        names = [line[2:LIST_WIDTH].split(" ")[0] for line in screen(pilot)]
        assert {"dracula", "nord"} <= set(names)


async def test_dashboard_beside_the_themes_follows_the_size() -> None:
    """It comes and goes with the width and the height; without an org there is none."""
    async with app(stage(TEAM)).run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        await pilot.press("t")
        for width, height, is_shown in ((109, 36, False), (110, 20, True), (160, 19, False), (120, 36, True)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert is_shown is any("7-day all" in line[LIST_WIDTH:] for line in screen(pilot)[2:]), width
    async with app(Stage()).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("t")
        await pilot.pause()
        assert not pilot.app.screen.query_exactly_one("#dashboard").display
        assert any(line.startswith("  nord") for line in screen(pilot))


async def test_theme_that_is_found_is_shown_and_escape_undoes_it() -> None:
    """The first match is shown while one types; the first Escape ends the search, the second undoes it."""
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("t", "slash", *"drac")
        await pilot.pause()
        assert pilot.app.theme == "dracula"
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.theme == "dracula"
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.theme == DARK_THEME.name


async def test_search_of_the_palette_without_a_match_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that do not exist leave no empty list."""
    monkeypatch.setattr(CommandPalette, "_NO_MATCHES_COUNTDOWN", 0.01)
    shown = asyncio.Event()
    add_option = CommandList.add_option

    def add(options: CommandList, *args: Any) -> CommandList:
        shown.set()
        return add_option(options, *args)

    monkeypatch.setattr(CommandList, "add_option", add)
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"zzz")
        await asyncio.wait_for(shown.wait(), 30)
        await pilot.pause()
        assert "No matches found" in text(pilot)

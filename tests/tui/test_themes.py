"""Our two themes are legible: figures computed as WCAG 2 and CIE define them."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from claudemeter_tui.tui.themes import DARK, LIGHT

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
THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)


def colour(theme: Theme, name: str) -> Color:
    """A colour of the theme by the name that styles use."""
    return Color.parse(theme.variables.get(name) or getattr(theme, name))


def luminance(of: Color) -> float:
    """Relative luminance, 0 to 1 (WCAG 2)."""
    parts = [part / 255 for part in (of.r, of.g, of.b)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lightness(of: Color) -> float:
    """CIE L*, 0 to 100."""
    y = luminance(of)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def contrast(one: Color, other: Color) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@THEMES
@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("ground", ["background", "surface", "panel"])
def test_text_has_contrast_of_four_and_a_half(theme: Theme, name: str, ground: str) -> None:
    """Every colour that text is drawn in stands out from every ground it is drawn on."""
    assert contrast(colour(theme, name), colour(theme, ground)) >= 4.5


@THEMES
def test_severities_differ_in_lightness(theme: Theme) -> None:
    """Warning, critical and full are told apart by lightness alone, step by step towards the ground's."""
    warning, critical, full = (lightness(colour(theme, name)) for name in ("warning", "critical", "full"))
    assert warning - critical >= 7
    assert critical - full >= 7

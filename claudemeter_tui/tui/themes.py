"""The colours: two themes made for this data, and what the others lack."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
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
    variables={
        "normal": "#7fc8a9",
        "critical": "#ff9d5c",
        "full": "#ff6b74",
        "muted": "#8c99a8",
        "frame": "#3b4856",
        "curve": "#6cb6d9",
        "selected": "#6cb6d9",
    },
)
"""For dark terminals."""

LIGHT = Theme(
    name="claudemeter-light",
    primary="#1b6a93",
    secondary="#4a6078",
    accent="#7a3fa0",
    foreground="#1d2630",
    background="#fbfbf8",
    surface="#f2f2ed",
    panel="#e8e8e1",
    success="#1a7350",
    warning="#8a6100",
    error="#b0440a",
    dark=False,
    variables={
        "normal": "#1a7350",
        "critical": "#943b0b",
        "full": "#850c22",
        "muted": "#5a6774",
        "frame": "#b9bdb9",
        "curve": "#1b6a93",
        "selected": "#1b6a93",
    },
)
"""For light terminals."""

OWN = (DARK, LIGHT)


def missing(theme: Theme) -> dict[str, str]:
    """Our names in the colours of a theme that does not define them."""
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

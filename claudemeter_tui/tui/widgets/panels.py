"""Parts of an org that are below each other or side by side."""

from __future__ import annotations

from textual.containers import Container


class Panels(Container):
    """Two panels or charts of an org, side by side in a wide pane."""

    DEFAULT_CSS = """
    Panels { height: auto; width: 1fr; layout: vertical; }
    Panels.-wide { layout: horizontal; }
    Panels.-wide CreditsPanel { margin-left: 1; }
    """

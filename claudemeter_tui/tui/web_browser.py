"""Open a page in a browser that has a window of its own."""

from __future__ import annotations

import webbrowser

TERMINAL_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
"""Programs that Python tries where there is no desktop; they would take over the terminal."""


def open_in_browser(url: str) -> bool:
    """Start a browser with the address, and perhaps wait for it; return False if there is none."""
    try:
        browser = webbrowser.get()
        return getattr(browser, "name", "") not in TERMINAL_BROWSERS and browser.open(url)
    except (webbrowser.Error, OSError):
        return False

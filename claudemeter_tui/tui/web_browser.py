"""Open a page in a browser that has a window of its own."""

from __future__ import annotations

import subprocess
import webbrowser

TERMINAL_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
"""Programs that Python tries where there is no desktop; they would take over the terminal."""
OPEN_TIMEOUT = 3.0
"""Seconds to wait for the result of a program such as `xdg-open`; one that still runs then is the browser."""


def open_in_browser(url: str) -> bool:
    """Open the address and wait for the result; return False if there is no browser, or it fails."""
    try:
        browser = webbrowser.get()
        if getattr(browser, "name", "") in TERMINAL_BROWSERS:
            return False
        if isinstance(browser, webbrowser.BackgroundBrowser):
            return _run_opener([browser.name, *(part.replace("%s", url) for part in browser.args)])
        return browser.open(url)
    except (webbrowser.Error, OSError):
        return False


def _run_opener(command: list[str]) -> bool:
    """Run a program that opens the address; return False if it fails.

    Python does not wait for its result, and lets it write on the screen.
    """
    silent = subprocess.DEVNULL
    process = subprocess.Popen(  # noqa: S603 - Python's own list of programs
        command, stdin=silent, stdout=silent, stderr=silent, start_new_session=True
    )
    try:
        return process.wait(OPEN_TIMEOUT) == 0
    except subprocess.TimeoutExpired:
        return True

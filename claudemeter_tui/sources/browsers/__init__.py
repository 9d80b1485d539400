"""Sessions of every browser profile: what is there, what it gave, and why it gave nothing.

`look` is the way in. Importing this loads no browser_cookie3: the thread that needs it does.
"""

from claudemeter_tui.sources.browsers.folders import BROWSERS, searched
from claudemeter_tui.sources.browsers.outcome import Look, Outcome
from claudemeter_tui.sources.browsers.survey import LIMIT, look
from claudemeter_tui.sources.browsers.wanted import UnknownBrowserError, Wanted

__all__ = ["BROWSERS", "LIMIT", "Look", "Outcome", "UnknownBrowserError", "Wanted", "look", "searched"]

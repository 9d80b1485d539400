"""The verdict in words: a name, one line, a banner, a tab.

No form names a moment that has passed, even where the verdict was reached some time before `now`: a
window whose reset is over then reads "reset due".
"""

from claudemeter_tui.text.verdict.forms import NAMES, banner, line, name, short

__all__ = ["NAMES", "banner", "line", "name", "short"]

"""Remove harmful characters from server text; called where the text is read."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT_LENGTH = 1_000
"""Maximum characters of one string; no name and no reason needs more."""

_WHITESPACE = re.compile(r"\s+")
# Textual prints escape sequences in a text to the terminal, so an org's name could set the window title.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories without a glyph: control, format (bidi, zero-width), surrogate, …"""


def sanitize_text(text: str) -> str:
    """Return the text without control, escape, bidi and zero-width characters.

    White space of any kind becomes one blank. At most `MAX_TEXT_LENGTH` characters are kept.
    """
    # Cut first, so that a reply of megabytes costs little; to four times the limit, because filters shorten
    # it.
    spaced = _WHITESPACE.sub(" ", text[: 4 * MAX_TEXT_LENGTH])
    kept = "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE_CATEGORIES)
    return kept[:MAX_TEXT_LENGTH].strip()


def replace_unprintable(text: str) -> str:
    """Return the text with a blank in place of each control or invisible character."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)

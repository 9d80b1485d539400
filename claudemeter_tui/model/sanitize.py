"""Make server text harmless where it is read."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT_LENGTH = 1_000
"""Characters kept of one string; no name and no reason needs more."""

_WHITESPACE = re.compile(r"\s+")
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories that print nothing themselves: control, format (bidi, zero-width), surrogate, …"""


def sanitize_text(text: str) -> str:
    """The text with nothing in it but text: no control, escape, bidi or zero-width character.

    White space of any kind becomes one blank. At most `MOST` characters are kept.
    """
    spaced = _WHITESPACE.sub(" ", text[: 4 * MAX_TEXT_LENGTH])
    kept = "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE_CATEGORIES)
    return kept[:MAX_TEXT_LENGTH].strip()

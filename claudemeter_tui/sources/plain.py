"""Server text made harmless, where it is read."""

from __future__ import annotations

import re
import unicodedata

MOST = 1_000
"""Characters kept of one string; no name and no reason needs more."""

_BREAKS = re.compile(r"\s+")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories that print nothing themselves: control, format (bidi, zero-width), surrogate, …"""


def plain(text: str) -> str:
    """The text with nothing in it but text: no control, escape, bidi or zero-width character.

    White space of any kind becomes one blank. At most `MOST` characters are kept.
    """
    spaced = _BREAKS.sub(" ", text[: 4 * MOST])
    kept = "".join(char for char in spaced if unicodedata.category(char) not in _INVISIBLE)
    return kept[:MOST].strip()

"""Search in the texts of a row."""

from __future__ import annotations

import re


def compile_words(wanted: str) -> re.Pattern[str] | None:
    """Return a pattern of the wanted words, in upper or lower case. None if there are none."""
    words = map(re.escape, wanted.split())
    text = "|".join(words)
    return re.compile(text, re.IGNORECASE) if text else None


def has_words(text: str, wanted: str) -> bool:
    """True if each of the wanted words occurs in the text, in upper or lower case; also if there are none."""
    folded = text.casefold()
    return all(word in folded for word in wanted.casefold().split())

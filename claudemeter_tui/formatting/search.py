"""Search in the texts of a row."""

from __future__ import annotations


def has_words(text: str, wanted: str) -> bool:
    """True if each of the wanted words occurs in the text, in upper or lower case; also if there are none."""
    folded = text.casefold()
    return all(word in folded for word in wanted.casefold().split())

"""Server text without control characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.sanitize import MAX_TEXT_LENGTH, replace_unprintable, sanitize_text


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("Acme Team", "Acme Team"),
        ("", ""),
        ("]0;owned", "\x1b]0;owned\x07"),
        ("[31mred[0m", "\x1b[31mred\x1b[0m"),
        ("31mred", "\x9b31mred"),
        ("evil.exe", "evil\u202e.exe\u202c"),
        ("ab", "a\u200b\u200d\u2066\ufeff\u00adb"),
        ("two lines", "two\r\n\t lines"),
        ("a b", "a\u2028\u00a0b"),
        ("tag", "t\U000e0061ag"),
        ("half", "ha\ud800lf"),
        ("[/nope] [out_of_credits] ${x}", "[/nope] [out_of_credits] ${x}"),
        ("Crème 中文 🎉", " Crème 中文 🎉 "),
        ("x" * MAX_TEXT_LENGTH, "x" * 10_000),
    ],
)
def test_sanitized_text_has_no_escapes(expected: str, text: str) -> None:
    """Escape characters are removed, white space becomes one blank, letters and markup stay."""
    assert expected == sanitize_text(text)


@given(st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp"])))
def test_plain_text_is_printable(text: str) -> None:
    """Any sanitized text is printable, short, and stays the same when sanitized again."""
    made = sanitize_text(text)
    assert all(unicodedata.category(char)[0] != "C" for char in made)
    assert "\n" not in made
    assert len(made) <= MAX_TEXT_LENGTH
    assert made == sanitize_text(made)


def test_unprintable_characters_become_blanks() -> None:
    """Text for a terminal keeps its length, and no character that the terminal could obey."""
    assert replace_unprintable("a\x1b]0;b\x07\n\u202e中") == "a ]0;b   中"
    assert replace_unprintable("Acme Team") == "Acme Team"

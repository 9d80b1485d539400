"""Bars as lines of text, and texts in less room."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from claudemeter_tui.tui.styled_text import build_line, convert_to_ascii, draw_bar, fit_line, shorten_name


@pytest.mark.parametrize(
    ("expected", "in_ascii", "percent", "elapsed"),
    [
        ("──────────", "----------", 0, None),
        ("╸─────────", "=---------", 0.1, None),
        ("━━━━╸─────", "=====-----", 45, None),
        ("━━━━━─────", "=====-----", 50, None),
        ("━━━━━━━━━─", "=========-", 99.9, None),
        ("━━━━━━━━━━", "==========", 100, None),
        ("━━━━━━━━━━", "==========", 250, None),
        ("··········", "..........", None, 0.5),
        ("━━━━━──┼──", "=====--|--", 50, 0.7),
        ("━━┿━━─────", "==+==-----", 50, 0.2),
        ("┽─────────", "+---------", 3, 0.0),
        ("━━━━━━━━━┼", "=========|", 99, 1.0),
        ("━━━━━━━━━┿", "=========+", 100, 1.0),
    ],
)
def test_bar_is_never_falsely_empty_or_full(
    expected: str, in_ascii: str, percent: float | None, elapsed: float | None
) -> None:
    """Only 0% is empty, only 100% is full, and the mark never hides an only cell."""
    bar = draw_bar(percent, 10, "$normal", elapsed=elapsed)
    assert (expected, in_ascii) == (bar.plain, convert_to_ascii(bar).plain)


def test_bar_has_its_width_at_every_size() -> None:
    """A bar fills its cells, with any share and any mark."""
    for width in range(40):
        for share in range(-1, 103):
            percent = None if share < 0 else float(share)
            for elapsed in (None, 0.0, 0.5, 1.0):
                bar = draw_bar(percent, width, "$normal", elapsed=elapsed)
                assert width == bar.cell_length
                assert width < 2 or percent is None or ("─" in bar.plain) == (percent < 100) or elapsed


@pytest.mark.parametrize(
    ("expected", "name", "width"),
    [
        ("Acme Team (0001)", "Acme Team (0001)", 16),
        ("Acme T… (0001)", "Acme Team (0001)", 14),
        ("Acm… (0001)", "Acme Team (0001)", 11),
        ("Acme Tea…", "Acme Team (0001)", 9),
        ("Acme Team…", "Acme Team (0001)", 11 - 1),
        ("\u7d44\u7e54 \u2026 (0001)", "\u7d44\u7e54\u7d44\u7e54 (0001)", 13),
        ("A long name\u2026", "A long name without brackets", 12),
    ],
)
def test_shortened_name_keeps_its_brackets(expected: str, name: str, width: int) -> None:
    """Two orgs of one name stay apart: the name is shortened before the text that distinguishes it."""
    assert expected == shorten_name(name, width)
    assert cell_len(expected) <= width


@pytest.mark.parametrize(
    ("expected", "text", "width"),
    [
        ("BLOCKED …", "BLOCKED: your monthly cap is reached", 20),
        ("BLOCKED: your monthly cap …", "BLOCKED: your monthly cap is reached", 29),
        ("5-hour window full …", "5-hour window full, until Fri May 8 02:48", 30),
    ],
)
def test_sentence_ends_after_a_word_that_means_something(expected: str, text: str, width: int) -> None:
    """No word that announces the next one, and no part of a date, is before the ellipsis."""
    assert expected == fit_line(build_line(text), width).plain.rstrip()

"""A reply's body in indented lines: complete, harmless, with remarks at their places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.formatting.json_view import (
    MAX_LINES,
    REST_LINE,
    JsonLine,
    JsonPart,
    KeyRemark,
    escape_invisible,
    format_json_lines,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def texts(lines: list[JsonLine]) -> list[str]:
    """Return the lines without colours."""
    return [line.text for line in lines]


def test_objects_and_lists_are_broken_and_indented() -> None:
    """Each key or element has a line; an empty object or list stays on its line."""
    body = '{"a":[],"b":{"c":[1,{"d":null}]},"e":{}}'
    assert json.dumps(json.loads(body), indent=2).split("\n") == texts(format_json_lines(body))


def test_numbers_and_doubled_keys_stay_as_sent() -> None:
    """A long float, a huge integer and a repeated key are shown unchanged."""
    body = '{"a": 0.10, "a": 1E400, "b": ' + "9" * 5000 + "}"
    assert texts(format_json_lines(body)) == [
        "{",
        '  "a": 0.10,',
        '  "a": 1E400,',
        '  "b": ' + "9" * 5000,
        "}",
    ]


@given(st.lists(JSON, max_size=4) | st.dictionaries(st.text(), JSON, max_size=4))
def test_any_json_means_the_same_and_is_printable(value: object) -> None:
    """The lines of any JSON are the same JSON when joined, and no character in them acts on a terminal."""
    lines = format_json_lines(json.dumps(value))
    assert value == json.loads("".join(text.strip() for text in texts(lines)))
    assert all(text.isprintable() for text in texts(lines))


@given(st.text())
def test_any_text_is_shown_and_printable(body: str) -> None:
    """Text that is no JSON is shown as received, with escapes for invisible characters."""
    assert all(text.isprintable() for text in texts(format_json_lines(body)))


@pytest.mark.parametrize(
    ("char", "shown"),
    [
        ("\x1b", r"\u001b"),
        ("\x7f", r"\u007f"),
        ("\x9b", r"\u009b"),
        ("\u202e", r"\u202e"),
        ("\u200b", r"\u200b"),
        ("\ud800", r"\ud800"),
        ("\n", r"\n"),
        ("é", "é"),
        ("漢", "漢"),
    ],
)
def test_invisible_characters_are_escapes(char: str, shown: str) -> None:
    """Control, bidi, zero-width and lone surrogates are escaped; letters stay."""
    assert f"a{shown}b" == escape_invisible(f"a{char}b")


def test_escaped_letters_are_readable() -> None:
    """A name that the server escaped is shown readable and searchable."""
    assert format_json_lines('{"name": "\\u6771\\u4eac"}')[1].text == '  "name": "東京"'


def test_new_and_odd_fields_are_marked_where_they_are() -> None:
    """A remark is shown at its own key, not at another of the same name."""
    body = '{"kind": 1, "limits": [{"kind": "a"}, {"kind": "monthly_all"}], "amber": {"x": 1}, "cap": "?"}'
    lines = format_json_lines(body, ["limits[1].kind = monthly_all", "amber"], ["cap"])
    marked = [(line.text.strip(), line.remark) for line in lines if line.remark]
    assert marked == [
        ('"kind": "monthly_all"', KeyRemark.NEW),
        ('"amber": {', KeyRemark.NEW),
        ('"cap": "?"', KeyRemark.ODD),
    ]


def test_long_path_is_marked_too() -> None:
    """Paths in remarks are cut at 80 characters."""
    key = "k" * 100
    assert format_json_lines(json.dumps({key: 1}), ["k" * 79 + "…"])[1].remark == KeyRemark.NEW


def test_colours_cover_keys_and_values() -> None:
    """Each part of a line has its kind."""
    line = format_json_lines('{"a": "b", "c": 1, "d": true}')[1]
    assert [(line.text[i:j], part) for i, j, part in line.parts] == [
        ('"a"', JsonPart.KEY),
        ('"b"', JsonPart.STRING),
    ]
    kinds = {part for line in format_json_lines('{"a": "b", "c": 1, "d": true}') for *_, part in line.parts}
    assert {JsonPart.KEY, JsonPart.STRING, JsonPart.NUMBER, JsonPart.LITERAL, JsonPart.PUNCTUATION} == kinds


@pytest.mark.parametrize(
    "body", ["[" + "0," * 50_000 + "0]", "[" * 100_000, "\n" * 50_000, "<html>\x1b[2J" * 9999]
)
def test_hostile_body_is_bounded_and_complete(body: str) -> None:
    """Lines are limited; the rest follows in one piece, and nothing is left out."""
    lines = format_json_lines(body)
    assert len(lines) <= 2 * MAX_LINES + 2
    kept = "".join(text for text in texts(lines) if text != REST_LINE.text)
    for sign in "0[h":
        assert body.count(sign) <= kept.count(sign)

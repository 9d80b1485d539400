"""Claude Code's status line input: usable limits, and everything else that may come instead."""

from __future__ import annotations

import json

import pytest

from claudemeter_tui.claude_code.status_input import MAX_INPUT_BYTES, SeenLimit, parse_seen_limits

RESET = 1_777_132_800
"""April 25, 2026, 16:00 UTC."""


def write_input(**limits: object) -> bytes:
    """Return the input with these limits, among other keys of Claude Code."""
    return json.dumps(
        {"session_id": "x", "model": {"id": "claude-fable-5"}, "version": "2.1.90", "rate_limits": limits}
    ).encode()


def limit(percent: object = 43, resets_at: object = RESET) -> object:
    """Return one limit of the input."""
    return {"used_percentage": percent, "resets_at": resets_at}


def test_both_windows_are_read() -> None:
    """Each window has the name of this program's kind of window; others are skipped."""
    content = write_input(five_hour=limit(), seven_day=limit(67), seven_day_fable=limit(5))
    assert {
        "session": SeenLimit(43, RESET * 1000),
        "weekly_all": SeenLimit(67, RESET * 1000),
    } == parse_seen_limits(content)


@pytest.mark.parametrize(
    ("expected", "percent", "resets_at"),
    [
        (SeenLimit(43, RESET * 1000), 43.99, RESET),
        (SeenLimit(0, RESET * 1000), 0, RESET),
        (SeenLimit(99, RESET * 1000), 99.999, RESET),
        (SeenLimit(104, RESET * 1000), 104.2, RESET),
        (SeenLimit(43, RESET * 1000), 43, RESET - 1),
        (SeenLimit(43, RESET * 1000), 43, RESET + 0.75),
    ],
)
def test_figures_are_rounded(expected: SeenLimit, percent: float, resets_at: float) -> None:
    """A percentage is a minimum, so it is rounded down; a reset is rounded to the minute."""
    assert parse_seen_limits(write_input(five_hour=limit(percent, resets_at))) == {"session": expected}


HOSTILE_VALUES: tuple[object, ...] = (
    *(None, True, False, "43", "", [], {}, [43], {"x": 1}, -1, -0.5, 1e300, 10**400, -(10**400)),
    *(float("nan"), float("inf"), float("-inf"), "\x1b[31m", 1001),
)
"""Values that are no percentage."""


@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_hostile_percentage_is_ignored(value: object) -> None:
    """Neither a wrong type nor an impossible number becomes a figure."""
    assert parse_seen_limits(write_input(five_hour=limit(value))) == {}


@pytest.mark.parametrize(
    "value", [None, True, "1777132800", "2026-04-25T16:00:00Z", [], {}, float("nan"), float("inf"), 10**400]
)
def test_hostile_reset_is_ignored(value: object) -> None:
    """A reset that is no number, or has no place on a calendar, is not used."""
    seen = parse_seen_limits(write_input(five_hour=limit(43, value)))
    assert seen.get("session", SeenLimit(0, 10**30)).resets_at > 10**20


@pytest.mark.parametrize("value", [None, True, 43, "x", [], [limit()], {}, {"five_hour": None}])
def test_hostile_limits_are_ignored(value: object) -> None:
    """Limits of another type, or without a window, are none."""
    assert parse_seen_limits(json.dumps({"rate_limits": value}).encode()) == {}
    assert parse_seen_limits(write_input(five_hour=value)) == {}


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b" \n", b"{", b"null", b"43", b'"x"', b"[]", b"{}", b"\xff\xfe\x00", b"\x00" * 99, b"\xc3("),
        *(b'{"rate_limits": {"five_hour"', b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"NaN"),
        write_input(five_hour=limit()) + b"x",
        b" " * MAX_INPUT_BYTES + write_input(five_hour=limit()),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_hostile_input_has_no_limits(content: bytes) -> None:
    """Broken, deep, large or empty input is no error."""
    assert parse_seen_limits(content) == {}

"""Decoding of single lines: tokens, refusals, nulls and damage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from claudemeter_tui.model.catalogue import RefusedLimit
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.transcripts import Call, TokenCounts
from claudemeter_tui.transcripts.lines import decode_line, iter_marked_lines
from tests.transcripts.lines import PROJECT, call_line, encode, refusal_line


def decode_call(**more: Any) -> Call:
    """Return the call of a line with these variations."""
    found = decode_line(encode(call_line(**more)))
    assert found is not None
    assert found.call is not None
    return found.call


def decode_refusal(**more: Any) -> Refusal | None:
    """Return the refusal of a line with these variations. None if there is none."""
    found = decode_line(encode(refusal_line(**more)))
    return found.refusal if found is not None else None


def test_call_has_its_tokens_and_its_place() -> None:
    """A line with usage gives time, model and counts; the folder is that of the line."""
    found = decode_line(encode(call_line()))
    assert found is not None
    assert found.call is not None
    assert found.folder == PROJECT
    assert found.refusal is None
    assert found.call.counts == TokenCounts(5, 40, 300, 0, 2000, 0)
    assert (found.call.model, found.call.variant) == ("claude-opus-5-20260301", "")
    assert found.call.at == round(datetime(2026, 4, 25, 14, 22, 5, 123_000, UTC).timestamp() * 1000)


CALLS: list[tuple[dict[str, Any], str, Any]] = [
    ({"message": {"model": "claude-opus-5[1m]"}}, "model", "claude-opus-5"),
    ({"message": {"model": None}}, "model", ""),
    ({"message": {"model": "evil\x1b]0;x\x07"}}, "model", "evil]0;x"),
    ({"counts": {"speed": "fast"}}, "variant", "fast"),
    ({"counts": {"service_tier": "batch", "inference_geo": "us"}}, "variant", "batch us"),
    ({"counts": {"speed": "standard", "inference_geo": "not_available"}}, "variant", ""),
    ({"isSidechain": True}, "is_sidechain", True),
    ({"isSidechain": None}, "is_sidechain", False),
    ({"counts": {"cache_creation": None}}, "counts", TokenCounts(5, 40, 300, 0, 2000, 0)),
    (
        {"counts": {"cache_creation": {"ephemeral_1h_input_tokens": 250}}},
        "counts",
        TokenCounts(5, 40, 50, 250, 2000, 0),
    ),
    (
        {"counts": {"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": None}}},
        "counts",
        TokenCounts(5, 40, 300, 0, 2000, 2),
    ),
    (
        {"message": {"diagnostics": {"cache_miss_reason": {"type": "ttl", "cache_missed_input_tokens": 9}}}},
        "cache_miss",
        "ttl",
    ),
    ({"message": {"diagnostics": None}}, "cache_miss", ""),
    ({"message": {"diagnostics": {"cache_miss_reason": "odd"}}}, "cache_miss", ""),
]


@pytest.mark.parametrize(("more", "name", "expected"), CALLS)
def test_call_has_each_variation(more: dict[str, Any], name: str, expected: object) -> None:
    """Nulls, missing parts and kinds of service are read as they are."""
    assert expected == getattr(decode_call(**more), name)


def test_copies_of_a_call_have_one_key() -> None:
    """Message and request decide; without a request, the message alone if its id is one of Anthropic's.

    Otherwise the line decides.
    """
    key = decode_call().key
    assert key == decode_call(sessionId="another", uuid="other", counts={"output_tokens": 90}).key
    assert key != decode_call(request="req_2").key
    lone = decode_call(request=None)
    assert lone.key == decode_call(request=None, sessionId="another", uuid="other").key
    assert lone.key not in (key, decode_call(request=None, message={"id": "msg_2"}).key)
    other = decode_call(request=None, message={"id": "proxy"})
    assert other.key == decode_call(request=None, message={"id": "proxy"}, sessionId="another").key
    assert other.key != decode_call(request=None, message={"id": "proxy"}, uuid="other").key
    assert 0 <= key < 2**63


NO_CALLS: list[dict[str, Any]] = [
    {"type": "user"},
    {"type": None},
    {"message": {"usage": None}},
    {"counts": dict.fromkeys(("input_tokens", "output_tokens"), 0) | {"cache_read_input_tokens": None}},
    {"timestamp": None},
]


@pytest.mark.parametrize("more", [*NO_CALLS[:3], NO_CALLS[4]])
def test_other_lines_have_no_call(more: dict[str, Any]) -> None:
    """A line of another type, or without usage or time, has nothing."""
    assert decode_line(encode(call_line(**more))) is None


DAMAGED: list[bytes] = [
    b"{",
    b"[]\n",
    b'"usage"\n',
    encode(call_line(counts={"input_tokens": "5"})),
    encode(call_line(counts={"input_tokens": -5})),
    encode(call_line(counts={"input_tokens": 10**30})),
    encode(call_line(timestamp="yesterday")),
    encode(call_line(timestamp="1970-01-01T00:00:00Z")),
    encode(call_line(timestamp="9999-12-31T23:59:59Z")),
    encode(call_line(message={"model": ["x"]})),
    encode(call_line(cwd=5)),
    b'{"a":' * 100_000,
]


@pytest.mark.parametrize("line", DAMAGED)
def test_damaged_line_is_refused(line: bytes) -> None:
    """A line that cannot be read raises one kind of error, which names no content."""
    with pytest.raises(ValueError, match=r"^\w+$"):
        decode_line(line)


def test_refusal_has_its_cause() -> None:
    """A refusal gives the limit, its reset, the state of the credits and the offer."""
    found = decode_refusal()
    assert found is not None
    assert (found.limit, found.group) == ("five_hour", RefusedLimit.FIVE_HOUR)
    assert found.project == PROJECT
    assert found.resets_at == datetime(2026, 4, 25, 16, tzinfo=UTC)
    assert (found.credits_status, found.credits_reason) == ("rejected", "org_spend_cap_reached")
    assert found.credits_until == datetime(2026, 5, 1, tzinfo=UTC)
    assert found.offers_low_priority
    assert not found.used_credits


NO_REFUSALS: list[dict[str, Any]] = [
    {"apiErrorIsTransient": True},
    {"apiErrorStatus": 529},
    {"error": "overloaded"},
    {"limits": {"status": "allowed_warning"}},
    {"limits": {"status": None}},
    {"quotaLimits": None},
]


@pytest.mark.parametrize("more", NO_REFUSALS)
def test_other_errors_are_no_refusals(more: dict[str, Any]) -> None:
    """An error that passes by itself, or of another kind, is no refusal."""
    assert decode_refusal(**more) is None


def test_refusal_bears_nulls() -> None:
    """Every part of the limits can be null, and a damaged time is not reported."""
    names = ("resetsAt", "rateLimitType", "overageStatus", "overageResetsAt", "overageDisabledReason")
    found = decode_refusal(limits=dict.fromkeys((*names, "isUsingOverage", "lowPriorityOffer")))
    assert found is not None
    assert (found.limit, found.resets_at, found.credits_reason) == ("", None, "")
    assert found.group is RefusedLimit.UNKNOWN
    odd = decode_refusal(limits={"resetsAt": 1e300})
    assert odd is not None
    assert odd.resets_at is None


def test_marked_lines_are_found_once() -> None:
    """Each line with the mark is found once, wherever its marks are; other lines are not."""
    plain = b'{"type":"user","message":"says \\"assistant\\" and more"}\n'
    text = plain + encode(call_line()) + plain + encode(refusal_line(), call_line("msg_2")) + plain
    found = [text[first:last] for first, last in iter_marked_lines(text, 0, len(text))]
    assert found == [encode(line) for line in (call_line(), refusal_line(), call_line("msg_2"))]
    assert list(iter_marked_lines(plain, 0, len(plain))) == []

"""Decode the lines of a transcript that hold tokens or a refusal.

Prompts and replies are in the same lines. They are skipped by the decoder and never become values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from claudemeter_tui.model.content_hash import hash_content
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.transcripts import SYNTHETIC_MODEL, Call, TokenCounts

MARK = b'"assistant"'
"""Text of every line with tokens or a refusal: its type. In a prompt, the quotes are escaped.

One mark is searched for in half the time of two, and most of the time of a first reading is this search.
"""
MAX_CODE_LENGTH = 100
"""Maximum characters of a model's name or of a code of the server."""
_FIRST_AT, _END_AT = 1_577_836_800_000, 4_102_444_800_000
"""2020 and 2100: a time outside is damaged."""
_RATE_LIMIT_STATUS = 429
_LONG_CONTEXT = re.compile(r"\[1m\]$")
_MESSAGE_PREFIX = "msg_"
_USUAL_TIERS = frozenset({"standard", ""})
_USUAL_PLACES = frozenset({"not_available", "global", ""})

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: _Count | None = None
    ephemeral_1h_input_tokens: _Count | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: _Count | None = None


class _Usage(msgspec.Struct):
    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_read_input_tokens: _Count | None = None
    cache_creation: _CacheCreation | None = None
    server_tool_use: _ServerTools | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


class _Message(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None
    diagnostics: Any = None


class _QuotaLimits(msgspec.Struct):
    status: str | None = None
    resetsAt: float | None = None  # noqa: N815 - the server's name
    rateLimitType: str | None = None  # noqa: N815
    overageStatus: str | None = None  # noqa: N815
    overageResetsAt: float | None = None  # noqa: N815
    overageDisabledReason: str | None = None  # noqa: N815
    isUsingOverage: bool | None = None  # noqa: N815
    lowPriorityOffer: Any = None  # noqa: N815


class _Line(msgspec.Struct):
    type: str | None = None
    timestamp: datetime | None = None
    uuid: str | None = None
    requestId: str | None = None  # noqa: N815
    cwd: str | None = None
    isSidechain: bool | None = None  # noqa: N815
    message: _Message | str | None = None
    apiErrorStatus: Any = None  # noqa: N815
    apiErrorIsTransient: bool | None = None  # noqa: N815
    error: Any = None
    quotaLimits: _QuotaLimits | None = None  # noqa: N815


_decode = msgspec.json.Decoder(_Line).decode


class DecodedLine(msgspec.Struct):
    """Everything that a line has for this program."""

    folder: str
    """`cwd`: the folder in which Claude Code worked. Empty if not reported."""
    call: Call | None = None
    refusal: Refusal | None = None


def decode_line(line: bytes | memoryview) -> DecodedLine | None:
    """Return the call or the refusal of a line. None if it has neither.

    Args:
        line: one line of JSON, of which a part may be damaged.

    Raises:
        ValueError: The line cannot be read: no JSON, or a value of another type than expected.
    """
    try:
        found = _decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(type(error).__name__) from None
    message = found.message
    if found.type != "assistant" or not isinstance(message, _Message) or found.timestamp is None:
        return None
    at = _to_millis(found.timestamp)
    if not _FIRST_AT <= at < _END_AT:
        raise ValueError("time")
    folder = _clean_path(found.cwd or "")
    if message.model == SYNTHETIC_MODEL:
        refusal = _build_refusal(found, message, found.timestamp, folder, line)
        return DecodedLine(folder, refusal=refusal) if refusal is not None else None
    if message.usage is None:
        return None
    counts = _build_counts(message.usage)
    if not any(counts):
        return None
    call = Call(
        _hash_key(message.id, found.requestId, found.uuid, line),
        at,
        _LONG_CONTEXT.sub("", _clean_code(message.model or "")),
        _describe_variant(message.usage),
        counts,
        bool(found.isSidechain),
        cache_miss=_read_cache_miss(message.diagnostics),
    )
    return DecodedLine(folder, call)


def iter_marked_lines(buffer: bytes | bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each line that has the `MARK`, in order.

    Args:
        buffer: the text.
        start: start of its first line.
        end: end of its last line, behind the line feed.
    """
    while (hit := buffer.find(MARK, start, end)) >= 0:
        first = buffer.rfind(b"\n", start, hit) + 1 or start
        start = buffer.find(b"\n", hit, end) + 1 or end
        yield first, start


def _build_counts(usage: _Usage) -> TokenCounts:
    """Return the counts; a cache write without a length is one of 5 minutes, as it is by default."""
    written = usage.cache_creation_input_tokens or 0
    split = usage.cache_creation
    long = (split.ephemeral_1h_input_tokens or 0) if split is not None else 0
    short = (split.ephemeral_5m_input_tokens or 0) if split is not None else 0
    tools = usage.server_tool_use
    return TokenCounts(
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        max(short, written - long),
        long,
        usage.cache_read_input_tokens or 0,
        (tools.web_search_requests or 0) if tools is not None else 0,
    )


def _describe_variant(usage: _Usage) -> str:
    """Return what makes the price another one: speed, tier and place, unless they are the usual ones."""
    parts = (
        (usage.speed or "", _USUAL_TIERS),
        (usage.service_tier or "", _USUAL_TIERS),
        (usage.inference_geo or "", _USUAL_PLACES),
    )
    return " ".join(_clean_code(part) for part, usual in parts if part not in usual)


def _read_cache_miss(diagnostics: object) -> str:
    reason = diagnostics.get("cache_miss_reason") if isinstance(diagnostics, dict) else None
    kind = reason.get("type") if isinstance(reason, dict) else None
    return _clean_code(kind) if isinstance(kind, str) else ""


def _build_refusal(
    found: _Line, message: _Message, moment: datetime, folder: str, line: bytes | memoryview
) -> Refusal | None:
    """Return the refusal of a line. None for another error, or for one that passes by itself."""
    limits = found.quotaLimits
    if limits is None or limits.status != "rejected" or found.apiErrorIsTransient:
        return None
    if found.apiErrorStatus not in (_RATE_LIMIT_STATUS, None) or found.error not in ("rate_limit", None):
        return None
    return Refusal(
        _hash_key(message.id, found.requestId, found.uuid, line),
        _in_utc(moment),
        folder,
        _clean_code(limits.rateLimitType or ""),
        _from_seconds(limits.resetsAt),
        _clean_code(limits.overageStatus or ""),
        _clean_code(limits.overageDisabledReason or ""),
        _from_seconds(limits.overageResetsAt),
        bool(limits.isUsingOverage),
        bool(limits.lowPriorityOffer),
    )


def _hash_key(
    message_id: str | None, request_id: str | None, uuid: str | None, line: bytes | memoryview
) -> int:
    """Return the hash by which copies of a message are known; without ids, that of the line alone.

    Amazon Bedrock and Google Vertex name no request. Then the message's id is enough if it is one of
    Anthropic's: other services use one id for all messages.
    """
    if message_id and (request_id or message_id.startswith(_MESSAGE_PREFIX)):
        content: bytes | memoryview = f"{message_id}\0{request_id or ''}".encode(errors="replace")
    else:
        content = uuid.encode(errors="replace") if uuid else line
    return hash_content(content)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _to_millis(moment: datetime) -> int:
    try:
        return round(_in_utc(moment).timestamp() * 1000)
    except OverflowError:
        raise ValueError("time") from None


def _from_seconds(seconds: float | None) -> datetime | None:
    if seconds is None or not _FIRST_AT <= seconds * 1000 < _END_AT:
        return None
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(256)
def _clean_code(text: str) -> str:
    return sanitize_text(text)[:MAX_CODE_LENGTH]


@lru_cache(256)
def _clean_path(text: str) -> str:
    return sanitize_text(text)

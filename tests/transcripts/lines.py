"""Lines of transcripts for the tests; arguments make the variations."""

from __future__ import annotations

import json
from typing import Any

AT = "2026-04-25T14:22:05.123Z"
PROJECT = "/home/pat/src/lab"


def usage(**more: Any) -> dict[str, Any]:
    """Return the usage of a call."""
    return {
        "input_tokens": 5,
        "output_tokens": 40,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 2000,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    } | more


def call_line(message_id: str | None = "msg_1", request: str | None = "req_1", **more: Any) -> dict[str, Any]:
    """Return the line of a call; `counts` replaces parts of its usage, `message` those of its message."""
    counts, message = more.pop("counts", {}), more.pop("message", {})
    return {
        "type": "assistant",
        "timestamp": AT,
        "sessionId": "session-1",
        "requestId": request,
        "cwd": PROJECT,
        "isSidechain": False,
        "uuid": "11111111-0000-4000-8000-000000000001",
        "message": {
            "id": message_id,
            "role": "assistant",
            "model": "claude-opus-5-20260301",
            "content": [{"type": "text", "text": 'planted prompt with "usage"'}],
            "usage": usage(**counts),
        }
        | message,
    } | more


def refusal_line(**more: Any) -> dict[str, Any]:
    """Return the line of a refusal; `limits` replaces parts of its `quotaLimits`."""
    limits = more.pop("limits", {})
    return {
        "type": "assistant",
        "timestamp": AT,
        "cwd": PROJECT,
        "uuid": "11111111-0000-4000-8000-000000000002",
        "isApiErrorMessage": True,
        "error": "rate_limit",
        "apiErrorStatus": 429,
        "message": {"id": "refusal-1", "model": "<synthetic>", "usage": {"input_tokens": 0}},
        "quotaLimits": {
            "status": "rejected",
            "resetsAt": 1_777_132_800,
            "rateLimitType": "five_hour",
            "overageStatus": "rejected",
            "overageResetsAt": 1_777_593_600,
            "overageDisabledReason": "org_spend_cap_reached",
            "upgradePaths": [],
            "isUsingOverage": False,
            "lowPriorityOffer": {"model": "opus"},
        }
        | limits,
    } | more


def encode(*lines: dict[str, Any]) -> bytes:
    """Return the lines as a transcript has them."""
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)

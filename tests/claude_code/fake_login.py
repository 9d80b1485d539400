"""Logins, replies and clocks for the tests of Claude Code's login."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claudemeter_tui.claude_code.credentials import CommandResult, find_login
from claudemeter_tui.claude_code.rate_limit import RequestBudget
from claudemeter_tui.claude_code.source import BearerClient, ClaudeCodeSource
from claudemeter_tui.model.reading import Failure, Reading, Reply
from claudemeter_tui.model.secrets import Secret
from tests.bodies import ACCOUNT, PERSONAL

NOON = datetime(2026, 4, 25, 12, 0, tzinfo=UTC)
TOKEN = "sk-ant-oat01-planted-4711"
REFRESH = "sk-ant-ort01-planted-0815"


class StillClock:
    """A clock that a test sets."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the time it is set to."""
        return self.moment

    def later(self, seconds: float) -> None:
        """Move the clock forward, or back."""
        self.moment += timedelta(seconds=seconds)


def login_text(token: Any = TOKEN, *, expires: datetime | None = None, **more: Any) -> str:
    """Return Claude Code's login file as text; `more` adds or replaces keys of the login itself."""
    expiry = expires if expires is not None else NOON + timedelta(hours=8)
    login = {
        "accessToken": token,
        "refreshToken": REFRESH,
        "expiresAt": int(expiry.timestamp() * 1000),
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
        "rateLimitTier": "default_claude_max_5x",
    }
    return json.dumps({"claudeAiOauth": login | more, "mcpOAuth": {}})


def login_file(home: Path, text: str | bytes | None = None, folder: str = ".claude") -> Path:
    """Write a login file below a home and return it."""
    path = home / folder / ".credentials.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = login_text() if text is None else text
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


class Keychain:
    """A fake keychain tool: items by name, or the exit status with which it fails."""

    def __init__(self, items: Mapping[str, str | int | OSError]) -> None:
        self.items = items
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> CommandResult:
        """Answer as `/usr/bin/security` does."""
        assert list(command[:-1]) == ["/usr/bin/security", "find-generic-password", "-w", "-s"]
        self.asked.append(command[-1])
        answer = self.items.get(command[-1], 44)
        if isinstance(answer, OSError):
            raise answer
        return (
            CommandResult(answer, Secret(""))
            if isinstance(answer, int)
            else CommandResult(0, Secret(f"{answer}\n"))
        )


def no_keychain(_: Sequence[str]) -> CommandResult:
    """Fail the test if a keychain is asked."""
    raise AssertionError("the keychain was asked")


def profile_body(
    email: str = "pat@example.com", account: str = ACCOUNT, **organization: Any
) -> dict[str, Any]:
    """Return `/api/oauth/profile`; `organization` adds or replaces keys of the organization."""
    return {
        "account": {
            "uuid": account,
            "full_name": "Pat Example",
            "display_name": "Pat",
            "email": email,
            "has_claude_max": True,
            "has_claude_pro": False,
            "created_at": "2025-02-11T08:15:30.123456Z",
        },
        "organization": {
            "uuid": PERSONAL,
            "name": "Personal",
            "organization_type": "claude_max",
            "billing_type": "stripe_subscription",
            "rate_limit_tier": "default_claude_max_5x",
            "has_extra_usage_enabled": True,
            "subscription_status": "active",
        }
        | organization,
        "application": {"name": "Claude Code", "slug": "claude-code"},
    }


def source(url: str, folder: Path, clock: StillClock) -> ClaudeCodeSource:
    """Return a new source for the login below `folder / home`, with its budget in `folder / state`."""

    def look() -> Any:
        return find_login(
            home=folder / "home", now=clock.now(), system="linux", environment={}, run=no_keychain
        )

    client = BearerClient(base_url=url, now=clock.now)
    return ClaudeCodeSource(look, client, RequestBudget(folder / "state", clock.now), clock.now)


async def polled(code: ClaudeCodeSource, *, full: bool = False) -> list[Reading]:
    """Return every reading of one poll."""
    return [reading async for reading in code.read(full=full)]


def failures(readings: list[Reading]) -> list[Failure]:
    """Return the failures of these polls."""
    return [reading.account for reading in readings if isinstance(reading.account, Failure)]


def replies(readings: list[Reading]) -> list[Reply]:
    """Return the org's replies."""
    parts = [part for one in readings for report in one.org_readings for part in report.parts.values()]
    return [part for part in parts if isinstance(part, Reply)]

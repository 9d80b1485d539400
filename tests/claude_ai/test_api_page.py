"""API.md has every request, key and reason that the program knows."""

from __future__ import annotations

import re
from pathlib import Path

import claudemeter_tui
from claudemeter_tui.model.catalogue import DISABLED_REASONS
from claudemeter_tui.privacy.allowlist import KNOWN_KEYS
from tests.bodies import PERSONAL, TEAM
from tests.claude_ai.api_cases import asked, poll, reading, serve_account
from tests.responses import Answer
from tests.server import LoopbackServer

PACKAGE = Path(claudemeter_tui.__file__).parent
PAGE = (PACKAGE / "claude_ai" / "API.md").read_text("utf-8")
NAMES = {name for code in re.findall(r"`([^`\n]+)`", PAGE) for name in re.findall(r"\w+", code)}
"""Every word in backticks."""


def test_every_known_key_is_on_the_page() -> None:
    """Windows and fields: a contributor finds the meaning of each key, or that it is not known."""
    assert len(KNOWN_KEYS) > 100
    assert {key for key in KNOWN_KEYS if key not in NAMES} == set()


def test_every_reason_is_on_the_page() -> None:
    """Each `disabled_reason` is in the table of reasons."""
    table = PAGE.partition("| `disabled_reason` | credits |")[2].partition("\n\n")[0]
    assert len(DISABLED_REASONS) > 10
    assert {reason for reason in DISABLED_REASONS if f"`{reason}`" not in table} == set()


async def test_every_request_is_on_the_page(server: LoopbackServer) -> None:
    """The table of requests has each path that a full poll requests, of a personal and a shared org."""
    async with reading(server.url) as source:
        server.routes["/api/account"] = Answer.json({}, status=500)
        await poll(source)
        serve_account(server)
        await poll(source, full=True)
    paths = {path.partition("?")[0] for path in asked(server)}
    cookie_paths = {path.replace(PERSONAL, "{org}").replace(TEAM, "{org}") for path in paths}
    assert len(cookie_paths) == 6
    assert {path for path in cookie_paths if f"| `GET https://claude.ai{path}` |" not in PAGE} == set()


def test_every_bearer_request_is_on_the_page() -> None:
    """The same for the paths in the source code that a Claude Code login requests."""
    sources = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    paths = set(re.findall(r"/api/oauth/\w+", sources))
    assert len(paths) == 2
    assert {path for path in paths if f"| `GET https://api.anthropic.com{path}` |" not in PAGE} == set()

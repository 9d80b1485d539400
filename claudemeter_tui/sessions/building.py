"""The real ways to find and to read sessions; libraries are loaded where they are used, in threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from claudemeter_tui.model.reading import Session
from claudemeter_tui.polling import Source
from claudemeter_tui.sessions.ways import ClaudeCodeLogin, Connection, Looking, Ways
from claudemeter_tui.sources import browsers
from claudemeter_tui.sources.browsers import Look
from claudemeter_tui.sources.claude_code import credentials
from claudemeter_tui.sources.claude_code.credentials import Found
from claudemeter_tui.sources.cookies import Cookies
from claudemeter_tui.sources.origin import CLAUDE_AI, is_loopback


@dataclass(frozen=True, slots=True)
class Machine:
    """The person's machine, or one made for a test."""

    home: Path | None = None
    """The home folder below which everything is. None: where this person's system has it."""
    state: Path | None = None
    """Where the budget of Claude Code's login is kept. None: that login is not used."""
    system: str = sys.platform
    """As `sys.platform` names it."""


def ways(
    machine: Machine,
    now: Callable[[], datetime],
    *,
    base_url: str = CLAUDE_AI,
    source: str = "auto",
    wanted: Collection[str] = (),
    given: tuple[Session, Cookies] | None = None,
) -> Ways:
    """The ways that the settings leave open.

    Args:
        machine: where to look.
        now: the clock.
        base_url: what stands for claude.ai; where it is this machine, it stands for Anthropic's too.
        source: `auto`, `cookie` or `claude-code`.
        wanted: browsers and profiles, as in `--browser`; empty means all.
        given: a session given by hand, which then is the only one.
    """
    looks = source != "claude-code" and given is None
    logs_in = source != "cookie" and given is None and machine.state is not None
    return Ways(
        connect=partial(_connection, base_url, now),
        look=_looking(machine) if looks else None,
        wanted=tuple(wanted) if looks else (),
        searched=browsers.searched(machine.system, os.environ if machine.home is None else {}),
        claude_code=_claude_code(machine, machine.state, base_url, now)
        if logs_in and machine.state
        else None,
        given=given,
        system=machine.system,
    )


def _connection(
    base_url: str, now: Callable[[], datetime], session: Session, cookies: Cookies, agent: str | None
) -> Connection:
    """A client of its own for a session. Slow: it loads the libraries and builds the TLS context."""
    from claudemeter_tui.sources.claude_ai.client import Client  # noqa: PLC0415 - loads httpx
    from claudemeter_tui.sources.claude_ai.source import ClaudeAi  # noqa: PLC0415 - loads pydantic

    client = Client(cookies, base_url=base_url, user_agent=agent, now=now)
    return Connection(ClaudeAi(session, client, now), client.use, lambda: client.cookies)


def _looking(machine: Machine) -> Looking:
    async def look(wanted: Collection[str], tell: Callable[[Look], None]) -> tuple[Look, ...]:
        return await browsers.look(wanted, home=machine.home, system=machine.system, tell=tell)

    return look


def _claude_code(
    machine: Machine, state: Path, base_url: str, now: Callable[[], datetime]
) -> ClaudeCodeLogin:
    environment = os.environ if machine.home is None else {}

    def find() -> Found:
        home = machine.home or Path.home()
        return credentials.find(home=home, now=now(), system=machine.system, environment=environment)

    def connect() -> Source:
        from claudemeter_tui.sources.claude_code.bearer import ANTHROPIC, BearerClient  # noqa: PLC0415
        from claudemeter_tui.sources.claude_code.budget import Budget  # noqa: PLC0415 - loads with httpx
        from claudemeter_tui.sources.claude_code.source import ClaudeCode  # noqa: PLC0415

        here = is_loopback(urlsplit(base_url).hostname or "")
        client = BearerClient(base_url=base_url if here else ANTHROPIC, now=now)
        return ClaudeCode(find, client, Budget(state, now), now)

    return ClaudeCodeLogin(find, connect)

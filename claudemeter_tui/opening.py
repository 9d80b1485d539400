"""What is polled: the simulated claude.ai, or the real one through a session."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from claudemeter_tui.config import Settings
from claudemeter_tui.model.reading import Session
from claudemeter_tui.polling import Clock, NoSessionError, Poller, Source, WallClock
from claudemeter_tui.sources.cookies import Cookies


def clock(chosen: Settings, *, skipping: bool = False) -> Clock:
    """The clock to run by; a demo's is fast, and a skipping one does not wait at all."""
    if not chosen.demo:
        return WallClock()
    from claudemeter_tui.sources.demo.clock import DemoClock, SkippingClock  # noqa: PLC0415 - demo only

    start = datetime.now(UTC)
    return SkippingClock(start) if skipping else DemoClock(start)


def poller(chosen: Settings, clock: Clock) -> Poller:
    """What polls, by that clock."""
    opening = _open_demo if chosen.demo else _open
    return Poller(lambda: opening(chosen, clock), interval=chosen.interval, clock=clock)


async def _open_demo(chosen: Settings, clock: Clock) -> Source:
    """The simulated claude.ai, behind the real client."""
    await asyncio.to_thread(import_module, "claudemeter_tui.sources.demo")
    from claudemeter_tui.sources import demo  # noqa: PLC0415 - just loaded, in a thread

    transport = demo.transport(clock.now, clock.now())
    session, none = Session("simulated"), Cookies([])
    return await asyncio.to_thread(_source, session, none, chosen, clock, transport=transport)


async def _open(chosen: Settings, clock: Clock) -> Source:
    """claude.ai, with the cookies given by hand or those of the first browser that has a session."""
    session, cookies, agent = Session(chosen.cookies_from), chosen.cookies, None
    if cookies is None:
        session, cookies, agent = await _first_session(chosen)
    return await asyncio.to_thread(_source, session, cookies, chosen, clock, user_agent=agent)


async def _first_session(chosen: Settings) -> tuple[Session, Cookies, str | None]:
    browsers = await asyncio.to_thread(import_module, "claudemeter_tui.sources.browsers")
    looks = await browsers.look(chosen.browsers)
    for look in looks:
        if look.cookies is not None:
            return look.session, look.cookies, look.user_agent
    raise NoSessionError("; ".join(f"{look.session.label}: {look.outcome}" for look in looks))


def _source(
    session: Session,
    cookies: Cookies,
    chosen: Settings,
    clock: Clock,
    *,
    transport: Any = None,
    user_agent: str | None = None,
) -> Source:
    """A source for one session. Slow: it loads the libraries and builds the TLS context."""
    from claudemeter_tui.sources.claude_ai.client import Client  # noqa: PLC0415 - loads httpx
    from claudemeter_tui.sources.claude_ai.source import ClaudeAi  # noqa: PLC0415 - loads pydantic

    client = Client(
        cookies, base_url=chosen.base_url, user_agent=user_agent, now=clock.now, transport=transport
    )
    return ClaudeAi(session, client, clock.now)

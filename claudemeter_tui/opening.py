"""What is polled: the simulated claude.ai, or the real one through a session."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from claudemeter_tui.config import Settings
from claudemeter_tui.deferred import Deferred
from claudemeter_tui.folders import state_folder
from claudemeter_tui.model.reading import Session
from claudemeter_tui.polling import Clock, Poller, Source, WallClock
from claudemeter_tui.sources.cookies import Cookies

if TYPE_CHECKING:  # both load half of the program
    from claudemeter_tui.sessions import FrontDoor, Ways


def clock(chosen: Settings, *, skipping: bool = False) -> Clock:
    """The clock to run by; a demo's is fast, and a skipping one does not wait at all."""
    if not chosen.demo:
        return WallClock()
    from claudemeter_tui.sources.demo.clock import DemoClock, SkippingClock  # noqa: PLC0415 - demo only

    start = datetime.now(UTC)
    return SkippingClock(start) if skipping else DemoClock(start)


def feed(chosen: Settings, clock: Clock) -> Poller | Deferred:
    """What reads, by that clock: the demo's one session, or all that the front door finds."""
    if chosen.demo:
        return Poller(lambda: _open_demo(chosen, clock), interval=chosen.interval, clock=clock)

    def build() -> FrontDoor:
        from claudemeter_tui.sessions import FrontDoor  # noqa: PLC0415 - loads half of the program

        return FrontDoor(ways(chosen, clock), interval=chosen.interval, clock=clock)

    return Deferred(build)


def ways(chosen: Settings, clock: Clock) -> Ways:
    """The ways to a session that the settings leave open. Slow: it loads half of the program."""
    from claudemeter_tui.sessions import building  # noqa: PLC0415 - loads half of the program

    given = (Session(chosen.cookies_from), chosen.cookies) if chosen.cookies is not None else None
    return building.ways(
        building.Machine(state=state_folder()),
        clock.now,
        base_url=chosen.base_url,
        source=chosen.source,
        wanted=chosen.browsers,
        given=given,
    )


async def _open_demo(chosen: Settings, clock: Clock) -> Source:
    """The simulated claude.ai, behind the real client."""
    await asyncio.to_thread(import_module, "claudemeter_tui.sources.demo.server")
    from claudemeter_tui.sources import demo  # noqa: PLC0415 - demo only

    transport = demo.transport(clock.now, clock.now())
    return await asyncio.to_thread(_source, chosen, clock, transport)


def _source(chosen: Settings, clock: Clock, transport: Any) -> Source:
    """A source for the demo's session. Slow: it loads the libraries."""
    from claudemeter_tui.sources.claude_ai.client import Client  # noqa: PLC0415 - loads httpx
    from claudemeter_tui.sources.claude_ai.source import ClaudeAi  # noqa: PLC0415 - loads pydantic

    client = Client(Cookies([]), base_url=chosen.base_url, now=clock.now, transport=transport)
    return ClaudeAi(Session("simulated"), client, clock.now)

"""What is polled: the simulated claude.ai, or the real one through a session."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claudemeter_tui.clock import Clock, WallClock
from claudemeter_tui.config import Settings
from claudemeter_tui.deferred import Deferred
from claudemeter_tui.feed import Feed
from claudemeter_tui.folders import state_folder

if TYPE_CHECKING:  # each loads half of the program
    from claudemeter_tui.polling import Source
    from claudemeter_tui.sessions import Ways


def clock(chosen: Settings, *, skipping: bool = False) -> Clock:
    """The clock to run by; a demo's is fast, and a skipping one does not wait at all."""
    if not chosen.demo:
        return WallClock()
    from claudemeter_tui.sources.demo.clock import DemoClock, SkippingClock

    start = datetime.now(UTC)
    return SkippingClock(start) if skipping else DemoClock(start)


def feed(chosen: Settings, clock: Clock) -> Deferred:
    """What reads, by that clock: the demo's one session, or all that the front door finds."""
    return Deferred(lambda: _demo(chosen, clock) if chosen.demo else _front_door(chosen, clock))


def _demo(chosen: Settings, clock: Clock) -> Feed:
    from claudemeter_tui.polling import Poller

    return Poller(lambda: _open_demo(chosen, clock), interval=chosen.interval, clock=clock)


def _front_door(chosen: Settings, clock: Clock) -> Feed:
    from claudemeter_tui.sessions import FrontDoor

    return FrontDoor(ways(chosen, clock), interval=chosen.interval, clock=clock)


def ways(chosen: Settings, clock: Clock) -> Ways:
    """The ways to a session that the settings leave open. Slow: it loads half of the program."""
    from claudemeter_tui.model.reading import Session
    from claudemeter_tui.sessions import building

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
    return await asyncio.to_thread(_simulated, chosen, clock)


def _simulated(chosen: Settings, clock: Clock) -> Source:
    """Slow: it loads the libraries."""
    from claudemeter_tui.model.reading import Session
    from claudemeter_tui.sources.claude_ai.client import Client
    from claudemeter_tui.sources.claude_ai.source import ClaudeAi
    from claudemeter_tui.sources.cookies import Cookies
    from claudemeter_tui.sources.demo.server import transport

    simulated = transport(clock.now, clock.now())
    client = Client(Cookies([]), base_url=chosen.base_url, now=clock.now, transport=simulated)
    return ClaudeAi(Session("simulated"), client, clock.now)

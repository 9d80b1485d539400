"""Run the dashboard without a terminal over the demo and print its resident memory in bytes.

    python -m tests.bench.resident 60 43200   after so many polls, a minute of the demo apart
    python -m tests.bench.resident 0          of an empty app

Every reading is kept in the archive of the data folder: set XDG_DATA_HOME.
The module imports as little as it can, because its imports count.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from claudemeter_tui.clock import Clock
    from claudemeter_tui.history.recorder import Recorder
    from claudemeter_tui.model.reading import Reading
    from claudemeter_tui.sessions.poller import SessionSource


SIZE = (120, 36)


def resident() -> int:
    """Return the bytes of this process in memory now; Linux only."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib counts
        return int(file.read().split()[1]) * resource.getpagesize()


async def empty() -> None:
    """Measure an app without content."""
    app = App[None]()

    async def look(pilot: Any) -> None:
        await pilot.pause(0.2)
        print(resident())
        app.exit()

    await app.run_async(headless=True, size=SIZE, auto_pilot=look)


class Looked:
    """A feed that measures the memory after some polls, and ends after the last of them."""

    def __init__(self, feed: Any, polls: list[int]) -> None:
        self._feed, self._polls, self._count = feed, polls, 0
        self.over = asyncio.Event()

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until the last poll."""

        def count(reading: Reading) -> None:
            post(reading)
            self._count += reading.schedule is not None
            if reading.schedule is not None and self._count in self._polls[:-1]:
                print(resident())
            if self._count >= self._polls[-1]:
                self.over.set()
                running.cancel()

        running = asyncio.ensure_future(self._feed.run(count))
        await asyncio.wait((running,))

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Read everything once."""
        await self._feed.poll_once(post)

    def poll_now(self) -> None:
        """Ignore the request."""


async def opened(clock: Clock) -> SessionSource:
    """Return the demo behind the real client."""
    from claudemeter_tui.claude_ai.api import ClaudeAiSource  # noqa: PLC0415
    from claudemeter_tui.claude_ai.client import CookieClient  # noqa: PLC0415
    from claudemeter_tui.demo import server as demo  # noqa: PLC0415
    from claudemeter_tui.model.reading import Session  # noqa: PLC0415
    from claudemeter_tui.model.secrets import Cookies  # noqa: PLC0415

    client = CookieClient(Cookies([]), now=clock.now, transport=demo.build_transport(clock.now, clock.now()))
    return ClaudeAiSource(Session("simulated"), client, clock.now)


async def polled(polls: list[int]) -> None:
    """Measure the dashboard over the demo, without waiting between minutes."""
    from claudemeter_tui import wiring  # noqa: PLC0415
    from claudemeter_tui.config.resolution import Invocation  # noqa: PLC0415
    from claudemeter_tui.demo.timeline import SkippingClock  # noqa: PLC0415
    from claudemeter_tui.sessions.poller import Poller  # noqa: PLC0415
    from claudemeter_tui.tui.app import Claudemeter  # noqa: PLC0415

    class PatientClock(SkippingClock):
        """A clock on which no poll begins before the last one is being written."""

        recorder: Recorder | None = None

        async def sleep(self, seconds: float) -> None:
            """Advance once the recorder has looked at every reading."""
            while self.recorder is not None and not self.recorder._queue.empty():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await super().sleep(seconds)

    def build_recorder() -> Recorder:
        clock.recorder = wiring.build_recorder(Invocation(), clock)
        return clock.recorder

    clock = PatientClock(datetime.now(UTC))
    poller = Poller(lambda: opened(clock), clock=clock)
    feed = Looked(wiring.DeferredFeed(lambda: poller, build_recorder), polls)
    app = Claudemeter(feed, now=clock.now)

    async def look(pilot: Any) -> None:
        await feed.over.wait()
        await pilot.pause(0.2)
        print(resident())
        app.exit()

    await app.run_async(headless=True, size=SIZE, auto_pilot=look)


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    asyncio.run(polled(numbers) if any(numbers) else empty())

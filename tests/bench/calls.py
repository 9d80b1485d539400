"""The Python calls of one key: a figure that no other program on the machine can make worse."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from types import FrameType

import claudemeter_tui
from claudemeter_tui.tui.app import Claudemeter, Options
from tests.bench.table import Line
from tests.golden.scenes import Scene, scenes
from tests.tui.app_harness import Stage

PACKAGE = f"{Path(claudemeter_tui.__file__).parent}/"
MAX_CALLS = 4_000
"""Calls of functions of this package that one press may make."""
SIZE = (120, 36)
SCENE = "demo_0045"
"""The six orgs of the demo after 45 minutes, when there is something to plot of each."""
Calls = Counter[str]
"""Number of calls of each function, by its name."""


@contextmanager
def count_calls() -> Iterator[Calls]:
    """Count the calls of this package's functions meanwhile; a generator counts each time it is resumed."""
    calls: Calls = Counter()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls[frame.f_code.co_qualname] += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def press_through_orgs(rounds: int = 1) -> list[Calls]:
    """Return the calls of each press of → that leads from org to org, until the first one is there again."""
    return asyncio.run(_press(next(scene for scene in scenes() if scene.name == SCENE), rounds))


async def _press(scene: Scene, rounds: int) -> list[Calls]:
    stage = Stage(scene.readings, scene.now)
    app, found = Claudemeter(stage, now=lambda: stage.now, options=Options(zone=UTC)), []
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.pause()
        for _ in range(rounds * len(app.store.orgs)):
            with count_calls() as calls:
                await pilot.press("right")
                await pilot.pause()
            found.append(calls)
    return found


def calls() -> Line:
    """The press with the most calls, over the six orgs of the demo."""
    most = max(press.total() for press in press_through_orgs())
    return Line("Python calls of one → press, 6 orgs", f"{most}", f"at most {MAX_CALLS}", most <= MAX_CALLS)

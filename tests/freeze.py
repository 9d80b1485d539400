"""Write every picture of every scene into a folder: `python -m tests.freeze before`.

Two runs of the same code write the same bytes. So `diff -r before after` shows the effect of a code
change, such as a move or a new name, on the screen. Beside each SVG is its text. With CAPTURED_BODIES
set the captured bodies are among the scenes, in the texts of the commands, too.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot
from textual.widgets import Input

from claudemeter_tui.charts.axes import ChartFrame
from claudemeter_tui.charts.canvas import ChartLine
from claudemeter_tui.charts.chart import build_credits_chart, build_windows_chart
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.tui.app import Claudemeter, Options
from claudemeter_tui.tui.widgets.status_line import InlineToast
from tests.golden.copies import copies
from tests.golden.scenes import Scene, captured_scenes, scenes
from tests.golden.texts import headed, of_scene
from tests.tui.app_harness import Stage, text
from tests.tui.conftest import FRAME, quiet

Size = tuple[int, int]
SIZES: Sequence[Size] = ((120, 36), (100, 30), (80, 24), (60, 20), (40, 8))
LINE: Size = (120, 1)
LARGE: Size = (200, 50)
"""For the dashboard alone."""
OVER = ("escape",)
SCREENS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dashboard": ((), ()),
    "overview": (("o",), OVER),
    "details": (("d",), OVER),
    "events": (("e",), OVER),
    "help": (("question_mark",), OVER),
    "confirm": (("S",), OVER),
    "private": (("p",), ("p",)),
    "windows": (("w",), ()),
}
"""The keys that lead from the dashboard to each screen, and those that lead back."""
SCREENS_OF_CONNECT: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "connect": ((), ()),
    "help": (("question_mark",), OVER),
    "pasting": (("p",), OVER),
}
"""The same for the connect screen."""
IN_ONE_LINE = {name: SCREENS[name] for name in ("dashboard", "details", "private")}
"""The same in a pane of one line, where keys open nothing."""
DEEPER: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "details_end": (("d", "end"), OVER),
    "details_usage": (("d", "right", "right"), OVER),
    "details_last": (("d", "left"), OVER),
    "details_found": (("d", "slash", "u", "s", "e", "enter"), ("escape", "escape")),
    "events_end": (("e", "end"), OVER),
    "help_end": (("question_mark", "end"), OVER),
    "overview_end": (("o", "end"), OVER),
    "overview_found": (("o", "slash", "p", "e", "enter"), ("escape", "escape")),
    "no_such_org": (("9",), ()),
    "second_org": (("2",), ()),
    "second_org_windows": (("w",), ("escape",)),
    "longest": (("plus",), ()),
    "copied": (("d", "down", "y"), OVER),
    "without_place": (("d", "enter"), OVER),
    "nothing_found": (("o", "slash", "z", "z", "z"), ("escape", "escape")),
    "nothing_found_in_details": (("d", "slash", "z", "z", "z", "enter"), ("escape", "escape")),
    "private_confirm": (("p", "S"), ("escape", "p")),
    "refreshed": (("r",), ()),
    "shorter": (("minus", "minus"), ("plus", "plus")),
    "private_details": (("p", "d"), ("escape", "p")),
    "palette": (("ctrl+p",), OVER),
    "themes": (("t",), OVER),
}
"""Keys to places within the screens, for the scenes of `FAMOUS` only, one after the other."""
LOOKS: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "light": {"theme": "claudemeter-light"},
    "ascii": {"ascii": True},
    "no_colour": {},
    "sixteen": {},
    "nord": {"theme": "nord"},
    "note": {"note": "demo · 60x speed"},
}
SURROUNDINGS: Mapping[str, Mapping[str, str]] = {
    "no_colour": {"NO_COLOR": "1"},
    "sixteen": {"TERM": "xterm", "COLORTERM": ""},
}
"""Environment variables of each look."""
FAMOUS = (
    "trio",
    "story",
    "afternoon",
    "two_sessions",
    "planted",
    "demo_0045",
    "spending",
    "throttled_later",
    "claude_code",
)
"""Scenes with pictures of the places in `DEEPER`."""
COLOURFUL = ("trio", "afternoon", "planted", "no_session")
"""Scenes with pictures in every look."""
MINOR = re.compile(r"demo_|_at_first|_later|_unknown|_free|every_|_stale|_for_long")
"""Scenes that differ little from others, with pictures at two of the usual sizes."""
CHARTS = ((24, 4), (60, 8), (110, 12), (180, 30))
"""Columns and lines of the charts without a screen."""
SPANS = (None, timedelta(minutes=30), timedelta(hours=6))
"""Time spans of the charts. None for the whole run."""
ID = re.compile(r"\bterminal-\d+-")
"""A number that Rich derives from the content."""
PROCESSES = 2 * (os.cpu_count() or 1)
"""Number of processes; half of the time each waits for the next frame."""
MOST_TURNS = 100
"""Turns of the loop within which a reading reaches the store."""


@dataclass(frozen=True)
class Sitting:
    """One run of the dashboard, with pictures of one screen after the other."""

    scene: Scene
    size: Size
    look: str = "plain"
    screens: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=lambda: SCREENS)

    @property
    def name(self) -> str:
        """Return the folder of its pictures."""
        return f"{self.scene.name}/{self.look}-{self.size[0]}x{self.size[1]}"


def sittings(found: Sequence[Scene]) -> Iterator[Sitting]:
    """Yield every sitting over these scenes."""
    dashboard = {"dashboard": SCREENS["dashboard"]}
    for scene in found:
        shown = SCREENS_OF_CONNECT if scene.name == "no_session" else SCREENS
        for size in SIZES[::3] if MINOR.search(scene.name) else SIZES:
            yield Sitting(scene, size, screens=shown)
        yield Sitting(scene, LINE, screens=shown if shown is SCREENS_OF_CONNECT else IN_ONE_LINE)
        yield Sitting(scene, LARGE, screens=dashboard)
        if scene.name in COLOURFUL:
            looks = [look for look in LOOKS if look != "plain"]
            yield from (Sitting(scene, size, look, shown) for look in looks for size in (SIZES[0], SIZES[3]))
        if scene.name in FAMOUS:
            yield from (Sitting(scene, size, "deeper", DEEPER) for size in SIZES[::2])


def write_sitting(folder: Path, sitting: Sitting) -> int:
    """Write the pictures of a sitting and return their number."""
    place = folder / "pictures" / sitting.name
    place.mkdir(parents=True)
    with _surroundings(sitting.look):
        pictures = asyncio.run(_pictures(sitting))
    for name, (svg, shown) in pictures.items():
        (place / f"{name}.svg").write_bytes(svg.encode("utf-8", "surrogateescape"))
        (place / f"{name}.txt").write_bytes(f"{shown}\n".encode("utf-8", "surrogateescape"))
    return len(pictures)


async def _pictures(sitting: Sitting) -> dict[str, tuple[str, str]]:
    """Write each screen as an SVG and as text, after the readings at their own times."""
    scene = sitting.scene
    stage = Stage((), scene.readings[0].at)
    options = Options(zone=UTC, **LOOKS.get(sitting.look, {}))
    app = Claudemeter(stage, now=lambda: stage.now, options=options)
    app.animation_level = "none"  # a screen that still scrolls looks different each time
    found: dict[str, tuple[str, str]] = {}
    async with app.run_test(size=sitting.size) as pilot:
        await pilot.pause()
        for reading in scene.readings:
            await _post(stage, app, reading)
        await pilot.pause()
        await stage.at(pilot, scene.now)
        for name, (there, back) in sitting.screens.items():
            await _press(pilot, there)
            for field_ in app.screen.query(Input):
                field_.cursor_blink = False
            await _still(pilot)
            svg = app.export_screenshot(title="claudemeter-tui", simplify=True)
            found[name] = ID.sub("terminal-", svg), text(pilot)
            app.clear_notifications()
            await app.screen.query(InlineToast).remove()
            await _press(pilot, back)
    return found


async def _post(stage: Stage, app: Claudemeter, reading: Reading) -> None:
    """Post a reading and wait until the store has it; drawing can wait."""
    stage.now, before = reading.at, app.store
    stage._post(reading)
    for _ in range(MOST_TURNS):
        if app.store is not before:
            return
        await asyncio.sleep(0)


async def _press(pilot: Pilot[Any], keys: Sequence[str]) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def _still(pilot: Pilot[Any]) -> None:
    """Wait until the screen looks the same twice, some frames apart: Textual delays scrolling."""
    before = ""
    for _ in range(MOST_TURNS):
        await asyncio.sleep(3 * FRAME)
        await pilot.pause()
        shown, before = before, text(pilot)
        if shown == before:
            return


@contextmanager
def _surroundings(look: str) -> Iterator[None]:
    """Return the environment of one look, with quick waits."""
    changed = SURROUNDINGS.get(look, {})
    with (
        patch.dict(os.environ, changed),
        patch("textual.pilot.wait_for_idle", quiet),
        patch("textual.app.wait_for_idle", quiet),
    ):
        yield


def write_charts(folder: Path, scene: Scene) -> int:
    """Write every chart of every org of a scene and return their number."""
    drawn = dict(_charts(scene))
    if drawn:
        place = folder / "charts" / f"{scene.name}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(headed(drawn.items()), "utf-8")
    return len(drawn)


def _charts(scene: Scene) -> Iterator[tuple[str, str]]:
    for number, state in enumerate(scene.store.orgs, 1):
        events = [event for event in scene.events if event.org_key == state.key]
        cap = state.credits.lead_meter.cap if state.credits.lead_meter is not None else None
        for (width, height), span, plain in itertools.product(CHARTS, SPANS, (False, True)):
            frame = ChartFrame(scene.now, width, height, span, UTC, ascii_only=plain)
            both = {
                "credits": build_credits_chart(state.series, frame, cap=cap, events=events),
                "windows": build_windows_chart(state.histories, frame, events=events),
            }
            for name, chart in both.items():
                if chart is not None:
                    head = f"org {number} {name} {width}x{height} {span} {'ASCII' if plain else ''}".rstrip()
                    yield head, "\n".join(_inked(line) for line in chart.lines)


def _inked(line: ChartLine) -> str:
    """Return a line of a chart, then its pieces with their ink."""
    return "".join(piece for piece, _ in line) + "  " + " ".join(f"{len(piece)}{ink}" for piece, ink in line)


def write_texts(folder: Path, more: Sequence[Scene]) -> int:
    """Write every text of the golden copies and of more scenes, and return their number."""
    made = dict(copies())
    made |= {f"captured-{scene.name}": partial(of_scene, scene) for scene in more}
    place = folder / "texts"
    place.mkdir()
    for name, text_of in made.items():
        (place / f"{name}.txt").write_bytes(text_of().encode("utf-8", "surrogateescape"))
    return len(made)


def _settle_in() -> None:
    """Set up the same environment as the tests."""
    for name in [name for name in os.environ if name.startswith(("CLAUDE", "TEXTUAL", "XDG_", "LC_"))]:
        del os.environ[name]
    for name in ("NO_COLOR", "COLUMNS", "LINES", "LANG", "TERM_PROGRAM", "TMUX", "FORCE_COLOR"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC"}
    time.tzset()


def main(arguments: Sequence[str]) -> int:
    """Write everything into the folder that is named first, which must not exist yet.

    Names of scenes may follow; then only their pictures and charts are written, beside all texts.
    """
    if not arguments or arguments[0].startswith("-"):
        print("usage: python -m tests.freeze FOLDER [SCENE ...]", file=sys.stderr)
        return 2
    folder, wanted = Path(arguments[0]).resolve(), arguments[1:]
    if folder.exists():
        print(f"{folder} exists already", file=sys.stderr)
        return 2
    captured = captured_scenes()
    _settle_in()
    with TemporaryDirectory() as home:
        os.environ["HOME"] = home
        everyone = (*scenes(), *(replace(one, name=f"captured_{one.name}") for one in captured))
        chosen = [scene for scene in everyone if not wanted or scene.name in wanted]
        folder.mkdir(parents=True)
        texts = write_texts(folder, captured)
        charts = sum(write_charts(folder, scene) for scene in chosen)
        with ProcessPoolExecutor(PROCESSES, get_context("fork")) as pool:
            pictures = sum(pool.map(partial(write_sitting, folder), sittings(chosen)))
    print(f"{texts} texts, {charts} charts and {pictures} pictures in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

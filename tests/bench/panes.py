"""Delays that a person notices, and the cost of an open pane: measured on real programs in a pty."""

from __future__ import annotations

import time
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tests.bench.pane import Pane, watch
from tests.bench.table import PAIRS, Line, Pair, compared, in_turn, milliseconds, ratio

EMPTY = ("-c", "from textual.app import App\nApp().run()")
OURS = ("-c", "from claudemeter_tui.cli import main\nraise SystemExit(main(['--demo']))")
PROGRAM = ("-c", "from claudemeter_tui.cli import main\nraise SystemExit(main([]))")
"""Ours with the session and the server of `with_archive`."""
ORIGIN = "http://127.0.0.1:9"
"""A server that refuses every connection."""
LEFT_OPEN = ("-m", "tests.bench.idle")
PAINTED = b"48;2;"
"""Escape sequence of a background of the theme; the first one belongs to the first frame."""
SETTLED = 5.0
"""Seconds after the first frame in which a program still starts."""
WATCHED = 20.0
"""Seconds of idling; the next poll is due after 60."""
RIGHT = "\x1b[C"
PAGE = (
    "-c",
    """
from textual.app import App
from textual.widgets import Static

class Page(App):
    count = 0

    def compose(self):
        yield Static()

    def on_key(self):
        self.count += 1
        self.query_one(Static).update(f"{self.count:06} " * 600)

Page().run()
""",
)
"""Program that fills the screen with a new number at any key: the minimum for a screen of text."""


def with_archive(folder: str, origin: str) -> dict[str, str]:
    """Return the variables of a program with a session on this server and an archive in this folder."""
    return {
        "HOME": folder,
        "XDG_DATA_HOME": folder,
        "XDG_STATE_HOME": folder,
        "CLAUDEMETER_BASE_URL": origin,
        "CLAUDEMETER_COOKIE": "sessionKey=none",
    }


def frame(pairs: int = PAIRS) -> Line:
    """Measure the time from exec to the first painted frame, against an empty Textual app."""
    _painted(OURS), _painted(EMPTY)  # By now everything is compiled and in the page cache.
    found = in_turn(lambda: _painted(OURS), lambda: _painted(EMPTY), pairs)
    return compared("time to the first painted frame", found, 1.15, milliseconds)


def _painted(program: tuple[str, ...]) -> float:
    with Pane(*program) as pane:
        pane.until(PAINTED)
        return time.perf_counter() - pane.began


def idle(pairs: int = PAIRS, settled: float = SETTLED, watched: float = WATCHED) -> Line:
    """Measure processor time while idle without a poll, against the empty app, both at the same time.

    Ours is the whole program over a server on loopback; it records, and holds the lease of the account.
    """
    found = [_idle(number, settled, watched) for number in range(pairs)]
    ours, empty = (median(side) for side in zip(*found, strict=True))
    times = ratio(found)
    is_met = times <= 2.2 and ours < 0.005
    return Line(
        "processor use when idle, no poll due",
        f"{ours:.2%}",
        "at most 2.2 times, below 0.5%",
        is_met,
        f"{empty:.2%}",
        times,
    )


def _idle(number: int, settled: float, watched: float) -> Pair:
    """Measure the share of a core of both apps, each on its own core, and yield pairs."""
    from tests.bench.orgs import used  # noqa: PLC0415 - the other figures start without pydantic
    from tests.bench.poll_time import server  # noqa: PLC0415

    with (
        TemporaryDirectory() as folder,
        server() as url,
        Pane(*PROGRAM, **with_archive(folder, url)) as ours,
        Pane(*EMPTY) as empty,
    ):
        ours.pin(number)
        empty.pin(number + 1)
        ours.until(used(0).encode())
        watch((ours, empty), settled)
        began, before = time.perf_counter(), (ours.processor, empty.processor)
        watch((ours, empty), watched)
        after, took = (ours.processor, empty.processor), time.perf_counter() - began
    return (after[0] - before[0]) / took, (after[1] - before[1]) / took


def key(presses: int = 200, orgs: int = 100) -> Line:
    """Measure p95 from a key to the org on screen with amounts and charts; every org has a week of samples.

    The yardstick is an app that shows only a screen of text, measured in turn.
    """
    with (
        TemporaryDirectory() as folder,
        Pane(*LEFT_OPEN, str(orgs), **with_archive(folder, ORIGIN)) as ours,
        Pane(*PAGE) as page,
    ):
        ours.until(_amount(0))
        watch((ours, page), 2)
        found = [
            (_pressed(ours, _amount(number % orgs)), _pressed(page, b"%06d" % number))
            for number in range(1, presses + 1)
        ]
    p95, least = (quantiles(side, n=20, method="inclusive")[-1] for side in zip(*found, strict=True))
    figure = f"key press to repainted org, {orgs} orgs, p95"
    return Line(figure, milliseconds(p95), "at most 30 ms", p95 <= 0.03, milliseconds(least), ratio(found))


def _pressed(pane: Pane, mark: bytes) -> float:
    """Return the seconds until a key brings this mark to the screen."""
    began = time.perf_counter()
    pane.send(RIGHT)
    pane.until(mark)
    took = time.perf_counter() - began
    watch((pane,), 0.05)
    return took


def _amount(org: int) -> bytes:
    """Return the text that only this org shows, in the credits panel and above its chart."""
    from tests.bench.orgs import used  # noqa: PLC0415 - the other figures start without pydantic

    return used(org).encode()

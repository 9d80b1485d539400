"""Every figure of the benchmark can be measured; no test judges its size."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest

from tests.bench import (
    archive,
    calls,
    fold_time,
    history_time,
    line_time,
    memory,
    panes,
    poll_time,
    restored,
    scrape_time,
    transcripts,
)
from tests.bench.__main__ import FIGURES, main
from tests.bench.table import Line, compared, in_turn, limited, milliseconds, ratio
from tests.ccusage import MissingError

TINY: dict[str, Callable[[], Line]] = {
    "frame": partial(panes.frame, 1),
    "restored": partial(restored.restored, 1),
    "memory": partial(memory.memory, 1, 2),
    "month": partial(memory.month, (1, 3)),
    "idle": partial(panes.idle, 1, 0.0, 6.0),  # long enough for a tick
    "key": partial(panes.key, 2, 3),
    "calls": calls.calls,
    "poll": partial(poll_time.poll, 1, 2, 0.001),
    "once": partial(poll_time.once, 1),
    "line": partial(line_time.line, 1),
    "statusline": partial(line_time.statusline, 1),
    "fold": partial(fold_time.fold, 1, 2),
    "judge": partial(fold_time.judge, 1, 2),
    "scrape": partial(scrape_time.scrape, 1, 2),
    "append": partial(archive.append, 1, 2),
    "size": partial(archive.size, 1),
    "chart": partial(history_time.chart, 1),
    "calendar": partial(history_time.calendar, 1),
    "unchanged": partial(transcripts.unchanged, 1, 3, 100_000),
    "reader": partial(transcripts.reader, 1, 3, 100_000),
    "transcripts": partial(transcripts.transcripts, 1, 12, 3 << 20),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_measured(name: str) -> None:
    """A figure's line has a name, a value above zero and a target."""
    try:
        line = TINY[name]()
    except MissingError as error:
        pytest.skip(f"its yardstick is not there: {error}")
    value = re.match(r"[0-9.]+", line.ours)
    assert value is not None
    assert float(value[0]) > 0
    assert line.figure
    assert line.target


def test_ratio_is_the_median_of_the_pairs() -> None:
    """One pair that another program slowed down does not decide the ratio."""
    assert ratio([(3.0, 2.0), (90.0, 2.0), (2.0, 2.0)]) == 1.5


@pytest.mark.parametrize(("most", "shown"), [(1.5, "ok"), (1.4, "OVER")])
def test_target_of_a_ratio_may_just_be_met(most: float, shown: str) -> None:
    """A figure that equals its allowed multiple of the yardstick is ok."""
    assert compared("x", [(3.0, 2.0)], most, milliseconds).shown().endswith(shown)


@pytest.mark.parametrize(("seconds", "shown"), [(0.02, "ok"), (0.021, "OVER")])
def test_target_of_a_limit_may_just_be_met(seconds: float, shown: str) -> None:
    """A figure that equals its limit is ok."""
    assert limited("x", [(seconds, 0.01)], 0.02, milliseconds).shown().endswith(shown)


def test_pairs_alternate() -> None:
    """Ours and the yardstick go first in turn."""
    order: list[str] = []

    def ours() -> float:
        order.append("ours")
        return float(len(order))

    def yardstick() -> float:
        order.append("yardstick")
        return float(len(order))

    assert in_turn(ours, yardstick, 2) == [(1.0, 2.0), (4.0, 3.0)]
    assert order == ["ours", "yardstick", "yardstick", "ours"]


def test_main_rejects_an_unknown_figure(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown figure is an error, and nothing is measured."""
    assert main(["speed"]) == 2
    assert ", ".join(FIGURES) in capsys.readouterr().err

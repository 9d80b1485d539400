"""Pairs of measurements, and the table of their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

PAIRS = 15
"""Number of pairs; fewer cannot separate a tenth from chance."""

Pair = tuple[float, float]
"""Measurements of ours and of the yardstick, in the same unit."""

_COLUMNS = "{:44} {:>12} {:>12} {:>7}  {:26} {}"
HEAD = _COLUMNS.format("figure", "ours", "yardstick", "ratio", "target", "")


@dataclass(frozen=True, slots=True)
class Line:
    """One figure beside its yardstick."""

    figure: str
    ours: str
    target: str
    is_met: bool
    yardstick: str = "-"
    ratio: float | None = None
    """Median of the pairs' ratios. None if the target is no ratio."""

    def shown(self) -> str:
        """Return the line of the table."""
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = "ok" if self.is_met else "OVER"
        return _COLUMNS.format(self.figure, self.ours, self.yardstick, ratio, self.target, verdict)


def in_turn(ours: Callable[[], float], yardstick: Callable[[], float], pairs: int) -> list[Pair]:
    """Measure so many pairs, ours first in every second one. Warm both up before."""
    found: list[Pair] = []
    for number in range(pairs):
        if number % 2:
            other, mine = yardstick(), ours()
        else:
            mine, other = ours(), yardstick()
        found.append((mine, other))
    return found


def ratio(pairs: Sequence[Pair]) -> float:
    """Return the median of the pairs' ratios."""
    return median(ours / yardstick for ours, yardstick in pairs)


def compared(figure: str, pairs: Sequence[Pair], most: float, form: Callable[[float], str]) -> Line:
    """Return the line of a figure that may be so many times its yardstick."""
    times = ratio(pairs)
    ours, yardstick = (form(median(side)) for side in zip(*pairs, strict=True))
    return Line(figure, ours, f"at most {most:g} times", times <= most, yardstick, times)


def limited(figure: str, pairs: Sequence[Pair], most: float, form: Callable[[float], str]) -> Line:
    """Return the line of a figure with its own limit; the yardstick only shows the machine's speed."""
    ours, yardstick = (median(side) for side in zip(*pairs, strict=True))
    return Line(figure, form(ours), f"at most {form(most)}", ours <= most, form(yardstick), ratio(pairs))


def milliseconds(seconds: float) -> str:
    """Format `187 ms`, with two digits if there are few."""
    return f"{1000 * seconds:.{0 if seconds >= 0.1 else 1}f} ms"

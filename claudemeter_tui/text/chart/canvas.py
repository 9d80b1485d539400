"""Dots as characters: plotext makes blocks of points, and its quirks end here.

Its figure is one for the whole process: draw from one thread only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from types import ModuleType

Dots = tuple[tuple[int, int, str], ...]
"""The dots of one column of cells: how far right in it and how far up, and the sign of each in ASCII."""


def canvas(columns: Sequence[Dots], rows: int, *, plain: bool) -> list[str]:
    """The columns as lines of characters, from top to bottom.

    A cell has two by two dots, in ASCII one. Columns that are alike, as most are, are drawn once.
    """
    unlike = {dots: place for place, dots in enumerate(dict.fromkeys(columns))}
    places = [unlike[dots] for dots in columns]
    return ["".join([line[place] for place in places]) for line in _drawn(tuple(unlike), rows, plain=plain)]


@lru_cache(maxsize=4)
def _drawn(columns: tuple[Dots, ...], rows: int, *, plain: bool) -> tuple[str, ...]:
    """Remembered: from one minute to the next hardly ever a column comes that was not there."""
    figure, fine = _figure(), 1 if plain else 2
    width = len(columns) + 1  # it divides by the width less one
    dots = [(place * fine + x, y, sign) for place, column in enumerate(columns) for x, y, sign in column]
    figure.clear_data()
    figure.plot_size(width, rows)
    figure.xlim(0, width * fine - 1)
    figure.ylim(0, rows * fine - 1)
    x, y, signs = zip(*dots, strict=True) if dots else ((), (), ())
    figure.scatter(x, y, marker=list(signs) if plain else "hd")
    drawn = str(figure.uncolorize(figure.build())).splitlines()
    return tuple(line.ljust(width) for line in drawn[:rows])


@cache
def _figure() -> ModuleType:
    """The library with its one figure, without axes and colours."""
    import plotext  # noqa: PLC0415 - the first frame does not wait for it

    plotext.clear_figure()
    plotext.limit_size(False, False)  # after every clear of all, else the size is cut to the terminal's
    plotext.theme("clear")
    plotext.xaxes(False, False)
    plotext.yaxes(False, False)
    plotext.xfrequency(0)
    plotext.yfrequency(0)
    return plotext  # type: ignore[no-any-return]

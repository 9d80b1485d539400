"""Dots as characters: plotext makes blocks of points, and its quirks end here.

Its figure is one for the whole process: draw from one thread only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce
from operator import or_
from types import ModuleType

Dots = tuple[tuple[int, int, str], ...]
"""The dots of one column of cells: how far right in it and how far up, and the sign of each in ASCII."""


REMEMBERED = 512
"""Columns that are kept: more than two charts on a large screen have; beyond them all begins anew."""
_remembered: dict[tuple[int, int | str], str] = {}
"""What a column looks like, from top to bottom, by the height of its canvas and by its dots."""


def canvas(columns: Sequence[Dots], rows: int, *, plain: bool) -> list[str]:
    """The columns as lines of characters, from top to bottom.

    A cell has two by two dots, in ASCII one. A column that was there before, as most were, is not drawn anew.
    """
    keys = [(rows, _packed(dots, plain=plain)) for dots in columns]
    unlike = dict(zip(keys, columns, strict=True))
    if len(_remembered) + len(unlike) > REMEMBERED:
        _remembered.clear()
    new = {key: dots for key, dots in unlike.items() if key not in _remembered}
    _remembered.update(zip(new, _drawn(tuple(new.values()), rows, plain=plain), strict=True))
    return ["".join(line) for line in zip(*(_remembered[key] for key in keys), strict=True)]


def _packed(dots: Dots, *, plain: bool) -> int | str:
    """The dots of a column in little room: in ASCII with their signs, else a bit each."""
    if plain:
        return "".join(f"{y}{sign}" for _, y, sign in dots)
    return reduce(or_, (1 << (2 * y + x) for x, y, _ in dots), 0)


def _drawn(columns: Sequence[Dots], rows: int, *, plain: bool) -> list[str]:
    """Each column, from top to bottom."""
    if not columns:
        return []
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
    lines = (line.ljust(width) for line in drawn[:rows])
    return ["".join(column) for column in zip(*lines, strict=True)][: len(columns)]


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

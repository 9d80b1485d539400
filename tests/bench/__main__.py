"""Speed and memory of the program, each figure beside its yardstick.

    python -m tests.bench             every figure, three quarters of an hour
    python -m tests.bench idle key    some of them

Ours and the yardstick are measured in turn, in the same run; the ratio is the median of the pairs' ratios.
This is no test: a busy machine makes a figure worse and nothing wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from tests.bench.archive import append, size
from tests.bench.calls import calls
from tests.bench.fold_time import fold, judge
from tests.bench.history_time import calendar, chart
from tests.bench.line_time import line, statusline
from tests.bench.memory import memory, month
from tests.bench.panes import frame, idle, key
from tests.bench.poll_time import once, poll
from tests.bench.restored import restored
from tests.bench.scrape_time import scrape
from tests.bench.table import HEAD, Line
from tests.bench.transcripts import reader, transcripts, unchanged

FIGURES: dict[str, Callable[[], Line]] = {
    "frame": frame,
    "restored": restored,
    "memory": memory,
    "month": month,
    "idle": idle,
    "key": key,
    "calls": calls,
    "poll": poll,
    "once": once,
    "line": line,
    "statusline": statusline,
    "fold": fold,
    "judge": judge,
    "scrape": scrape,
    "append": append,
    "size": size,
    "chart": chart,
    "calendar": calendar,
    "unchanged": unchanged,
    "reader": reader,
    "transcripts": transcripts,
}


def main(names: Sequence[str]) -> int:
    """Print each line of the table once it is measured; return 2 for an unknown figure."""
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"no such figure: {', '.join(unknown)}; there are: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    print(HEAD, flush=True)
    for name in names or FIGURES:
        print(FIGURES[name]().shown(), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

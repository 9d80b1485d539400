"""Time until the figures of the last run are on screen, from an archive of six orgs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing
from claudemeter_tui.model.store import Store
from tests.bench.orgs import one_poll, used
from tests.bench.pane import Pane
from tests.bench.panes import ORIGIN, PAINTED, PROGRAM, with_archive
from tests.bench.table import PAIRS, Line, compared, in_turn, milliseconds


def restored(pairs: int = PAIRS) -> Line:
    """Measure the time from exec to the last run's figures, against the first painted frame."""
    with TemporaryDirectory() as folder:
        fill_archive(Path(folder, "claudemeter-tui", ARCHIVE_NAME))
        variables = with_archive(folder, ORIGIN)
        marks = [(used(0).encode(),), (PAINTED,)]
        for texts in marks:  # By now everything is compiled and in the page cache.
            _measure(variables, *texts)
        ours, yardstick = (lambda texts=texts: _measure(variables, *texts) for texts in marks)
        found = in_turn(ours, yardstick, pairs)
    return compared("figures of the last run on screen, 6 orgs", found, 1.3, milliseconds)


def fill_archive(path: Path) -> None:
    """Write one poll of six orgs, a minute ago."""
    connection = open_for_writing(path)
    archive = Archive(connection, ORIGIN)
    at = datetime.now(UTC) - timedelta(minutes=1)
    readings = [reading for reading in one_poll(6, at) if reading.schedule is None]
    store = reduce(Store.apply, readings, Store())
    archive.append(Step(reading, store, store) for reading in readings)
    connection.close()


def _measure(variables: dict[str, str], *marks: bytes) -> float:
    with Pane(*PROGRAM, **variables) as pane:
        pane.until(*marks)
        return time.perf_counter() - pane.began

"""Charts of the archive show what was read, and gaps where nothing was."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing
from claudemeter_tui.history.series import load_series
from claudemeter_tui.model.reading import Schedule
from claudemeter_tui.model.store import Store
from tests.history.test_archive import MINUTE, build, poll, put
from tests.scenes import READ


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return an archive with an hour of polls, half an hour without, and an hour again."""
    opened = open_for_writing(tmp_path / ARCHIVE_NAME)
    archive, store = build(opened), Store()
    for minute in (*range(60), *range(90, 150)):
        store = put(archive, poll(minute, 1720 + 5 * (minute // 10)), store)
    yield opened
    opened.close()


def test_series_has_the_runs_of_the_span(connection: sqlite3.Connection) -> None:
    """Runs are cut to the span, and the pause is a gap in credits and windows."""
    until = READ + 150 * MINUTE
    series = load_series(connection, 1, READ + 5 * MINUTE, until)
    runs = series.credits.runs
    assert (runs[0].first, runs[0].minor) == (READ + 5 * MINUTE, Decimal(1720))
    assert [(run.first, run.last) for run in runs if run.minor is None] == [
        (READ + 59 * MINUTE, READ + 90 * MINUTE)
    ]
    assert runs[-1].last == READ + 149 * MINUTE
    assert series.credits.compute_spent_since(series.since).minor == 5 * 14
    assert set(series.histories) == {"5-hour", "7-day all"}
    assert all([run.is_gap for run in one.runs] == [False, True, False] for one in series.histories.values())


@pytest.mark.parametrize(
    ("gap", "begin", "end"),
    [((59, 90), 60, 150), ((59, 90), 89, 150), ((149, 3 * 1440), 2 * 1440, 3 * 1440), (None, 90, 150)],
)
def test_span_that_begins_without_readings_begins_with_a_gap(
    connection: sqlite3.Connection, gap: tuple[int, int] | None, begin: int, end: int
) -> None:
    """The gap begins with the last reading before the span, and ends with the first one in it, if any."""
    series = load_series(connection, 1, READ + begin * MINUTE, READ + end * MINUTE)
    ends = [READ + minute * MINUTE for minute in gap or ()]
    gaps = [[run.first, run.last] for run in series.credits.runs if run.minor is None]
    assert gaps == ([ends] if ends else [])
    first = READ + 90 * MINUTE if end == 150 else None
    assert series.credits.since == first
    assert len(series.histories) == 2
    for history in series.histories.values():
        gaps = [[from_epoch(run.first), from_epoch(run.last)] for run in history.runs if run.is_gap]
        assert gaps == ([ends] if ends else [])
        assert history.since == (first.timestamp() if first else math.inf)


def from_epoch(seconds: float) -> datetime:
    """Return epoch seconds as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def test_a_span_without_readings_is_empty(connection: sqlite3.Connection) -> None:
    """Nothing is drawn before the first reading of all."""
    series = load_series(connection, 1, READ - 60 * MINUTE, READ - MINUTE)
    assert (series.credits.runs, series.histories) == ((), {})


def test_pause_at_the_start_of_a_span_is_no_gap(connection: sqlite3.Connection) -> None:
    """A span that begins between two polls begins with the second one."""
    series = load_series(connection, 1, READ + 9.5 * MINUTE, READ + 59 * MINUTE)
    assert None not in {run.minor for run in series.credits.runs}
    assert series.credits.since == READ + 10 * MINUTE


def test_a_long_interval_makes_no_gaps(tmp_path: Path) -> None:
    """Readings every ten minutes are one line; half an hour without is a gap."""
    interval = 10 * MINUTE
    with closing(open_for_writing(tmp_path / ARCHIVE_NAME)) as opened:
        archive, store = build(opened), Store()
        for minute in (0, 10, 20, 50, 60):
            posted = [
                one._replace(schedule=Schedule(one.at + interval, interval))
                for one in poll(minute, 1720 + minute)
            ]
            store = put(archive, posted, store)
        series = load_series(opened, 1, READ, READ + 60 * MINUTE)
    gaps = [(run.first, run.last) for run in series.credits.runs if run.minor is None]
    assert gaps == [(READ + 20 * MINUTE, READ + 50 * MINUTE)]

"""Time that charts and calendars of the past take, from the file of the archive to the lines on screen."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path

from claudemeter_tui.charts.axes import ChartFrame
from claudemeter_tui.charts.chart import build_credits_chart, build_windows_chart
from claudemeter_tui.demo.history import fill_archive, simulate_past
from claudemeter_tui.demo.scenario import PERSONAL
from claudemeter_tui.history.database import (
    ARCHIVE_NAME,
    intern_name,
    open_for_reading,
    open_for_writing,
    to_millis,
)
from claudemeter_tui.history.queries import read_history
from claudemeter_tui.history.series import load_series
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.history import USED_FIGURE, HistoryRequest
from claudemeter_tui.tui.widgets.history_calendar import build_calendar_page
from tests.bench.fold_time import run_loop, timed
from tests.bench.table import PAIRS, Line, in_turn, limited, milliseconds
from tests.histories import ORG_ROW
from tests.scenes import NOW

ORIGIN, KEY = "https://claude.ai", ("pat", "org")
SIZE = (119, 31)
MONTH = timedelta(days=30)
STEP = 240_000
"""Milliseconds from one rise to the next."""
DAY = 86_400_000 // STEP
CHART_SIZE = (116, 15)
"""Columns and lines of a chart in a pane of 120 x 36, without its frame."""


def calendar(times: int = PAIRS) -> Line:
    """Read a calendar of 52 weeks of one org from a file, and draw all of its lines."""
    return _measure("calendar of 52 weeks, from file to lines", _draw_calendar, times)


def chart(times: int = PAIRS) -> Line:
    """Read 30 days of one org from a file, and draw the charts of its credits and of its windows."""
    return _measure("charts of 30 days, from file to lines", _draw_charts, times)


def _measure(figure: str, draw: Callable[[Path], object], times: int) -> Line:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ARCHIVE_NAME
        with closing(open_for_writing(path)) as connection:
            connection.execute("INSERT INTO accounts VALUES (1, ?, ?, NULL)", (ORIGIN, KEY[0]))
            connection.execute("INSERT INTO orgs VALUES (?, 1, ?, '', '', 0, 1)", (ORG_ROW, KEY[1]))
            connection.execute("BEGIN")
            fill_archive(connection, ORG_ROW, simulate_past(PERSONAL, NOW, UTC))
            if draw is _draw_charts:
                _insert_runs(connection)
            connection.execute("COMMIT")
        draw(path)  # plotext is loaded
        found = in_turn(lambda: timed(lambda: draw(path)), run_loop, times)
    return limited(figure, found, 0.06, milliseconds)


def _insert_runs(connection: sqlite3.Connection) -> None:
    """Insert 30 days in which credits and 5-hour window rise every four minutes for ten hours a day."""
    connection.execute("DELETE FROM open_runs")
    start, steps = to_millis(NOW - MONTH), range(MONTH // timedelta(milliseconds=STEP))
    for name, unit, detail, values in (
        (USED_FIGURE, "USD:2", MeterOrigin.OVERAGE, [13 * step for step in steps]),
        ("window:five_hour", "%", "", [100 * (step % 75) // 75 for step in steps]),
        ("window:seven_day", "%", "", [100 * (step % 2520) // 2520 for step in steps]),
    ):
        row = intern_name(connection, name)
        connection.execute("DELETE FROM runs WHERE figure_id = ?", (row,))
        connection.executemany(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (ORG_ROW, row, start + step * STEP, start + (step + 1) * STEP, value, unit, detail)
                for step, value in enumerate(values)
                if step % DAY < DAY * 10 // 24 and (step == 0 or value != values[step - 1])
            ),
        )


def _draw_charts(path: Path) -> object:
    with closing(open_for_reading(path)) as connection:
        series = load_series(connection, ORG_ROW, NOW - MONTH, NOW).thin()
    frame = ChartFrame(NOW, *CHART_SIZE, MONTH, UTC)
    charts = build_credits_chart(series.credits, frame), build_windows_chart(series.histories, frame)
    assert None not in charts
    return charts


def _draw_calendar(path: Path) -> object:
    answer = read_history(path, ORIGIN, KEY, HistoryRequest(NOW, 52, UTC))
    assert answer is not None
    sheet = build_calendar_page(answer, answer.calendars[0], *SIZE, plain=False).build_list()
    return [
        sheet.draw(item, part, False)
        for item in range(sheet.item_count)
        for part in range(sheet.starts[item + 1] - sheet.starts[item])
    ]

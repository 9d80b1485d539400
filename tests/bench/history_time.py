"""Time that the calendar of a year takes, from the file of the archive to the lines on screen."""

from __future__ import annotations

import tempfile
from contextlib import closing
from datetime import UTC
from pathlib import Path

from claudemeter_tui.demo.history import fill_archive, simulate_past
from claudemeter_tui.demo.scenario import PERSONAL
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing
from claudemeter_tui.history.queries import read_history
from claudemeter_tui.model.history import HistoryRequest
from claudemeter_tui.tui.widgets.history_calendar import build_calendar_page
from tests.bench.fold_time import run_loop, timed
from tests.bench.table import PAIRS, Line, in_turn, limited, milliseconds
from tests.histories import ORG_ROW
from tests.scenes import NOW

ORIGIN, KEY = "https://claude.ai", ("pat", "org")
SIZE = (119, 31)


def calendar(times: int = PAIRS) -> Line:
    """Read a calendar of 52 weeks of one org from a file, and draw all of its lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ARCHIVE_NAME
        with closing(open_for_writing(path)) as connection:
            connection.execute("INSERT INTO accounts VALUES (1, ?, ?, NULL)", (ORIGIN, KEY[0]))
            connection.execute("INSERT INTO orgs VALUES (?, 1, ?, '', '', 0, 1)", (ORG_ROW, KEY[1]))
            connection.execute("BEGIN")
            fill_archive(connection, ORG_ROW, simulate_past(PERSONAL, NOW, UTC))
            connection.execute("COMMIT")
        _draw(path)  # plotext is loaded
        found = in_turn(lambda: timed(lambda: _draw(path)), run_loop, times)
    return limited("calendar of 52 weeks, from file to lines", found, 0.06, milliseconds)


def _draw(path: Path) -> object:
    answer = read_history(path, ORIGIN, KEY, HistoryRequest(NOW, 52, UTC))
    assert answer is not None
    sheet = build_calendar_page(answer, answer.calendars[0], *SIZE, plain=False).build_list()
    return [
        sheet.draw(item, part, False)
        for item in range(sheet.item_count)
        for part in range(sheet.starts[item + 1] - sheet.starts[item])
    ]

"""Time to append a poll to the archive, and the size of a year."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing
from claudemeter_tui.model.catalogue import WINDOWS
from claudemeter_tui.model.reading import Reading, Reply
from claudemeter_tui.model.store import Store
from tests.bench.orgs import after_a_week, one_poll
from tests.bench.table import PAIRS, Line, in_turn, limited, milliseconds
from tests.bodies import Json, limit_body, spend_body
from tests.history.simulation import CAP, MINUTE, Quarter
from tests.scenes import READ

MEBIBYTE = 1 << 20
MOST_MEBIBYTES = 60.0
YEAR, KEPT = 365, 90
"""Days of a year, and days for which replies are kept."""
ORIGIN = "https://claude.ai"


def append(times: int = PAIRS, orgs: int = 100) -> Line:
    """Append polls in which the used credits of every org have changed, against plain insertions.

    The yardstick inserts the same bodies, compressed one by one, in one transaction.
    """
    with TemporaryDirectory() as folder, closing(open_for_writing(Path(folder, ARCHIVE_NAME))) as connection:
        archive, poll = Archive(connection, ORIGIN), _Polls(orgs)
        archive.append(poll.next())
        archive.append(poll.next())
        plain = sqlite3.connect(Path(folder, "plain.sqlite"), isolation_level=None)
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("CREATE TABLE replies (at REAL, body BLOB)")
        found = in_turn(
            lambda: _time(archive.append, poll.next()),
            lambda: _time(lambda steps: _insert(plain, steps), poll.next()),
            times,
        )
        plain.close()
    return limited(f"appending one poll of {orgs} orgs to the archive", found, 0.05, milliseconds)


class _Polls:
    """Polls of many orgs, a minute apart; each is applied to the store of the one before."""

    def __init__(self, orgs: int) -> None:
        self._orgs, self._store, self._minute = orgs, after_a_week(orgs), 0

    def next(self) -> list[Step]:
        """Return the steps of one more poll."""
        self._minute += 1
        steps = []
        for reading in one_poll(self._orgs, READ + self._minute * MINUTE, more=7 * self._minute):
            before, self._store = self._store, self._store.apply(reading)
            steps.append(Step(reading, before, self._store))
        return steps


def _insert(connection: sqlite3.Connection, steps: Sequence[Step]) -> None:
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO replies VALUES (?, ?)",
        [
            (step.reading.at.timestamp(), zlib.compress(reply.text.encode()))
            for step in steps
            for reply in _list_replies(step.reading)
        ],
    )
    connection.execute("COMMIT")


def _list_replies(reading: Reading) -> list[Reply]:
    parts = [part for report in reading.org_readings for part in report.parts.values()]
    return [part for part in parts if isinstance(part, Reply)]


def _time(work: Callable[[Sequence[Step]], object], steps: Sequence[Step]) -> float:
    """Return the processor time; a commit waits for no disk, because the log is not flushed."""
    began = time.process_time()
    work(steps)
    return time.process_time() - began


class _FullReplies(Quarter):
    """Replies of the size of real ones: two kilobytes of usage, with a jittering reset in each entry."""

    def list_more_usage(self, jitter: Callable[[datetime], str]) -> Json:
        """Return `limits`, `spend`, both kinds of resets and the keys that are usually null."""
        week = self.weeks[-1]
        reset = jitter(week.end)
        return {key: None for key in WINDOWS if key not in ("five_hour", "seven_day")} | {
            "limits": [
                limit_body("session", self.sessions[-1].percent if self.sessions else 0, jitter(week.end)),
                limit_body("weekly_all", week.percent, jitter(week.end)),
                limit_body("weekly_scoped", week.percent // 2, jitter(week.end), model="Fable"),
            ],
            "spend": spend_body(0, CAP),
            "cedar_ember": {"eligible": False, "weekly_resets_at": reset, "grants": [], "exhausted": []},
            "juniper_tide": {"eligible": True, "arm": "reset", "available": True, "weekly_resets_at": reset},
            "seven_day_breakdown": {
                "rows": [
                    {"key": key, "display_name": key.title(), "percent": week.percent // 3}
                    for key in ("chat", "code", "cowork")
                ]
            },
        }


def size(days: int = 7) -> Line:
    """Estimate a year of one org, polled every minute, from so many simulated days, one work week by default.

    The yardstick is the replies alone, compressed one by one.
    """
    script, compressed = _FullReplies(datetime(2026, 3, 2, tzinfo=UTC), days, MINUTE), 0
    with TemporaryDirectory() as folder, closing(open_for_writing(Path(folder, ARCHIVE_NAME))) as connection:
        archive, store, steps = (
            Archive(connection, ORIGIN),
            Store(),
            list[Step](),
        )
        for _, posted in script.run():
            for reading in posted:
                before, store = store, store.apply(reading)
                steps.append(Step(reading, before, store))
                compressed += sum(len(zlib.compress(one.text.encode())) for one in _list_replies(reading))
            if len(steps) > 500:
                archive.append(steps)
                steps = []
        archive.append(steps)
        whole = _measure(connection)
        for table in ("replies", "failures", "readings", "dictionaries"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        derived = _measure(connection)
    year = (whole - derived) / days * KEPT + derived / days * YEAR
    alone = compressed / days * KEPT
    return Line(
        f"a year of one org, estimated from {days} days",
        f"{year / MEBIBYTE:.1f} MiB",
        f"at most {MOST_MEBIBYTES:g} MiB",
        year <= MOST_MEBIBYTES * MEBIBYTE,
        f"{alone / MEBIBYTE:.1f} MiB",
        year / alone,
    )


def _measure(connection: sqlite3.Connection) -> int:
    """Return the bytes of the file without free pages."""
    connection.execute("VACUUM")
    (pages,), (page_size,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
    )
    return int(pages * page_size)

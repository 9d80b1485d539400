"""A recorder on a real file, and what it posted; also the means to make a file unwritable and to read it."""

from __future__ import annotations

import ctypes
import json
import sqlite3
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from queue import Queue
from typing import Any

from claudemeter_tui.clock import WallClock
from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import ARCHIVE_NAME, list_tables, to_millis
from claudemeter_tui.history.recorder import Recorder
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Failure, Reading
from claudemeter_tui.wiring import build_recorder
from tests.history.test_archive import MINUTE, poll
from tests.scenes import READ

APP_FOLDER = "claudemeter-tui"
PATIENCE = 90
"""Seconds to wait for the recorder's thread at most."""


class StoppedClock(WallClock):
    """A clock that the test sets."""

    def __init__(self) -> None:
        """Start at the time of the scenes."""
        self.time = READ

    def now(self) -> datetime:
        """Return the time that was set last."""
        return self.time


class Recording:
    """A recorder as the program builds it, on the archive below `XDG_DATA_HOME`."""

    def __init__(self, *, restores: bool = False, **settings: Any) -> None:
        """Start it; the settings are those of the program. With `restores`, it is that of a dashboard."""
        self.clock = StoppedClock()
        self.posted: Queue[Reading] = Queue()
        self.recorder: Recorder = build_recorder(Invocation(**settings), self.clock)
        self.recorder.start(self._post, restores=restores)

    def _post(self, reading: Reading) -> None:
        if not reading.restored_orgs:
            self.posted.put(reading)

    def poll(self, minute: int) -> None:
        """Record one poll; its amount of used credits is the minute."""
        self.clock.time = READ + minute * MINUTE
        for reading in poll(minute, minute):
            self.recorder.record(reading)

    def next_problem(self) -> tuple[str, str] | None:
        """Wait for the next change; return kind and detail of the problem, None if there is none any more."""
        reading = self.posted.get(timeout=PATIENCE)
        if isinstance(reading.account, Failure):
            return str(reading.account.error_kind), reading.account.detail
        assert reading.session_removed
        return None

    def close(self) -> list[Reading]:
        """Write everything and end the thread; return what was posted since the last look."""
        self.recorder.close()
        assert not self.recorder._thread.is_alive()
        return [self.posted.get() for _ in range(self.posted.qsize())]


def list_amounts(path: Path) -> list[int]:
    """Return the used credits of every reply that the file has, oldest first."""
    with closing(sqlite3.connect(path)) as connection:
        return read_amounts(connection)


def read_amounts(connection: sqlite3.Connection) -> list[int]:
    """Return the used credits of every reply that the archive has, oldest first."""
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    compressor = BodyCompressor(connection)
    rows = connection.execute(
        "SELECT dictionary_id, body FROM replies JOIN names ON id = endpoint_id WHERE name = ?"
        " ORDER BY first_at",
        (Endpoint.OVERAGE,),
    )
    return [json.loads(compressor.decompress(*row))["used_credits"] for row in rows.fetchall()]


def list_minutes(path: Path) -> list[int]:
    """Return the minute of every reading in the file, in order."""
    with closing(sqlite3.connect(path)) as connection:
        return [(at - to_millis(READ)) // 60_000 for (at,) in connection.execute("SELECT at FROM readings")]


def read_everything(path: Path) -> str:
    """Return every value of every table that the file has, bodies and states as text."""
    found = []
    with closing(sqlite3.connect(path)) as connection:
        compressor = BodyCompressor(connection)
        for table in list_tables(connection):
            cursor = connection.execute(f"SELECT * FROM {table}")  # noqa: S608
            columns = [column for column, *_ in cursor.description]
            for values in cursor.fetchall():
                row = dict(zip(columns, values, strict=True))
                if table == "replies":
                    row["body"] = compressor.decompress(row["dictionary_id"], row["body"])
                if table == "org_states":
                    row["state"] = zlib.decompress(row["state"])
                found += [one.decode() if isinstance(one, bytes) else str(one) for one in row.values()]
    return "\n".join(found)


def archive_path(home: Path) -> Path:
    """Return the path of the archive if `XDG_DATA_HOME` is that folder."""
    return home / APP_FOLDER / ARCHIVE_NAME


_OVERRIDES = 0b110
"""The bits of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root writes and reads whatever the modes say."""


@contextmanager
def respecting_modes() -> Iterator[None]:
    """Let the modes of files hold for this thread and those that it starts, even if it is root."""
    if not sys.platform.startswith("linux"):
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    capabilities = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable ones, twice
    assert libc.capget(header, capabilities) == 0
    effective = capabilities[0]
    capabilities[0] = effective & ~_OVERRIDES
    assert libc.capset(header, capabilities) == 0
    try:
        yield
    finally:
        capabilities[0] = effective
        assert libc.capset(header, capabilities) == 0

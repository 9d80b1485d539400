"""Open the archive for a command, with one clear sentence if that is not possible."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claudemeter_tui.history.database import NewerArchiveError
from claudemeter_tui.history.export import ArchiveSnapshot

_CORRUPT_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class ArchiveAccessError(Exception):
    """Raised if the archive cannot be read; the text explains why to the user."""


@contextmanager
def open_snapshot(path: Path, origin: str) -> Iterator[ArchiveSnapshot]:
    """Yield the archive of this server as it is now.

    Raises:
        ArchiveAccessError: There is no archive, or it cannot be read, also if that shows only in the block.
    """
    place = repr(str(path))
    try:
        snapshot = ArchiveSnapshot(path, origin)
        try:
            if not snapshot.list_owners():
                raise ArchiveAccessError(f"the history has no org of {origin} yet; start the dashboard first")
            yield snapshot
        finally:
            snapshot.close()
    except FileNotFoundError:
        raise ArchiveAccessError(f"there is no history at {place} yet; start the dashboard first") from None
    except NewerArchiveError:
        raise ArchiveAccessError(
            f"the history at {place} is of a newer version of this program; update this one"
        ) from None
    except OSError as error:
        fault = (error.strerror or "cannot be read").lower()
        raise ArchiveAccessError(f"the history at {place} cannot be read ({fault})") from None
    except sqlite3.Error as error:
        raise ArchiveAccessError(_describe(error, place)) from None


def _describe(error: sqlite3.Error, place: str) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is a detail of the code
    if code in _CORRUPT_CODES:
        return f"the history at {place} is damaged ({error})"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"another process uses the history at {place}; try again"
    return f"the history at {place} cannot be read ({error})"

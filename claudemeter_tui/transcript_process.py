"""Read Claude Code's transcripts into the archive: a process of low priority beside the dashboard.

Its argument is the archive's file, and it ends when its standard input does, so with the dashboard. One
process of a user reads at a time; the others wait for its lock and report what it kept. Each line on standard
output says that something is new. With `--once`, it ends when everything was read, or if another one reads.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from claudemeter_tui.claude_code.config_folder import list_config_folders, locate_state_file, read_login
from claudemeter_tui.history.database import (
    UNUSABLE_ERRORS,
    identify_file,
    open_for_reading,
    open_for_update,
)
from claudemeter_tui.history.transcripts import (
    FileToKeep,
    hash_path,
    keep_transcripts,
    load_change_count,
    load_positions,
    observe_logins,
    remove_positions,
    sum_old_calls,
)
from claudemeter_tui.model.transcripts import READ_ONCE, Login, TranscriptPosition, TranscriptReading
from claudemeter_tui.transcripts.files import FileVersion, TranscriptFinder, is_text
from claudemeter_tui.transcripts.reader import read_transcript

PASS_SECONDS = 2.0
"""Seconds between two looks at the files that changed recently."""
FULL_PASS_SECONDS = 60.0
"""Seconds between two looks at all files, and at the logins."""
UPKEEP_SECONDS = 3600.0
"""Seconds between two removals of old calls."""
LOCK_NAME = "transcripts.lock"
"""Name of the lock in the archive's folder."""
NICENESS = 10
"""Priority of the process on Unix: the dashboard's keys come first."""
MAX_BYTES_PER_PART = 64 << 20
"""Bytes that are read before their calls are kept."""
MAX_BYTES_PER_PART_ONCE = 8 << 20
"""The same beside a run that polls once, which may end meanwhile: the next one continues there."""
CHANGED = "changed"
"""Line on standard output after something new was kept."""


class TranscriptKeeper:
    """Reads what is new in all transcripts, and keeps it in the archive."""

    def __init__(self, archive: Path, home: Path, environment: Mapping[str, str]) -> None:
        """Store the places; nothing is read yet.

        Args:
            archive: file of the archive.
            home: the user's home folder.
            environment: variables that name the config folders.
        """
        self._archive, self._home, self._environment = archive, home, environment
        folders = (one for one in list_config_folders(home, environment) if is_text(str(one)))
        self._folders = {str(one / "projects"): one for one in folders}
        self._finder = TranscriptFinder(tuple(self._folders))
        self._positions: dict[int, TranscriptPosition] = {}
        """Position of each file, by the hash of its path."""
        self._identity: tuple[int, int] | None = None
        """Device and inode of the archive with these positions. None if they are not known."""
        self.max_bytes_per_part = MAX_BYTES_PER_PART
        self._logins: dict[Path, tuple[tuple[int, int], Login | None]] = {}
        """The last login of each config folder, with time and size of the file that names it."""

    def read_changes(self, stop: threading.Event, *, everything: bool) -> Iterator[bool]:
        """Keep what is new in parts; yield after each one.

        Args:
            stop: set it to end early.
            everything: True to look at all files and at the logins.

        Raises:
            sqlite3.Error: The archive cannot be written. The next call reads the same again.
            OSError: The same.
            NewerArchiveError: A newer version of this program wrote the archive.
            DamagedArchiveError: It is another program's database.
            ReplacedArchiveError: Another process replaces it just now.
        """
        if self._identity is None or identify_file(self._archive) != self._identity:
            self._load_positions()
        if everything:
            self._observe_logins()
        part: list[FileToKeep] = []
        size = 0
        for path, version in self._finder.find_changes(time.time(), everything=everything):
            if stop.is_set():
                break
            known = self._positions.get(hash_path(path), TranscriptPosition())
            for reading in self._iter_readings(path, version, known, stop):
                part.append(FileToKeep(reading, str(self._find_folder(path))))
                size += reading.position.offset
                if size >= self.max_bytes_per_part:
                    self._keep(part)
                    part, size = [], 0
                    yield True
        if part:
            self._keep(part)
            yield True
        if everything and not stop.is_set():
            self._remove_vanished()

    def _iter_readings(
        self, path: str, version: FileVersion, known: TranscriptPosition, stop: threading.Event
    ) -> Iterator[TranscriptReading]:
        """Yield what is new in a file, in parts of at most `max_bytes_per_part` and a line."""
        if (known.identity, known.offset, known.changed_at) == version:
            return
        is_complete = False
        while not is_complete:
            reading = read_transcript(path, known, self.max_bytes_per_part, stop.is_set)
            if reading is None or reading.position == known:
                return
            yield reading
            known, is_complete = reading.position, reading.is_complete

    def _load_positions(self) -> None:
        """Load the positions of the archive, which may be another file now; look at every transcript then."""
        with closing(open_for_reading(self._archive)) as connection:
            self._positions, self._identity = load_positions(connection), connection.identity
        self._finder.files.clear()

    def sum_old_calls(self) -> None:
        """Replace old calls by sums; see `history.transcripts.sum_old_calls`."""
        with closing(open_for_update(self._archive)) as connection:
            sum_old_calls(connection, datetime.now(UTC))

    def mark_first_pass(self) -> bool:
        """Keep that all transcripts were read, even if there are none; return True if that is new."""
        with closing(open_for_update(self._archive)) as connection:
            is_first = not load_change_count(connection)
            if is_first:
                keep_transcripts(connection, (), datetime.now(UTC))
        return is_first

    def _find_folder(self, path: str) -> Path:
        """Return the config folder of a transcript."""
        containing = (one for one in self._folders if path.startswith(one + os.sep))
        return self._folders[max(containing, key=len)]  # one config folder can be inside another

    def _keep(self, part: list[FileToKeep]) -> None:
        try:
            with closing(open_for_update(self._archive)) as connection:
                observe_logins(connection, self._find_logins(), datetime.now(UTC))
                keep_transcripts(connection, part, datetime.now(UTC))
        except BaseException:
            for file in part:
                self._finder.files.pop(file.reading.path, None)
            raise
        self._positions |= {hash_path(file.reading.path): file.reading.position for file in part}

    def _observe_logins(self) -> None:
        if logins := self._find_logins():
            with closing(open_for_update(self._archive)) as connection:
                observe_logins(connection, logins, datetime.now(UTC))

    def _find_logins(self) -> dict[str, Login | None]:
        """Return the login of each existing config folder; a file that did not change is not read again."""
        for folder in self._folders.values():
            if not folder.is_dir():
                self._logins.pop(folder, None)
                continue
            with suppress(OSError):
                found = locate_state_file(folder, self._home, self._environment).stat()
                version = found.st_mtime_ns, found.st_size
                if folder not in self._logins or self._logins[folder][0] != version:
                    login = read_login(folder, self._home, self._environment)
                    self._logins[folder] = version, Login(*login) if login is not None else None
                continue
            self._logins[folder] = (0, 0), None
        return {str(folder): login for folder, (_, login) in self._logins.items()}

    def _remove_vanished(self) -> None:
        if vanished := self._positions.keys() - set(map(hash_path, self._finder.files)):
            with closing(open_for_update(self._archive)) as connection:
                remove_positions(connection, vanished)
            for row in vanished:
                del self._positions[row]


def main() -> int:
    """Read until standard input ends; return the exit status."""
    archive, reads_once = Path(sys.argv[1]), READ_ONCE in sys.argv[2:]
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    lock = FileLock(archive.with_name(LOCK_NAME), timeout=0, mode=0o600)
    with suppress(BrokenPipeError, Timeout):
        if reads_once:
            lock.acquire()
        else:
            _follow(archive, lock, stop)
        with lock:
            keeper = TranscriptKeeper(archive, Path.home(), os.environ)
            if reads_once:
                keeper.max_bytes_per_part = MAX_BYTES_PER_PART_ONCE
                with suppress(*UNUSABLE_ERRORS):
                    deque(keeper.read_changes(stop, everything=True), 0)
                    keeper.mark_first_pass()
            else:
                _read(keeper, stop)
    return 0


def _wait_for_end(stop: threading.Event) -> None:
    """Wait until the dashboard ends, which closes the pipe."""
    # Not the buffered reader: its lock aborts the process if it ends while this thread waits.
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    stop.set()


def _follow(archive: Path, lock: FileLock, stop: threading.Event) -> None:
    """Report what another process keeps, until that process ends."""
    changes: int | None = None
    while not stop.is_set():
        with suppress(Timeout, OSError):
            lock.acquire()
            return
        with suppress(*UNUSABLE_ERRORS), closing(open_for_reading(archive)) as connection:
            before, changes = changes, load_change_count(connection)
            if before not in (None, changes):
                _report()
        stop.wait(PASS_SECONDS)


def _read(keeper: TranscriptKeeper, stop: threading.Event) -> None:
    full_at = upkeep_at = -UPKEEP_SECONDS
    has_passed = False
    while not stop.is_set():
        now = time.monotonic()
        everything = now - full_at >= FULL_PASS_SECONDS
        with suppress(*UNUSABLE_ERRORS):
            for _ in keeper.read_changes(stop, everything=everything):
                _report()
            if not has_passed and not stop.is_set():
                if keeper.mark_first_pass():
                    _report()
                has_passed = True
            full_at = now if everything else full_at
            if now - upkeep_at >= UPKEEP_SECONDS and not stop.is_set():
                keeper.sum_old_calls()
                upkeep_at = now
        stop.wait(PASS_SECONDS)


def _report() -> None:
    print(CHANGED, flush=True)  # noqa: T201 - the dashboard reads it


if __name__ == "__main__":
    sys.exit(main())

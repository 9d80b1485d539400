"""Find the transcripts and see which of them changed.

Appending to a file does not change its folder. So the files that changed recently are looked at often, all
files now and then, and the folders only to find new files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

SUFFIX = ".jsonl"
RECENT_SECONDS = 600.0
"""Time after its last change for which a file is looked at in every pass."""
SETTLED_SECONDS = 2.0
"""Age above which the time of a folder shows every change: a later one gets another time."""


class FileVersion(NamedTuple):
    """Identity, size and time of a file when it was looked at."""

    identity: str
    """Device and inode. A file that was replaced has another one."""
    size: int
    """Bytes."""
    changed_at: float
    """Time of the last change, in seconds since 1970."""


class TranscriptFinder:
    """Finds the transcripts below some folders, and remembers what they were like."""

    def __init__(self, roots: tuple[str, ...]) -> None:
        """Store the folders with the projects, which need not exist."""
        self._roots = roots
        self._folders: dict[str, float] = {}
        """Time of the last change of each folder. 0 if it may have changed since it was listed."""
        self._children: dict[str, tuple[list[str], list[str]]] = {}
        """Folders and transcripts in each folder."""
        self.files: dict[str, FileVersion] = {}
        """Every transcript by its path, as it was seen last."""

    def find_changes(self, now: float, *, everything: bool) -> Iterator[tuple[str, FileVersion]]:
        """Yield the transcripts that are new or have changed since they were yielded.

        Args:
            now: seconds since 1970.
            everything: True to look at all files, False only at those that changed recently. New files are
                found in both cases.
        """
        seen: dict[str, FileVersion] = {}
        for path in self._iter_paths(now):
            known = self.files.get(path)
            if known is not None and not everything and now - known.changed_at > RECENT_SECONDS:
                seen[path] = known
                continue
            found = _look_at(path)
            if found is None:
                continue
            seen[path] = found
            if found != known:
                yield path, found
        self.files = seen

    def _iter_paths(self, now: float) -> Iterator[str]:
        """Yield every transcript once; a link that leads back to its own folder is not followed."""
        visited: set[tuple[int, int]] = set()
        waiting = list(reversed(self._roots))
        folders: dict[str, float] = {}
        while waiting:
            folder = waiting.pop()
            try:
                found = os.stat(folder)  # noqa: PTH116 - called every two seconds
            except OSError:
                continue
            identity = (found.st_dev, found.st_ino)
            if identity in visited or not stat.S_ISDIR(found.st_mode):
                continue
            visited.add(identity)
            if self._folders.get(folder) != found.st_mtime:
                self._children[folder] = _list_folder(folder)
            # A folder that has just changed may change again without another time.
            folders[folder] = found.st_mtime if abs(now - found.st_mtime) > SETTLED_SECONDS else 0.0
            inner, files = self._children[folder]
            waiting.extend(reversed(inner))
            yield from files
        self._folders = folders
        self._children = {folder: self._children[folder] for folder in folders}


def _list_folder(folder: str) -> tuple[list[str], list[str]]:
    """Return the folders and the transcripts in a folder, by name. Both are empty if it cannot be read."""
    inner: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                try:
                    # A linked folder can lead anywhere, such as to every file of the machine.
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(entry.path)
                    elif entry.name.endswith(SUFFIX) and is_text(entry.path):
                        files.append(entry.path)
                except OSError:
                    continue
    except OSError:
        pass
    return inner, files


def is_text(path: str) -> bool:
    """Return True if a path is valid Unicode. On Linux, any bytes can be one; the archive keeps only text."""
    return path.encode(errors="ignore").decode() == path


def _look_at(path: str) -> FileVersion | None:
    """Return the version of a regular file. None for anything else, such as a pipe."""
    try:
        found = os.stat(path)  # noqa: PTH116 - called for thousands of files
    except OSError:
        return None
    return describe_file(found)


def describe_file(found: os.stat_result) -> FileVersion | None:
    """Return the version of a file. None if it is not a regular one."""
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileVersion(f"{found.st_dev}:{found.st_ino}", found.st_size, found.st_mtime)

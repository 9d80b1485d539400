"""Paths, private files and the remembered UI state.

Files are 0600 and written whole; folders are 0700. An open file can be locked against other processes.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the first frame does not wait for it
    from claudemeter_tui.model.store import OrgKey


APP_NAME = "claudemeter-tui"


def locate_config_file() -> Path:
    """The file that a person writes and this program only reads."""
    from platformdirs import user_config_path  # noqa: PLC0415 - slow, and a demo needs none

    return user_config_path(APP_NAME, appauthor=False) / "config.toml"


def locate_state_folder() -> Path:
    """What the program remembers; losing it loses no setting."""
    from platformdirs import user_state_path  # noqa: PLC0415

    return user_state_path(APP_NAME, appauthor=False)


def locate_pictures_folder() -> Path:
    """Where pictures go unless told otherwise: the person's own pictures, else the home folder."""
    from platformdirs import user_pictures_path  # noqa: PLC0415

    folder = user_pictures_path()
    return folder if folder.is_dir() else Path.home()


_FOLDER_MODE = 0o700


def write_private_file(path: Path, text: str) -> None:
    """Put the text in place of the file, whole or not at all; the file is 0600, new folders are 0700.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    import tempfile  # noqa: PLC0415 - slow, and most runs only read

    ensure_private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def ensure_private_folder(folder: Path) -> None:
    """Make the folder and those above it, each for this person alone; one that is there stays as it is."""
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            one.mkdir(mode=_FOLDER_MODE, exist_ok=True)


UI_STATE_FILE = "state.json"
"""In the state folder."""
MAX_UI_STATE_BYTES = 16_384
"""Bytes; a real one has a hundred."""
MAX_NAME_LENGTH = 200
"""Characters of a name or a key that is believed."""


class UiState(NamedTuple):
    """What was chosen last."""

    theme: str | None = None
    """The theme's name. None: none was ever chosen."""
    org: OrgKey | None = None
    """The org that was on screen. None: none was ever chosen."""


def load_ui_state(folder: Path) -> UiState:
    """What `save_ui_state` kept in the folder; each part that is lost or broken is as if it never was."""
    import json  # noqa: PLC0415 - a status bar needs none

    try:
        with (folder / UI_STATE_FILE).open("rb") as file:
            found = json.loads(file.read(MAX_UI_STATE_BYTES))
    except (OSError, ValueError, RecursionError):
        return UiState()
    if not isinstance(found, dict):
        return UiState()
    org = found.get("org")
    pair = tuple(map(_parse_name, org)) if isinstance(org, list) and len(org) == 2 else ()
    match pair:
        case (str(account), str(uuid)):
            return UiState(_parse_name(found.get("theme")), (account, uuid))
    return UiState(_parse_name(found.get("theme")))


def save_ui_state(folder: Path, memory: UiState) -> None:
    """Keep it; where that cannot be, nothing happens."""
    import json  # noqa: PLC0415 - a status bar needs none

    org = None if memory.org is None else list(memory.org)
    with contextlib.suppress(OSError):
        write_private_file(folder / UI_STATE_FILE, json.dumps({"theme": memory.theme, "org": org}))


def _parse_name(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_NAME_LENGTH and value.isprintable() else None


LOCK_TIMEOUT = 2.0
"""Seconds to wait for whoever has it; it is never held for longer than one read and one write."""
_LOCK_RETRY_SECONDS = 0.02
_LOCK_FILE_MODE = 0o600

if sys.platform == "win32":
    import msvcrt

    _LOCK_OFFSET = 1 << 30
    """The byte that stands for the lock: far behind the content, because a locked one cannot be read."""

    def _try_lock(handle: int) -> None:
        os.lseek(handle, _LOCK_OFFSET, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _release_lock(handle: int) -> None:
        os.lseek(handle, _LOCK_OFFSET, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

    _LOCK_BUSY_ERRORS: tuple[type[OSError], ...] = (PermissionError,)
else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)

    _LOCK_BUSY_ERRORS: tuple[type[OSError], ...] = (BlockingIOError,)


class LockedFile:
    """A small text file while it is ours."""

    def __init__(self, handle: int) -> None:
        """Use an open and locked file."""
        self._handle = handle

    def read(self, most: int) -> bytes:
        """The first bytes of it."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        return os.read(self._handle, most)

    def write(self, content: bytes) -> None:
        """Put this in place of what it holds: written first and cut then, so it is never empty."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.write(self._handle, content)
        os.ftruncate(self._handle, len(content))


@contextmanager
def lock_file(path: Path, patience: float = LOCK_TIMEOUT) -> Iterator[LockedFile]:
    """The file at `path`, made where it is missing, ours until the end of the `with`.

    Folders are made with 0700, the file with 0600.

    Raises:
        TimeoutError: somebody else has it for longer than `patience` seconds.
        OSError: it cannot be opened, or the file system has no locks.
    """
    ensure_private_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), _LOCK_FILE_MODE)
    try:
        _wait_for_lock(handle, patience)
        try:
            if sys.platform != "win32":
                os.fchmod(handle, _LOCK_FILE_MODE)
            yield LockedFile(handle)
        finally:
            with contextlib.suppress(OSError):  # closing it releases it as well
                _release_lock(handle)
    finally:
        os.close(handle)


def _wait_for_lock(handle: int, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            _try_lock(handle)
        except _LOCK_BUSY_ERRORS:
            if time.monotonic() >= until:
                raise TimeoutError("somebody else has it") from None
            time.sleep(_LOCK_RETRY_SECONDS)
        else:
            return

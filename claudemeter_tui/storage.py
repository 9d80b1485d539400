"""Paths, private files, locks between processes, and the remembered UI state.

Files are 0600 and replaced as a whole; folders are 0700.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from claudemeter_tui.interruption import InterruptCleanUp, InterruptDelay

if TYPE_CHECKING:  # the first frame must not wait for it
    from claudemeter_tui.model.store import OrgKey


APP_NAME = "claudemeter-tui"


def locate_config_file() -> Path:
    """Return the settings file, which the user writes and this program only reads."""
    return _locate("XDG_CONFIG_HOME", ".config", "user_config_path") / "config.toml"


def locate_state_folder() -> Path:
    """Return the folder for remembered values; deleting it loses no setting.

    If nothing can be written there, as on a read-only home, it is a folder of this user among the temporary
    ones: without any folder each line of a status bar would send requests.
    """
    return _replace_unwritable(_locate("XDG_STATE_HOME", ".local/state", "user_state_path"))


def locate_data_folder(*, or_temporary: bool = False) -> Path:
    """Return the folder of the archive, which is worth a backup.

    With `or_temporary`, it is the temporary folder of `locate_state_folder` if nothing can be written there.
    """
    folder = _locate("XDG_DATA_HOME", ".local/share", "user_data_path")
    return _replace_unwritable(folder) if or_temporary else folder


EXTENSION_FOLDER_NAME = "browser-extension"
"""Name of the folder in the data folder with the files that browsers load."""


def locate_extension_folder() -> Path:
    """Return the folder with the browser extension, which exists only if the user has installed it."""
    return locate_data_folder() / EXTENSION_FOLDER_NAME


def is_folder(path: Path) -> bool:
    """Return True if the path is a folder; False if looking is forbidden, where `Path.is_dir` raises."""
    return os.path.isdir(path)  # noqa: PTH112 - see above


def _replace_unwritable(folder: Path) -> Path:
    """Return the folder, or this user's temporary one if nothing can be written into it."""
    if sys.platform == "win32" or _is_writable(folder):
        return folder
    from tempfile import gettempdir  # noqa: PLC0415 - slow, and rarely needed

    temporary = Path(gettempdir(), f"{APP_NAME}-{os.getuid()}")
    # Others can make files there, too.
    return temporary if _is_writable(temporary) and _is_own(temporary) else folder


def _locate(variable: str, linux_default: str, function: str) -> Path:
    """Return this program's folder; a relative path in the variable counts as not set, as XDG demands.

    Args:
        variable: the variable that overrides the default folder.
        linux_default: default on Linux, below the home folder.
        function: name of the function of platformdirs that finds it on every system.
    """
    value, system = os.environ.get(variable, ""), str(sys.platform)
    if system == "linux":  # platformdirs would take a tenth of the time of a status bar's run
        home = os.path.expanduser("~")  # noqa: PTH111 - `Path.home` fails without a home folder
        base = Path(value) if Path(value).is_absolute() else Path(home, linux_default)
        return base / APP_NAME
    import platformdirs  # noqa: PLC0415 - slow

    find: Callable[..., Path] = getattr(platformdirs, function)
    if value and not Path(value).is_absolute():
        del os.environ[variable]
        try:
            return find(APP_NAME, appauthor=False)
        finally:
            os.environ[variable] = value
    return find(APP_NAME, appauthor=False)


def _is_writable(folder: Path) -> bool:
    """True if the folder takes files, or if it can be created."""
    existing = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _is_own(folder: Path) -> bool:
    """True if only this user can use the folder, or if it does not exist."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def locate_pictures_folder() -> Path:
    """Return the default folder for pictures: the user's pictures folder, else the home folder."""
    from platformdirs import user_pictures_path  # noqa: PLC0415

    folder = user_pictures_path()
    return folder if folder.is_dir() else Path.home()


_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


def read_start(path: Path, size: int) -> bytes:
    """Return the first bytes of a file of this program, at most `size`; a FIFO in its place counts as empty.

    Raises:
        OSError: The file cannot be read.
    """

    def open_at_once(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    with open(path, "rb", opener=open_at_once) as file:
        return file.read(size) or b""


MAX_LOCK_AGE = 7 * 86_400
"""Age in seconds above which the lock of settings that no one uses any more is removed."""


def remove_old_files(folder: Path) -> None:
    """Remove old locks in the state folder, and what earlier versions cached for `--line` and `--check`."""
    oldest = time.time() - MAX_LOCK_AGE
    with contextlib.suppress(OSError):
        for one in folder.iterdir():
            is_cache = one.name.startswith("kept-") and one.suffix in (".json", ".txt", ".lock")
            is_lock = one.name.startswith("status-") and one.suffix == ".lock"
            if is_cache or (is_lock and one.lstat().st_mtime < oldest):
                one.unlink()


_TEMPORARY_NAME = r"\.[\w-]+\.(json|txt)\.[a-z0-9_]{8}"
"""Names that `write_private_file` gives to files that it has not finished."""
MAX_TEMPORARY_AGE = 86_400
"""Age in seconds above which an unfinished file counts as left by a killed process."""


def write_private_file(path: Path, text: str) -> None:
    """Replace the file atomically, with mode 0600; new folders get 0700.

    Raises:
        OSError: The file cannot be written; the old content is still there.
    """
    import tempfile  # noqa: PLC0415 - slow, and most runs only read

    ensure_private_folder(path.parent)
    with InterruptDelay():
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            make_readable(handle)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:  # also Ctrl+C: no unfinished file stays behind
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    _remove_stale_files(path.parent)


@contextlib.contextmanager
def open_replacement(path: Path, mode: int = _FILE_MODE) -> Iterator[IO[bytes]]:
    """Yield a file that replaces `path` after the block, with this mode; an error or Ctrl+C removes it.

    For files in an existing folder that take long to write, or that others read.

    Raises:
        OSError: The file cannot be written; the old content is still there.
    """
    import tempfile  # noqa: PLC0415 - slow, and most runs only read

    with contextlib.ExitStack() as stack:
        with InterruptDelay():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{APP_NAME}-")
            draft = Path(name)
            stack.enter_context(InterruptCleanUp(draft.unlink))
        try:
            make_readable(handle, mode)
            with os.fdopen(handle, "wb") as file:
                yield file
            with InterruptDelay():
                draft.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise


def _remove_stale_files(folder: Path) -> None:
    """Remove unfinished files of processes that were killed while they wrote."""
    oldest = time.time() - MAX_TEMPORARY_AGE
    with contextlib.suppress(OSError):
        for one in folder.iterdir():
            if re.fullmatch(_TEMPORARY_NAME, one.name) and one.lstat().st_mtime < oldest:
                one.unlink()


def make_readable(handle: int, mode: int = _FILE_MODE) -> None:
    """Let the owner read and write the open file, which the umask may forbid; or set another mode."""
    if sys.platform != "win32":
        os.fchmod(handle, mode)


def ensure_private_folder(folder: Path) -> None:
    """Create the folder and its parents as 0700; an existing folder stays unchanged."""
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            one.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            one.chmod(_FOLDER_MODE)  # the umask may forbid a new folder even to its owner


UI_STATE_FILE = "state.json"
"""Name of the file in the state folder."""
MAX_UI_STATE_BYTES = 16_384
"""Maximum bytes; a real file has a hundred."""
MAX_NAME_LENGTH = 200
"""Maximum characters of a theme or a key; a longer one is ignored."""


class UiState(NamedTuple):
    """The user's choices, which the next run starts with."""

    theme: str | None = None
    """Name of the theme. None if no theme was ever chosen."""
    org: OrgKey | None = None
    """The org that was on screen. None if no org was ever selected."""


def load_ui_state(folder: Path) -> UiState:
    """Read the UI state in the folder; a missing or broken value counts as not chosen."""
    import json  # noqa: PLC0415 - a status bar does not need it

    try:
        found = json.loads(read_start(folder / UI_STATE_FILE, MAX_UI_STATE_BYTES))
    except (OSError, ValueError, RecursionError):
        return UiState()
    if not isinstance(found, dict):
        return UiState()
    theme = _parse_name(found.get("theme"))
    match found.get("org"):
        case [account, uuid] if _parse_name(account) is not None and _parse_name(uuid) is not None:
            return UiState(theme, (account, uuid))
    return UiState(theme)


def save_ui_state(folder: Path, state: UiState) -> None:
    """Save the UI state; do nothing if the folder is not writable."""
    import json  # noqa: PLC0415 - a status bar does not need it

    org = None if state.org is None else list(state.org)
    with contextlib.suppress(OSError):
        write_private_file(folder / UI_STATE_FILE, json.dumps({"theme": state.theme, "org": org}))


def _parse_name(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_NAME_LENGTH and value.isprintable() else None


LOCK_TIMEOUT = 2.0
"""Seconds to wait for another process, which holds a lock for one read and one write."""


def locate_lock(path: Path) -> Path:
    """Return the file that `hold_lock` locks for `path`."""
    return path.with_suffix(".lock")


@contextlib.contextmanager
def hold_lock(path: Path, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Hold the lock of a file that all processes of this user share.

    The lock is a file of its own beside `path`, because `path` is replaced at each write. The
    operating system releases it when the process ends.

    Raises:
        TimeoutError: Another process or thread holds the lock for longer than `timeout` seconds.
        OSError: The lock file cannot be written.
    """
    from filelock import FileLock  # noqa: PLC0415 - slow, and most runs only read

    ensure_private_folder(path.parent)
    with FileLock(locate_lock(path), timeout=timeout, mode=_FILE_MODE):
        yield

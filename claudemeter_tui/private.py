"""Files of the state folder: nobody else's to read, written whole, in folders of 0700."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

_FOLDER = 0o700


def write_whole(path: Path, text: str) -> None:
    """Put the text in place of the file, whole or not at all; the file is 0600, new folders are 0700.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, each for this person alone; one that is there stays as it is."""
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            one.mkdir(mode=_FOLDER, exist_ok=True)

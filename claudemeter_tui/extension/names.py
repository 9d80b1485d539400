"""The names of the sessions: each profile of a browser that is open has its own.

A host holds the lock of its name until it ends. So the locks in the state folder also show which hosts run if
the history has no entry of them: after its removal, or on a full disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from claudemeter_tui.browsers.folders import CHROMIUM_BROWSERS
from claudemeter_tui.model.reading import Session, name_session
from claudemeter_tui.storage import hold_lock, locate_lock

MAX_PROFILES = 20
"""Profiles of one browser with the extension that have a name of their own."""
CLAIM_TIMEOUT = 0.5
"""Seconds for which a host tries a name: `--extension status` holds the lock of each for a moment."""


@contextmanager
def claim_name(folder: Path, browser: str) -> Iterator[Session]:
    """Yield the name of a session that no other host has, and hold its lock in this folder."""
    for session, path in _iterate_names(folder, browser):
        with ExitStack() as held:
            try:
                held.enter_context(hold_lock(path, timeout=CLAIM_TIMEOUT))
            except TimeoutError:
                continue
            except OSError:  # the folder cannot be written
                pass
            yield session
            return
    yield name_session(browser, MAX_PROFILES + 1)


def find_names(folder: Path) -> Mapping[Session, bool]:
    """Return the names of the hosts that run, and of those that ran before; True if the host runs."""
    return {session: _is_held(path) for session, path in _iterate_claimed_names(folder)}


def remove_locks(folder: Path) -> None:
    """Remove the locks of hosts that have ended, as far as that is possible."""
    for _, path in _iterate_claimed_names(folder):
        if not _is_held(path):  # another profile's host must not get the name of one that runs
            with suppress(OSError):
                locate_lock(path).unlink(missing_ok=True)


def _iterate_claimed_names(folder: Path) -> Iterator[tuple[Session, Path]]:
    for browser in CHROMIUM_BROWSERS:
        for session, path in _iterate_names(folder, browser.name):
            if os.path.isfile(locate_lock(path)):  # noqa: PTH113 - `Path.is_file` raises if it is forbidden
                yield session, path


def _iterate_names(folder: Path, browser: str) -> Iterator[tuple[Session, Path]]:
    """Yield each name that a session of a browser can have, and the path for `hold_lock`."""
    for number in range(1, MAX_PROFILES + 1):
        yield name_session(browser, number), folder / f"extension-{browser}-{number}"


def _is_held(path: Path) -> bool:
    try:
        with hold_lock(path, timeout=0):
            return False
    except TimeoutError:
        return True
    except OSError:  # a host cannot open it either
        return False

"""Control Python's garbage collector; no other module does.

A full collection traverses every loaded object. With this program and its libraries that takes a tenth of a
second: as long as a request, and long enough to delay a key press. Loaded modules are never freed, so
traversing them is wasted work. Short commands do not collect at all. The dashboard does not collect before
its first figures; then it freezes the loaded objects and collects the few others often, so that memory use
stays constant for weeks.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

THRESHOLDS = 1_000, 3, 2
"""Number of allocations before a collection, and of collections before the next generation is included."""


@contextlib.contextmanager
def pause_collection() -> Iterator[None]:
    """Pause collection for a short command, which would spend a tenth of its time on it."""
    stop_collection()
    try:
        yield
    finally:
        resume_collection()


def stop_collection() -> None:
    """Stop collecting until `resume_collection`, for example for the first second."""
    gc.disable()


def resume_collection() -> None:
    """Resume collecting."""
    gc.enable()


def set_aside_loaded() -> None:
    """Exclude all objects that are alive now from later collections, and collect the rest often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def take_back_loaded() -> None:
    """Let collections traverse all objects again."""
    gc.unfreeze()


def skip_last_collection() -> None:
    """Skip the collection at exit: the process frees all its memory anyway."""
    gc.freeze()

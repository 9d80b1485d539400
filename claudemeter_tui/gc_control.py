"""Control Python's garbage collector: the one place that does.

A full collection looks through everything that is loaded. With this program and its libraries that takes a
tenth of a second: as long as a request, and long enough to be felt at a key. What is loaded stays loaded, so
looking through it is vain. A program that ends at once does not collect at all; the dashboard does not
collect before its first frame, then sets what is loaded aside and collects the little that is left often, so
that memory stays level for weeks.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

THRESHOLDS = 1_000, 3, 2
"""Allocations before a collection, and collections of one generation before the next one is collected."""


@contextlib.contextmanager
def pause_collection() -> Iterator[None]:
    """Collect nothing meanwhile: what is over in a second would spend a tenth of it on collecting."""
    stop_collection()
    try:
        yield
    finally:
        resume_collection()


def stop_collection() -> None:
    """Collect nothing until `resume_collection`: for the time until the first frame."""
    gc.disable()


def resume_collection() -> None:
    """Collect again."""
    gc.enable()


def set_aside_loaded() -> None:
    """Leave everything that is alive now out of each later collection, and collect the rest often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def take_back_loaded() -> None:
    """Let collections look through everything again."""
    gc.unfreeze()


def skip_last_collection() -> None:
    """Leave out the collection at the end of the process: everything goes then."""
    gc.freeze()

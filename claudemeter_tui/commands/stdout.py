"""Write to standard output, which may be closed."""

from __future__ import annotations

import errno
import os
import select
import sys
from io import TextIOWrapper

EXIT_USAGE = 2
"""Exit status for invalid arguments or settings, and without a usable terminal or output."""
EXIT_NO_SESSION, EXIT_NOTHING_READ = 3, 4
"""Exit status without a working session (none found, or expired), and if nothing could be read."""
_CLOSED_PIPE_ERRORS = (errno.EPIPE, errno.EINVAL)
"""Errors of writing into a closed pipe; Windows raises the second one."""


def print_line(text: str) -> bool:
    """Print a line; return False if standard output or its pipe is closed, which is not an error.

    Raises:
        OSError: standard output fails, for example because its disk is full.
    """
    if sys.stdout is None:
        return False
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # A terminal without UTF-8 shows the card's dots as `??`.
    try:
        print(text, flush=True)  # noqa: T201 - what the program is run for
    except OSError as error:
        # The interpreter would report an error for the rest of the buffer at exit.
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - the null device is no path
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if error.errno not in _CLOSED_PIPE_ERRORS:
            raise
        return False
    return True


def has_reader() -> bool:
    """Return False if standard output is closed, here or at the other end of its pipe; never block."""
    if sys.stdout is None:
        return False
    try:
        state = select.poll()
        state.register(sys.stdout.fileno(), 0)
    except (AttributeError, OSError):  # Windows has no poll, and what replaces standard output has no number
        return True
    return not state.poll(0)

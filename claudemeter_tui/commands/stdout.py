"""Standard output, which may be closed."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper

_CLOSED_PIPE_ERRORS = (errno.EPIPE, errno.EINVAL)
"""What writing into a closed pipe gives; the second one is Windows'."""


def print_line(text: str) -> bool:
    """Print it as a line; gives whether anybody still reads: a closed pipe is nobody's mistake.

    Raises:
        OSError: standard output takes nothing, its disk is full for example.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # A terminal without UTF-8 shows the card's dots as `??`.
    try:
        print(text, flush=True)  # noqa: T201 - what the program is run for
    except OSError as error:
        _discard_output()
        if error.errno not in _CLOSED_PIPE_ERRORS:
            raise
        return False
    return True


def _discard_output() -> None:
    """Let what is left in the buffer go nowhere: the interpreter's end would complain about it."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - the null device is no path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())

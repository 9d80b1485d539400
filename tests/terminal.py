"""A real terminal for tests: a command in a pty, its screen read by pyte.

    with Terminal([sys.executable, "-m", "claudemeter_tui", "--demo"], columns=100, rows=30) as terminal:
        terminal.wait_for("CAN WORK")
        terminal.send(RIGHT)
        terminal.send("q")
        assert terminal.wait() == 0

pyte knows no alternate screen: what the program drew stays readable after its end; whether it
restored the terminal is read from `raw`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import selectors
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

ENTER, ESCAPE, TAB, SHIFT_TAB = "\r", "\x1b", "\t", "\x1b[Z"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
CTRL_C, CTRL_Z = "\x03", "\x1a"

_LAUNCH = (
    "import fcntl, os, sys, termios;fcntl.ioctl(0, termios.TIOCSCTTY, 0);os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes the pty the controlling terminal, then becomes the command; a fork hook is unsafe beside threads."""

_UNREAD = re.compile(
    rb"\x1b\[[<=>][0-?]*[ -/]*[@-~]"  # private to other terminals: the kitty keyboard's push and pop
    rb"|\x1b\[\?[0-?]*[ -/]*[@-gi-km-~]"  # questions about modes, anything private but set and reset
    rb"|\x1b\[[0-9;]*:[0-9;:]*m"  # colours written with colons
    rb"|\x1b[P_^X](?:\x1b\x1b|[^\x1b])*\x1b\\"  # strings for the terminal, tmux's passing through too
)
"""Sequences that pyte would show as text or fail on."""
PATIENCE = 60
"""Seconds until a waiting test fails: enough for a busy machine."""
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[P_^X](?:\x1b\x1b|[^\x1b])*\x1b?)?\Z")


class Terminal:
    """A command in its own terminal; at its end all processes of its session are killed.

    The environment holds only PATH, HOME and what a common terminal sets; `env` adds to it or replaces.
    For job control (Ctrl+Z) start a shell: a command alone in its terminal cannot be suspended by a key.
    Without `is_controlling`, the command gets no signal of its terminal, such as SIGHUP when it is closed.
    """

    def __init__(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        columns: int = 100,
        rows: int = 30,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        is_controlling: bool = True,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._chunks: list[bytes] = []
        self._pending = b""
        self._closed = False
        self._changed = threading.Condition()
        self._master, slave = pty.openpty()
        self._stop, self._stopper = os.pipe()
        _set_size(slave, columns, rows)
        self._process = subprocess.Popen(
            [sys.executable, "-ISc", _LAUNCH, *command] if is_controlling else [*command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=_environment() | dict(env or {}),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._read, name="terminal")
        self._thread.start()

    @property
    def pid(self) -> int:
        """Return the command's process, also its session."""
        return self._process.pid

    @property
    def raw(self) -> bytes:
        """Return every byte written to the terminal so far."""
        with self._changed:
            return b"".join(self._chunks)

    @property
    def lines(self) -> list[str]:
        """Return the screen from top to bottom, without blanks at the ends of lines."""
        with self._changed:
            return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """Return the screen as one string."""
        return "\n".join(self.lines)

    @property
    def columns(self) -> int:
        """Return the width of the screen in cells."""
        return int(self._screen.columns)

    @property
    def title(self) -> str:
        """Return the newest window title."""
        with self._changed:
            return str(self._screen.title)

    def send(self, keys: str | bytes) -> None:
        """Type text, or one of the key names of this module."""
        left = keys.encode() if isinstance(keys, str) else keys
        while left:
            left = left[os.write(self._master, left) :]

    def send_signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal, as a closed window does."""
        self._stop_reading()
        os.close(self._master)
        self._master = -1

    def resize(self, columns: int, rows: int) -> None:
        """Resize the terminal; the kernel signals the program by SIGWINCH.

        The screen is wiped: whatever it shows afterwards was drawn since.
        """
        with self._changed:
            self._screen.resize(rows, columns)
            self._screen.erase_in_display(2)
            _set_size(self._master, columns, rows)

    def wait_for(self, what: str | Callable[[Terminal], bool], seconds: float = PATIENCE) -> None:
        """Block until the screen shows the text, or the rule holds; both are checked at each output.

        Raises:
            AssertionError: neither comes in time; the message shows the screen.
        """
        rule = what if callable(what) else lambda terminal: what in terminal.text
        with self._changed:
            held = self._changed.wait_for(lambda: rule(self), seconds)
        assert held, self._complaint(f"{what!r} did not appear within {seconds} s")

    def wait(self, seconds: float = PATIENCE) -> int:
        """Block until the command ends; return its exit status, or minus the signal that ended it.

        Raises:
            AssertionError: the command still runs; the message shows the screen.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        status = self._process.returncode
        assert status is not None, self._complaint(f"still running after {seconds} s")
        self._thread_ended()
        return status

    def close(self) -> int:
        """End the command and its whole session in any state; return the command's exit status."""
        if not self._closed:
            self._closed = True
            self._end(signal.SIGHUP, 2)
            self._end(signal.SIGKILL, 10)
            self._process.wait()
            self._stop_reading()
            for number in (self._master, self._stop, self._stopper):
                if number >= 0:
                    os.close(number)
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._master, selectors.EVENT_READ)
            selector.register(self._stop, selectors.EVENT_READ)
            while self._stop not in {key.fd for key, _ in selector.select()}:
                if not (some := _read_some(self._master)):
                    break
                self._show(some)

    def _stop_reading(self) -> None:
        os.write(self._stopper, b".")
        self._thread.join()

    def _show(self, some: bytes) -> None:
        with self._changed:
            self._chunks.append(some)
            whole = _UNREAD.sub(b"", self._pending + some)
            tail = _UNFINISHED.search(whole)
            cut = tail.start() if tail else len(whole)
            self._pending = whole[cut:]
            self._stream.feed(whole[:cut])
            self._changed.notify_all()

    def _thread_ended(self) -> None:
        """Wait for the command's last output; a process that it left behind may keep the pty open."""
        self._thread.join(1)

    def _end(self, number: signal.Signals, seconds: float) -> None:
        for pid in session_processes(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def _complaint(self, what: str) -> str:
        frame = "─" * self._screen.columns
        state = "running" if self._process.poll() is None else f"ended with {self._process.returncode}"
        return f"{what} ({state})\n{frame}\n{self.text}\n{frame}"


def _read_some(number: int) -> bytes:
    """Return the available output; empty once no process has the terminal open."""
    try:
        return os.read(number, 65536)
    except OSError:  # Linux raises EIO where macOS reports end of file.
        return b""


def _set_size(number: int, columns: int, rows: int) -> None:
    fcntl.ioctl(number, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _environment() -> dict[str, str]:
    wanted = ("PATH", "HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
    kept = {name: os.environ[name] for name in wanted if name in os.environ}
    return kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


def session_processes(leader: int) -> Iterator[int]:
    """Return the processes of a session, including those in job-control groups of their own."""
    for pid in _processes():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                yield pid


def list_left_processes(leader: int, seconds: float = 10) -> list[int]:
    """Return the processes of a session that have not ended within so many seconds.

    One that ends with the dashboard's pipe needs some milliseconds.
    """
    latest = time.monotonic() + seconds
    while (left := list(session_processes(leader))) and time.monotonic() < latest:
        select.select([], [], [], 0.02)
    return left


def _processes() -> list[int]:
    """Return every process of the machine; macOS has no /proc, small containers have no ps."""
    if Path("/proc/self").exists():
        return [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, check=True, text=True)  # noqa: S607
    return [int(pid) for pid in listed.stdout.split()]

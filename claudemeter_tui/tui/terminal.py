"""Window title, desktop notifications and bell, written directly to the terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any

from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.message import Message
from textual.messages import InBandWindowResize

PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""Sequences that save and restore the terminal's title."""
BELL = "\x07"
MAX_TEXT_LENGTH = 250
"""Maximum characters of a title or of a part of a notification."""


class NotificationProtocol(StrEnum):
    """Escape sequences for a desktop notification; some terminals notify twice if they get two of them."""

    OSC_9 = "osc9"
    """iTerm2's sequence: one text."""
    OSC_777 = "osc777"
    """rxvt-unicode's sequence: a title and a text."""
    NONE = "off"
    """No notification."""


_PROTOCOL_BY_PROGRAM: Mapping[str, NotificationProtocol] = {
    **dict.fromkeys(("iterm.app", "zed"), NotificationProtocol.OSC_9),
    **dict.fromkeys(("warpterminal", "wezterm", "ghostty", "mintty"), NotificationProtocol.OSC_777),
    **dict.fromkeys(("apple_terminal", "vscode"), NotificationProtocol.NONE),
}
"""Protocol by the value of TERM_PROGRAM in lower case."""
_PROTOCOL_BY_VARIABLE: Mapping[str, NotificationProtocol] = {
    "ITERM_SESSION_ID": NotificationProtocol.OSC_9,
    **dict.fromkeys(("KITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR"), NotificationProtocol.OSC_777),
    **dict.fromkeys(("WEZTERM_PANE", "KONSOLE_VERSION", "VTE_VERSION"), NotificationProtocol.OSC_777),
    **dict.fromkeys(("WT_SESSION", "ALACRITTY_WINDOW_ID"), NotificationProtocol.NONE),
}
"""Protocol by a variable that only one terminal sets; tmux keeps it, but sets its own TERM_PROGRAM."""
_TERMS_WITHOUT_NOTIFICATION = ("linux", "dumb", "vt", "screen", "alacritty", "ansi", "cons")
"""Prefixes of TERM for terminals that may print an unknown sequence or are known to ignore it."""

_TERMS_WITHOUT_TITLE = ("linux", "dumb", "vt", "ansi", "cons")
"""Prefixes of TERM for terminals without a title, which may print the sequence that sets it."""


def detect_protocol(environment: Mapping[str, str]) -> NotificationProtocol:
    """Return the protocol of the terminal in this environment.

    An unknown terminal gets OSC 777, because terminals that do not support it ignore it.
    """
    program = _PROTOCOL_BY_PROGRAM.get(environment.get("TERM_PROGRAM", "").lower())
    if program is not None:
        return program
    if environment.get("LC_TERMINAL") == "iTerm2":
        return NotificationProtocol.OSC_9
    for variable, notice in _PROTOCOL_BY_VARIABLE.items():
        if environment.get(variable):
            return notice
    term = environment.get("TERM", "")
    # Inside tmux, TERM names tmux; the outer terminal is unknown.
    if not term or (term.startswith(_TERMS_WITHOUT_NOTIFICATION) and not environment.get("TMUX")):
        return NotificationProtocol.NONE
    return NotificationProtocol.OSC_777


def encode_title(text: str) -> str:
    """Return the bytes that set the title of the terminal's window."""
    return f"\x1b]2;{_sanitize(text)}{BELL}"


def encode_notification(head: str, text: str, notice: NotificationProtocol) -> str:
    """Return the bytes of a desktop notification. Empty if the terminal supports none."""
    head, text = _sanitize(head), _sanitize(text)
    match notice:
        case NotificationProtocol.OSC_9:
            # Many terminals read `9;4;…` as progress, so the text must not begin with a digit.
            return f"\x1b]9;claudemeter · {head}: {text}{BELL}"
        case NotificationProtocol.OSC_777:
            return f"\x1b]777;notify;{head.replace(';', ',')};{text.replace(';', ',')}{BELL}"
    return ""


def wrap_for_tmux(sequence: str) -> str:
    """Wrap a sequence so that tmux passes it on to the outer terminal, if its settings allow that."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" if sequence else ""


def _sanitize(text: str) -> str:
    """Return the text without control characters."""
    from claudemeter_tui.model.sanitize import replace_unprintable  # noqa: PLC0415 - no text before the first frame

    return replace_unprintable(text[:MAX_TEXT_LENGTH]).strip()


class TerminalWriter:
    """Writes directly to the terminal while the driver is in application mode; otherwise writes nothing."""

    def __init__(self, notice: NotificationProtocol, *, tmux: bool = False, titled: bool = True) -> None:
        """Set the protocol of notifications, whether tmux must pass them on, and whether titles work."""
        self._protocol = notice
        self._in_tmux = tmux
        self._has_title = titled
        self._write: Callable[[str], object] | None = None
        self._title = ""
        self.is_closed = False
        """True if the terminal was closed; a write would then block forever."""

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], notice: NotificationProtocol | None = None
    ) -> TerminalWriter:
        """Return the writer for the terminal of this environment; detect its protocol if `notice` is None."""
        return cls(
            detect_protocol(environment) if notice is None else notice,
            tmux=bool(environment.get("TMUX")),
            titled=not environment.get("TERM", "").startswith(_TERMS_WITHOUT_TITLE),
        )

    def open(self, write: Callable[[str], object]) -> None:
        """Start writing: save the terminal's title and show ours if there is one."""
        self._write = write
        if self._has_title:
            write(PUSH_TITLE + (encode_title(self._title) if self._title else ""))

    def close(self) -> None:
        """Stop writing and restore the terminal's title; a second call does nothing."""
        if self._has_title:
            self._send(POP_TITLE)
        self._write = None

    def set_title(self, text: str) -> None:
        """Set the terminal's title; write nothing if it is unchanged."""
        if text != self._title and self._has_title:
            self._title = text
            self._send(encode_title(text))

    def notify(self, head: str, text: str) -> None:
        """Send a desktop notification."""
        sequence = encode_notification(head, text, self._protocol)
        self._send(wrap_for_tmux(sequence) if self._in_tmux else sequence)

    def ring_bell(self) -> None:
        """Ring the terminal's bell."""
        self._send(BELL)

    def _send(self, sequence: str) -> None:
        if self._write is not None and sequence:
            self._write(sequence)


PIXEL_MODES_OFF = "\x1b[?1016l\x1b[?2048l"
"""Switches off mouse positions in pixels and reports of a new size, as an earlier program may have not."""
ALL_MODES_OFF = (
    f"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l{PIXEL_MODES_OFF}\x1b[?2004l\x1b[?1004l\x1b[?7h\x1b[<u"
    f"{POP_TITLE}\x1b[?1049l\x1b[?25h"
)
"""Switches off every mode that Textual 8.2.8 or this module switches on, and leaves the other screen last."""
EXIT_TIMEOUT = 10.0
"""Seconds from a signal to the end of the program, even if the terminal takes no output."""


class CellParser(XTermParser):
    """Textual's parser of keys and clicks, for a mouse whose positions are cells.

    Textual 8.2.8 takes all positions for pixels after one report of a new size, whether the terminal sends
    pixels or not; it divides by the reported size, which is 0 if the terminal does not know its pixels.
    """

    mouse_pixels = property(lambda _: False, lambda _, value: None)  # noqa: ARG005


class ExitSignals:
    """The signals that end the program, from the first change to the terminal until `release`."""

    def __init__(self, exit_app: Callable[[], object], abandon: Callable[[], object]) -> None:
        """Call `exit_app` in the event loop; if the program has not ended by then, `abandon` in a thread."""
        self._exit_app, self._abandon = exit_app, abandon
        self._handlers: dict[signal.Signals, Any] = {}

    def catch(self) -> None:
        """Catch the signals from now on; a second call does nothing."""
        if sys.platform != "win32" and not self._handlers:
            self._loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                # The loop's own handlers would not run while the loop waits for a terminal.
                self._handlers[number] = signal.signal(number, self._end_program)

    def release(self) -> None:
        """Handle the signals as before."""
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _end_program(self, number: int, _: object) -> None:
        self._loop.call_soon_threadsafe(self._exit_app)
        timer = threading.Timer(EXIT_TIMEOUT, self._force_end, (number,))
        timer.daemon = True
        timer.start()

    def _force_end(self, number: int) -> None:
        try:
            self._abandon()
        finally:
            os._exit(128 + number)


_AnyDriver: Any = object


class TerminalWriterDriver(_AnyDriver):  # type: ignore[misc]
    """Mixed into a driver of Textual: saves and restores the terminal's title, unless headless.

    Signals enter and leave the application mode only between two steps of the event loop, and never twice.
    Textual 8.2.8 enters it again at each SIGCONT: then two threads share the keys, and `q` waits for one.
    """

    outlet: TerminalWriter
    before: Callable[[], object]
    """Called before any change to the terminal."""

    _is_active = False
    """True in application mode."""
    _is_suspended = False
    """True if the next SIGCONT enters the application mode again."""
    _must_stop = False
    """True from SIGTSTP until SIGCONT."""
    _has_continued = False
    """True from SIGCONT until the next step of the event loop."""

    def write(self, data: str) -> None:
        """Write to the terminal; drop what comes outside of the application mode."""
        # Outside of it no thread takes what is queued, and a full queue blocks.
        if self._is_active and not self.outlet.is_closed:
            super().write(data)

    def start_application_mode(self) -> None:
        """Take over the terminal, unless that is done already."""
        if self.is_headless:
            super().start_application_mode()
        elif not self._is_active:
            self.before()
            self._is_active, self._is_suspended = True, False
            super().start_application_mode()
            if self._has_writer():
                self.outlet.open(self.write)
            else:  # in the background the terminal refuses, until the shell sends SIGCONT
                self._is_active, self._is_suspended = False, True

    def stop_application_mode(self) -> None:
        """Restore the terminal, unless that is done already."""
        if self.is_headless:
            super().stop_application_mode()
        elif self._is_active:
            self.outlet.close()
            super().stop_application_mode()
        self._is_active = self._is_suspended = False

    def close(self) -> None:
        """Stop the thread that writes to the terminal."""
        if self._has_writer():  # a dead one, of a closed terminal, empties no queue
            super().close()

    def abandon(self) -> None:
        """Restore the terminal as far as that is possible without waiting, from any thread."""
        if self._is_active and self.attrs_before is not None:
            import termios  # noqa: PLC0415 - not on Windows

            with suppress(OSError, termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            with suppress(OSError):
                os.set_blocking(self._file.fileno(), False)
                os.write(self._file.fileno(), ALL_MODES_OFF.encode())
            os.set_blocking(self._file.fileno(), True)

    def process_message(self, message: Message) -> None:
        """Pass on a message of the terminal."""
        # At this message Textual would switch on the modes of pixels.
        if not isinstance(message, InBandWindowResize):
            super().process_message(message)

    def _query_in_band_window_resize(self) -> None:
        self.write(PIXEL_MODES_OFF)

    def _disable_in_band_window_resize(self) -> None:
        self.write(PIXEL_MODES_OFF)

    def _has_writer(self) -> bool:
        """Return False if the thread that writes to the terminal does not run."""
        return not hasattr(self, "_writer_thread") or (
            self._writer_thread is not None and self._writer_thread.is_alive()
        )

    def _sigtstp_application(self, *_: object) -> None:
        # Python runs the handlers of signals by number, and so this one last, whichever came first.
        if self._has_continued:
            return
        self._must_stop = True
        if self._is_active and self._auto_restart:
            self._loop.call_soon_threadsafe(self._suspend)
        else:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, *_: object) -> None:
        self._must_stop, self._has_continued = False, True
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._resume)

    def _suspend(self) -> None:
        """Give the terminal back and stop the process, unless SIGCONT has come since."""
        if self._is_active and self._must_stop:
            self.suspend_application_mode()
            self._is_suspended = self._must_signal_resume = True
        if self._must_stop:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _resume(self) -> None:
        """Enter the application mode again, or undo what the shell did to the terminal after a SIGSTOP."""
        self._has_continued = False
        if not self._auto_restart or not (self._is_active or self._is_suspended):
            return
        if self._is_suspended:
            self.resume_application_mode()
        elif self.attrs_before is not None:
            self._set_raw_mode()
        self._app.refresh(layout=True)

    def _set_raw_mode(self) -> None:
        """Let each key arrive at once and unseen, as `start_application_mode` does."""
        import termios  # noqa: PLC0415 - not on Windows

        with suppress(termios.error):
            attributes = termios.tcgetattr(self.fileno)
            attributes[0] = self._patch_iflag(attributes[0])
            attributes[3] = self._patch_lflag(attributes[3])
            termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)


def build_driver_class(
    base: type[Driver], outlet: TerminalWriter, before: Callable[[], object] = lambda: None
) -> type[Driver]:
    """Return a subclass of `base` that opens and closes the writer with the application mode.

    Call `before` before any change to the terminal.
    """
    module: Any = sys.modules[base.__module__]
    if hasattr(module, "XTermParser"):  # the driver builds its parser itself
        module.XTermParser = CellParser
    attributes = {"outlet": outlet, "before": staticmethod(before)}
    return type(f"TerminalWriter{base.__name__}", (TerminalWriterDriver, base), attributes)

"""Window title, desktop notifications and bell, written directly to the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from textual.driver import Driver

PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""Sequences that save and restore the terminal's title."""
BELL = "\x07"
MAX_TEXT_LENGTH = 250
"""Characters of a title or of a part of a notification."""


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
"""Protocol by a variable that only one terminal sets; it survives tmux, which sets its own TERM_PROGRAM."""
_TERMS_WITHOUT_NOTIFICATION = ("linux", "dumb", "vt", "screen", "alacritty", "ansi", "cons")
"""Prefixes of TERM of terminals that may print an unknown sequence or are known to ignore it."""

_TERMS_WITHOUT_TITLE = ("linux", "dumb", "vt", "ansi", "cons")
"""Prefixes of TERM of terminals without a title, which may print its sequence."""


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
    # Inside tmux, TERM names tmux; the terminal around it is unknown.
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
    """Wrap a sequence so that tmux passes it on to its terminal, if its settings allow that."""
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


def build_driver_class(
    base: type[Driver], outlet: TerminalWriter, before: Callable[[], object] = lambda: None
) -> type[Driver]:
    """Return a subclass of `base` that opens and closes the writer with the application mode.

    Call `before` before any change to the terminal.
    """

    class TerminalWriterDriver(base):  # type: ignore[misc,valid-type]
        """A driver that saves and restores the terminal's title; a headless one writes nothing."""

        def write(self, data: str) -> None:
            if not outlet.is_closed:
                super().write(data)

        def start_application_mode(self) -> None:
            if not self.is_headless:
                before()
            super().start_application_mode()
            if not self.is_headless:
                outlet.open(self.write)

        def stop_application_mode(self) -> None:
            outlet.close()
            super().stop_application_mode()

    TerminalWriterDriver.__name__ = TerminalWriterDriver.__qualname__ = f"TerminalWriter{base.__name__}"
    return TerminalWriterDriver

"""Title, desktop notification and bell: what goes past Textual to the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from textual.driver import Driver

PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""The terminal keeps its title aside, and takes it back."""
BELL = "\x07"
MAX_TEXT_LENGTH = 250
"""Characters of a title or of a part of a notification."""


class NotificationProtocol(StrEnum):
    """How a terminal is asked for a desktop notification; two ways at once notify twice in some."""

    OSC_9 = "osc9"
    """iTerm2's: one text."""
    OSC_777 = "osc777"
    """rxvt-unicode's: a title and a text."""
    NONE = "off"
    """Not at all."""


_PROTOCOL_BY_PROGRAM: Mapping[str, NotificationProtocol] = {
    "iterm.app": NotificationProtocol.OSC_9,
    "zed": NotificationProtocol.OSC_9,
    "warpterminal": NotificationProtocol.OSC_777,
    "wezterm": NotificationProtocol.OSC_777,
    "ghostty": NotificationProtocol.OSC_777,
    "mintty": NotificationProtocol.OSC_777,
    "apple_terminal": NotificationProtocol.NONE,
    "vscode": NotificationProtocol.NONE,
}
"""By TERM_PROGRAM, in lower case."""
_PROTOCOL_BY_VARIABLE: Mapping[str, NotificationProtocol] = {
    "ITERM_SESSION_ID": NotificationProtocol.OSC_9,
    "KITTY_WINDOW_ID": NotificationProtocol.OSC_777,
    "GHOSTTY_RESOURCES_DIR": NotificationProtocol.OSC_777,
    "WEZTERM_PANE": NotificationProtocol.OSC_777,
    "KONSOLE_VERSION": NotificationProtocol.OSC_777,
    "VTE_VERSION": NotificationProtocol.OSC_777,
    "WT_SESSION": NotificationProtocol.NONE,
    "ALACRITTY_WINDOW_ID": NotificationProtocol.NONE,
}
"""By a variable that only this terminal sets; it shines through tmux, which has its own TERM_PROGRAM."""
_TERMS_WITHOUT_NOTIFICATION = ("linux", "dumb", "vt", "screen", "alacritty", "ansi", "cons")
"""Beginnings of TERM where an unknown sequence may be printed, or is known to do nothing."""

_TERMS_WITHOUT_TITLE = ("linux", "dumb", "vt", "ansi", "cons")
"""Beginnings of TERM where there is no title, and its sequence may be printed."""


def detect_protocol(environment: Mapping[str, str]) -> NotificationProtocol:
    """What the terminal of this environment understands, as far as it can be told.

    A terminal that is not known gets OSC 777: those that do not know it ignore it.
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
    inside_tmux = bool(environment.get("TMUX"))
    return (
        NotificationProtocol.NONE
        if not term or (term.startswith(_TERMS_WITHOUT_NOTIFICATION) and not inside_tmux)
        else NotificationProtocol.OSC_777
    )


def encode_title(text: str) -> str:
    """The bytes that give the terminal's window this title."""
    return f"\x1b]2;{_sanitize(text)}{BELL}"


def encode_notification(head: str, text: str, notice: NotificationProtocol) -> str:
    """The bytes that ask for a desktop notification; empty where the terminal has none."""
    head, text = _sanitize(head), _sanitize(text)
    match notice:
        case NotificationProtocol.OSC_9:
            # Many terminals read `9;4;…` as progress: the text must not begin with a figure.
            return f"\x1b]9;claudemeter · {head}: {text}{BELL}"
        case NotificationProtocol.OSC_777:
            return f"\x1b]777;notify;{head.replace(';', ',')};{text.replace(';', ',')}{BELL}"
    return ""


def wrap_for_tmux(sequence: str) -> str:
    """The sequence as tmux hands it on to the terminal that it runs in, where its settings allow."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" if sequence else ""


def _sanitize(text: str) -> str:
    """Return the text without a character that a terminal could take for anything but text."""
    from claudemeter_tui.model.sanitize import replace_unprintable  # noqa: PLC0415 - no text before the first frame

    return replace_unprintable(text[:MAX_TEXT_LENGTH]).strip()


class TerminalWriter:
    """The way past Textual: open while the driver is in application mode; otherwise nothing goes out."""

    def __init__(self, notice: NotificationProtocol, *, tmux: bool = False, titled: bool = True) -> None:
        """Notify as `notice`, with `tmux` through tmux; `titled`: the terminal knows titles."""
        self._protocol = notice
        self._in_tmux = tmux
        self._has_title = titled
        self._write: Callable[[str], object] | None = None
        self._title = ""
        self.is_closed = False
        """Whether the terminal was closed: nothing must be written any more, it would wait forever."""

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        notice: NotificationProtocol | None = None,
        *,
        passthrough: bool = True,
    ) -> TerminalWriter:
        """The way to the terminal of this environment.

        Args:
            environment: As the program was started with.
            notice: How to notify. None: as the terminal is known to understand.
            passthrough: Whether notifications may go through tmux; if not, inside tmux there are none.
        """
        chosen, inside = (
            detect_protocol(environment) if notice is None else notice,
            bool(environment.get("TMUX")),
        )
        titled = not environment.get("TERM", "").startswith(_TERMS_WITHOUT_TITLE)
        return cls(
            NotificationProtocol.NONE if inside and not passthrough else chosen, tmux=inside, titled=titled
        )

    def open(self, write: Callable[[str], object]) -> None:
        """The driver writes now: keep the terminal's own title aside, and show ours if there is one."""
        self._write = write
        if self._has_title:
            write(PUSH_TITLE + (encode_title(self._title) if self._title else ""))

    def close(self) -> None:
        """The driver stops: give the terminal its title back; twice is once."""
        if self._has_title:
            self._send(POP_TITLE)
        self._write = None

    def set_title(self, text: str) -> None:
        """Give the terminal this title; the same one again writes nothing."""
        if text != self._title and self._has_title:
            self._title = text
            self._send(encode_title(text))

    def notify(self, head: str, text: str) -> None:
        """Ask the terminal for a desktop notification."""
        sequence = encode_notification(head, text, self._protocol)
        self._send(wrap_for_tmux(sequence) if self._in_tmux else sequence)

    def ring_bell(self) -> None:
        """Ring the bell, or whatever the terminal does in its place."""
        self._send(BELL)

    def _send(self, sequence: str) -> None:
        if self._write is not None and sequence:
            self._write(sequence)


def build_driver_class(
    base: type[Driver], outlet: TerminalWriter, before: Callable[[], object] = lambda: None
) -> type[Driver]:
    """A driver like `base` that opens and closes the outlet together with the application mode.

    `before` is called before a terminal is changed in any way.
    """

    class TerminalWriterDriver(base):  # type: ignore[misc,valid-type]
        """Keeps the terminal's title safe; a headless one writes nothing."""

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

"""Title, desktop notification and bell: what goes past Textual to the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from textual.driver import Driver

PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""The terminal keeps its title aside, and takes it back."""
BELL = "\x07"
LONGEST = 250
"""Characters of a title or of a part of a notification."""


class Notice(StrEnum):
    """How a terminal is asked for a desktop notification; two ways at once notify twice in some."""

    OSC_9 = "osc9"
    """iTerm2's: one text."""
    OSC_777 = "osc777"
    """rxvt-unicode's: a title and a text."""
    NONE = "off"
    """Not at all."""


_BY_PROGRAM: Mapping[str, Notice] = {
    "iterm.app": Notice.OSC_9,
    "zed": Notice.OSC_9,
    "warpterminal": Notice.OSC_777,
    "wezterm": Notice.OSC_777,
    "ghostty": Notice.OSC_777,
    "mintty": Notice.OSC_777,
    "apple_terminal": Notice.NONE,
    "vscode": Notice.NONE,
}
"""By TERM_PROGRAM, in lower case."""
_BY_VARIABLE: Mapping[str, Notice] = {
    "ITERM_SESSION_ID": Notice.OSC_9,
    "KITTY_WINDOW_ID": Notice.OSC_777,
    "GHOSTTY_RESOURCES_DIR": Notice.OSC_777,
    "WEZTERM_PANE": Notice.OSC_777,
    "KONSOLE_VERSION": Notice.OSC_777,
    "VTE_VERSION": Notice.OSC_777,
    "WT_SESSION": Notice.NONE,
    "ALACRITTY_WINDOW_ID": Notice.NONE,
}
"""By a variable that only this terminal sets; it shines through tmux, which has its own TERM_PROGRAM."""
_SILENT = ("linux", "dumb", "vt", "screen", "alacritty", "ansi", "cons")
"""Beginnings of TERM where an unknown sequence may be printed, or is known to do nothing."""

_UNTITLED = ("linux", "dumb", "vt", "ansi", "cons")
"""Beginnings of TERM where there is no title, and its sequence may be printed."""


def detect(environment: Mapping[str, str]) -> Notice:
    """What the terminal of this environment understands, as far as it can be told.

    A terminal that is not known gets OSC 777: those that do not know it ignore it.
    """
    program = _BY_PROGRAM.get(environment.get("TERM_PROGRAM", "").lower())
    if program is not None:
        return program
    if environment.get("LC_TERMINAL") == "iTerm2":
        return Notice.OSC_9
    for variable, notice in _BY_VARIABLE.items():
        if environment.get(variable):
            return notice
    term = environment.get("TERM", "")
    inside_tmux = bool(environment.get("TMUX"))
    return Notice.NONE if not term or (term.startswith(_SILENT) and not inside_tmux) else Notice.OSC_777


def title(text: str) -> str:
    """The bytes that give the terminal's window this title."""
    return f"\x1b]2;{_plain(text)}{BELL}"


def notification(head: str, text: str, notice: Notice) -> str:
    """The bytes that ask for a desktop notification; empty where the terminal has none."""
    head, text = _plain(head), _plain(text)
    match notice:
        case Notice.OSC_9:
            # Many terminals read `9;4;…` as progress: the text must not begin with a figure.
            return f"\x1b]9;claudemeter · {head}: {text}{BELL}"
        case Notice.OSC_777:
            return f"\x1b]777;notify;{head.replace(';', ',')};{text.replace(';', ',')}{BELL}"
    return ""


def through_tmux(sequence: str) -> str:
    """The sequence as tmux hands it on to the terminal that it runs in, where its settings allow."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" if sequence else ""


def _plain(text: str) -> str:
    """The text without a character that a terminal could take for anything but text."""
    return "".join(char if char.isprintable() else " " for char in text[:LONGEST]).strip()


class Outlet:
    """The way past Textual: open while the driver is in application mode; otherwise nothing goes out."""

    def __init__(self, notice: Notice, *, tmux: bool = False, titled: bool = True) -> None:
        """Notify as `notice`, with `tmux` through tmux; `titled`: the terminal knows titles."""
        self._notice = notice
        self._tmux = tmux
        self._titled = titled
        self._write: Callable[[str], object] | None = None
        self._title = ""
        self.is_gone = False
        """Whether the terminal was closed: nothing must be written any more, it would wait forever."""

    @classmethod
    def of(
        cls, environment: Mapping[str, str], notice: Notice | None = None, *, passthrough: bool = True
    ) -> Outlet:
        """The way to the terminal of this environment.

        Args:
            environment: As the program was started with.
            notice: How to notify. None: as the terminal is known to understand.
            passthrough: Whether notifications may go through tmux; if not, inside tmux there are none.
        """
        chosen, inside = detect(environment) if notice is None else notice, bool(environment.get("TMUX"))
        titled = not environment.get("TERM", "").startswith(_UNTITLED)
        return cls(Notice.NONE if inside and not passthrough else chosen, tmux=inside, titled=titled)

    def open(self, write: Callable[[str], object]) -> None:
        """The driver writes now: keep the terminal's own title aside, and show ours if there is one."""
        self._write = write
        if self._titled:
            write(PUSH_TITLE + (title(self._title) if self._title else ""))

    def close(self) -> None:
        """The driver stops: give the terminal its title back; twice is once."""
        if self._titled:
            self._send(POP_TITLE)
        self._write = None

    def show_title(self, text: str) -> None:
        """Give the terminal this title; the same one again writes nothing."""
        if text != self._title and self._titled:
            self._title = text
            self._send(title(text))

    def notify(self, head: str, text: str) -> None:
        """Ask the terminal for a desktop notification."""
        sequence = notification(head, text, self._notice)
        self._send(through_tmux(sequence) if self._tmux else sequence)

    def ring(self) -> None:
        """Ring the bell, or whatever the terminal does in its place."""
        self._send(BELL)

    def _send(self, sequence: str) -> None:
        if self._write is not None and sequence:
            self._write(sequence)


def driver_class(
    base: type[Driver], outlet: Outlet, before: Callable[[], object] = lambda: None
) -> type[Driver]:
    """A driver like `base` that opens and closes the outlet together with the application mode.

    `before` is called before a terminal is changed in any way.
    """

    class OutletDriver(base):  # type: ignore[misc,valid-type]
        """Keeps the terminal's title safe; a headless one writes nothing."""

        def write(self, data: str) -> None:
            if not outlet.is_gone:
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

    OutletDriver.__name__ = OutletDriver.__qualname__ = f"Outlet{base.__name__}"
    return OutletDriver

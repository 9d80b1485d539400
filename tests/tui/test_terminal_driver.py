"""Escape sequences to the terminal outside of Textual: the bytes themselves, and in a real terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.driver import Driver
from textual.drivers.headless_driver import HeadlessDriver

from claudemeter_tui.tui.terminal import (
    BELL,
    POP_TITLE,
    PUSH_TITLE,
    NotificationProtocol,
    TerminalWriter,
    build_driver_class,
    detect_protocol,
    encode_notification,
    encode_title,
    wrap_for_tmux,
)
from tests.terminal import ENTER, Terminal

HOSTILE = "a\x1b]0;pwned\x07b\x9bc\nd\u202ee;f"

TINY = """
import os
from textual.app import App
from textual.widgets import Static
from claudemeter_tui.tui.terminal import TerminalWriter, build_driver_class

class Tiny(App):
    BINDINGS = [("n", "notice"), ("x", "crash"), ("z", "suspend_process")]

    def get_driver_class(self):
        self.outlet = TerminalWriter.from_environment(os.environ)
        return build_driver_class(super().get_driver_class(), self.outlet)

    def compose(self):
        yield Static("ready")

    def on_ready(self):
        self.outlet.set_title("claudemeter: CAN WORK")

    def action_notice(self):
        self.outlet.notify("Acme Team", "BLOCKED: the cap; is reached")
        self.outlet.ring_bell()
        self.query_one(Static).update("told")

    def on_click(self, event):
        self.query_one(Static).update(f"clicked {event.screen_x} {event.screen_y}")

    def action_crash(self):
        raise RuntimeError("planned")

Tiny().run()
"""


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    """Return the command that starts a tiny application with a terminal writer."""
    script = tmp_path / "tiny.py"
    script.write_text(TINY)
    return [sys.executable, str(script)]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM_PROGRAM": "iTerm.app", "TERM": "xterm-256color"}, NotificationProtocol.OSC_9),
        ({"LC_TERMINAL": "iTerm2", "TERM": "xterm-256color"}, NotificationProtocol.OSC_9),
        (
            {"TERM_PROGRAM": "tmux", "TMUX": "/nowhere,1,0", "ITERM_SESSION_ID": "w0"},
            NotificationProtocol.OSC_9,
        ),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, NotificationProtocol.OSC_777),
        ({"TERM_PROGRAM": "WezTerm"}, NotificationProtocol.OSC_777),
        ({"TERM_PROGRAM": "ghostty"}, NotificationProtocol.OSC_777),
        ({"TERM": "foot"}, NotificationProtocol.OSC_777),
        ({"TERM": "rxvt-unicode-256color"}, NotificationProtocol.OSC_777),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, NotificationProtocol.OSC_777),
        ({"TERM": "xterm-256color"}, NotificationProtocol.OSC_777),
        ({"TERM": "screen-256color", "TMUX": "/nowhere,1,0"}, NotificationProtocol.OSC_777),
        ({"TERM": "xterm-256color", "WT_SESSION": "id"}, NotificationProtocol.NONE),
        ({"TERM_PROGRAM": "Apple_Terminal", "TERM": "xterm-256color"}, NotificationProtocol.NONE),
        ({"TERM_PROGRAM": "vscode", "TERM": "xterm-256color"}, NotificationProtocol.NONE),
        ({"TERM": "screen"}, NotificationProtocol.NONE),
        ({"TERM": "linux"}, NotificationProtocol.NONE),
        ({"TERM": "dumb"}, NotificationProtocol.NONE),
        ({}, NotificationProtocol.NONE),
    ],
)
def test_notification_uses_the_terminals_protocol(
    environment: dict[str, str], expected: NotificationProtocol
) -> None:
    """One protocol or none is chosen by the terminal's variables."""
    assert expected is detect_protocol(environment)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (encode_title("claudemeter: 41 %"), "\x1b]2;claudemeter: 41 %\x07"),
        (
            encode_notification("Lab", "BLOCKED", NotificationProtocol.OSC_9),
            "\x1b]9;claudemeter · Lab: BLOCKED\x07",
        ),
        (
            encode_notification("Lab; x", "a; b", NotificationProtocol.OSC_777),
            "\x1b]777;notify;Lab, x;a, b\x07",
        ),
        (encode_notification("Lab", "BLOCKED", NotificationProtocol.NONE), ""),
        (wrap_for_tmux("\x1b]9;x\x07"), "\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\"),
        (wrap_for_tmux(""), ""),
    ],
)
def test_sequences_are_exact(made: str, expected: str) -> None:
    """The bytes are exactly these."""
    assert expected == made


@pytest.mark.parametrize(
    "made", [encode_title(HOSTILE), encode_notification(HOSTILE, HOSTILE, NotificationProtocol.OSC_777)]
)
def test_text_cannot_end_its_sequence(made: str) -> None:
    """Server text reaches the terminal as text: one sequence goes in, one comes out."""
    inner = made.removeprefix("\x1b]").removesuffix(BELL)
    assert inner.isprintable()
    assert "pwned" in inner


def test_text_is_truncated() -> None:
    """No title is too long for a terminal."""
    assert len(encode_title("x" * 10_000)) < 300


def written(outlet: TerminalWriter) -> list[str]:
    """Open the writer and collect its output."""
    sent: list[str] = []
    outlet.open(sent.append)
    return sent


def test_outlet_pushes_shows_and_pops() -> None:
    """The terminal's own title is saved while ours is shown; an unchanged title is not sent again."""
    outlet = TerminalWriter(NotificationProtocol.OSC_777)
    outlet.set_title("before")
    sent = written(outlet)
    for text in ("a", "a", "b"):
        outlet.set_title(text)
    outlet.close()
    outlet.close()
    assert [PUSH_TITLE + encode_title("before"), encode_title("a"), encode_title("b"), POP_TITLE] == sent


def test_closed_outlet_writes_nothing() -> None:
    """Before the driver starts and after it stopped no byte is written."""
    outlet = TerminalWriter(NotificationProtocol.OSC_777)
    outlet.ring_bell()
    sent = written(outlet)
    outlet.close()
    outlet.notify("a", "b")
    outlet.ring_bell()
    assert sent == [PUSH_TITLE, POP_TITLE]


@pytest.mark.parametrize(
    ("environment", "options", "expected"),
    [
        ({"TERM": "foot"}, {}, ["\x1b]777;notify;a;b\x07", BELL]),
        ({"TERM": "foot"}, {"notice": NotificationProtocol.OSC_9}, ["\x1b]9;claudemeter · a: b\x07", BELL]),
        ({"TERM": "foot"}, {"notice": NotificationProtocol.NONE}, [BELL]),
        ({"TERM": "tmux-256color", "TMUX": "x"}, {}, [wrap_for_tmux("\x1b]777;notify;a;b\x07"), BELL]),
        ({"TERM": "linux"}, {}, [BELL]),
    ],
)
def test_outlet_notifies_by_setting_or_terminal(
    environment: dict[str, str], options: dict[str, Any], expected: list[str]
) -> None:
    """The setting or the terminal decides; a notification is wrapped for tmux."""
    outlet = TerminalWriter.from_environment(environment, **options)
    sent = written(outlet)
    outlet.notify("a", "b")
    outlet.ring_bell()
    assert expected == [one for one in sent if one != PUSH_TITLE]


def test_console_without_titles_gets_none() -> None:
    """A console that would print the title gets none."""
    outlet = TerminalWriter.from_environment({"TERM": "linux"})
    sent = written(outlet)
    outlet.set_title("a")
    outlet.close()
    assert sent == []


class Windows(Driver):
    """A fake driver of Windows: writes only in application mode, can stop and start again."""

    sent: list[str]
    attrs_before = None

    def write(self, data: str) -> None:
        """Record the text."""
        self.sent.append(data)

    def start_application_mode(self) -> None:
        """Start."""
        self.sent = ["begin"]

    def disable_input(self) -> None:
        """Do nothing."""

    def stop_application_mode(self) -> None:
        """Stop."""
        self.sent.append("end")


async def test_any_driver_opens_and_closes_its_outlet() -> None:
    """Within the application mode of any base driver the writer is open, also after a suspension."""
    outlet = TerminalWriter(NotificationProtocol.NONE)
    driver = build_driver_class(Windows, outlet)(App())
    assert isinstance(driver, Windows)
    driver.start_application_mode()
    outlet.set_title("a")
    driver.stop_application_mode()
    assert ["begin", PUSH_TITLE, encode_title("a"), POP_TITLE, "end"] == driver.sent
    driver.start_application_mode()
    driver.stop_application_mode()
    assert ["begin", PUSH_TITLE + encode_title("a"), POP_TITLE, "end"] == driver.sent


async def test_program_that_was_just_continued_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGCONT right after SIGTSTP cancels the stop, although Python reports SIGCONT first.

    However long a busy machine takes, SIGTSTP stops the program again from the loop's next step on.
    """
    stopped: list[int] = []
    monkeypatch.setattr("os.kill", lambda _, number: stopped.append(number))
    driver: Any = build_driver_class(Windows, TerminalWriter(NotificationProtocol.NONE))(App())
    driver.start_application_mode()
    driver._sigcont_application()
    driver._sigtstp_application()
    await asyncio.sleep(0)
    assert (stopped, driver._is_active) == ([], True)
    driver._sigtstp_application()
    await asyncio.sleep(0)
    assert (stopped, driver._is_active) == ([signal.SIGSTOP], False)


async def test_headless_driver_writes_nothing() -> None:
    """A picture or a test has no terminal to write to."""
    outlet = TerminalWriter(NotificationProtocol.OSC_777)
    driver = build_driver_class(HeadlessDriver, outlet)(App(), size=(80, 24))
    driver.start_application_mode()
    assert outlet._write is None
    driver.stop_application_mode()


@pytest.mark.pty
def test_real_terminal_gets_title_notice_and_bell(tiny: list[str]) -> None:
    """Each sequence arrives unbroken and once, between frames, and quitting restores the title."""
    with Terminal(tiny, env={"TERM": "foot"}) as terminal:
        terminal.wait_for("ready")
        terminal.wait_for(lambda it: it.title == "claudemeter: CAN WORK")
        terminal.send("n")
        terminal.wait_for("told")
        terminal.send("\x11")
        assert terminal.wait() == 0
        notice = b"\x1b]777;notify;Acme Team;BLOCKED: the cap, is reached\x07"
        assert terminal.raw.count(notice + b"\x07") == 1
        assert terminal.raw.count(PUSH_TITLE.encode()) == 1
        assert terminal.raw.count(POP_TITLE.encode()) == 1
        assert terminal.raw.index(PUSH_TITLE.encode()) < terminal.raw.index(b"\x1b]2;claudemeter")
        assert terminal.raw.index(POP_TITLE.encode()) > terminal.raw.index(notice)


@pytest.mark.pty
def test_real_terminal_in_tmux_wraps_the_notice(tiny: list[str]) -> None:
    """Inside tmux the notification is passed through, and the title is left to tmux."""
    with Terminal(tiny, env={"TERM": "tmux-256color", "TMUX": "/nowhere,1,0"}) as terminal:
        terminal.wait_for("ready")
        terminal.send("n")
        terminal.wait_for("told")
        assert b"\x1bPtmux;\x1b\x1b]777;notify;Acme Team;" in terminal.raw
        assert terminal.title == "claudemeter: CAN WORK"


@pytest.mark.pty
@pytest.mark.parametrize("pixels", ["0;0", "600;1000"], ids=["unknown", "known"])
def test_click_hits_after_an_in_band_report_of_a_new_size(tiny: list[str], pixels: str) -> None:
    """Positions are cells, whatever the terminal reports of its pixels, and no mode of pixels is on."""
    with Terminal(tiny, columns=100, rows=30) as terminal:
        terminal.wait_for("ready")
        terminal.send(f"\x1b[?2048;2$y\x1b[48;30;100;{pixels}t\x1b[<0;51;1M\x1b[<0;51;1m")
        terminal.wait_for("clicked 50 0")
        terminal.send("\x11")
        assert terminal.wait() == 0
        assert b"\x1b[?1016h" not in terminal.raw
        assert b"\x1b[?2048h" not in terminal.raw
        assert terminal.raw.rindex(b"\x1b[?1016l") > terminal.raw.index(b"clicked")


@pytest.mark.pty
def test_crash_restores_the_title(tiny: list[str]) -> None:
    """After a crash the terminal has its own title."""
    with Terminal(tiny) as terminal:
        terminal.wait_for("ready")
        terminal.send("x")
        terminal.wait()
        assert b"planned" in terminal.raw
        assert terminal.raw.count(POP_TITLE.encode()) == 1


@pytest.mark.pty
def test_suspension_restores_the_title_and_sets_it_again(tiny: list[str]) -> None:
    """Ctrl+Z pops the title, `fg` pushes and shows it again."""
    shell = ["/bin/bash", "--norc", "--noprofile", "-i"]
    with Terminal(shell, env={"PS1": "shell> "}) as terminal:
        terminal.wait_for("shell>")
        terminal.send(" ".join(tiny) + ENTER)
        terminal.wait_for(lambda it: b"\x1b]2;claudemeter" in it.raw)
        terminal.send("z")
        terminal.wait_for(lambda it: POP_TITLE.encode() in it.raw)
        terminal.wait_for("Stopped")
        terminal.send("fg" + ENTER)
        again = PUSH_TITLE.encode() + b"\x1b]2;claudemeter: CAN WORK\x07"
        terminal.wait_for(lambda it: again in it.raw)
        terminal.send("\x11")
        terminal.wait_for(lambda it: it.raw.count(POP_TITLE.encode()) == 2)

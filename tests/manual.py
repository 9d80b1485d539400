"""The manual page, generated from the tables of the program: `python -m tests.manual` writes it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import claudemeter_tui
from claudemeter_tui.config.actions import (
    CHECK_EXIT_HELP,
    DESCRIPTION,
    EXAMPLES,
    FLAG_GROUPS,
    PROGRAM_FLAGS,
    SETTINGS_NOTE,
    STATUS_NOTE,
)
from claudemeter_tui.formatting.status_line import PLACEHOLDERS
from claudemeter_tui.history.database import ARCHIVE_NAME
from claudemeter_tui.settings import SETTINGS, Setting

PAGE = Path(claudemeter_tui.__file__).parent / "claudemeter-tui.1"
"""The page; the wheel has it below `share/man/man1`."""
FILES = (
    ("~/.config/claudemeter-tui/config.toml", "the settings; never written by the program"),
    ("~/.local/state/claudemeter-tui", "the last theme and org"),
    (f"~/.local/share/claudemeter-tui/{ARCHIVE_NAME}", "every reply, and what follows from them"),
)
"""Files on Linux, where XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_DATA_HOME can move them."""


def build_page() -> str:
    """Return the source of the page in the macros of man(7)."""
    return "\n".join(_list_lines()) + "\n"


def _list_lines() -> Iterator[str]:
    yield f'.TH CLAUDEMETER\\-TUI 1 "" "claudemeter\\-tui {claudemeter_tui.__version__}"'
    yield ".nh"  # names are not hyphenated
    yield from (".SH NAME", r"claudemeter\-tui \- watch the limits and usage credits of claude.ai")
    yield from (".SH SYNOPSIS", r".B claudemeter\-tui", r".RI [ flags ]")
    yield from (".SH DESCRIPTION", *_wrap(DESCRIPTION))
    yield from ("Without flags, it opens the dashboard; press ? there for its keys.", ".SH OPTIONS")
    for purpose, group in FLAG_GROUPS:
        yield f".SS {_escape(purpose.capitalize())}"
        for flag in group:
            yield from _list_item(_format_flag(flag.name, flag.metavar), [flag.help])
    for name, purpose in PROGRAM_FLAGS:
        yield from _list_item(_format_flag(name, ""), [purpose])
    yield from (".SH SETTINGS", *_wrap(SETTINGS_NOTE))
    yield "A flag overrides the environment, which overrides the file."
    for setting in SETTINGS:
        yield from _list_item(f"\\fB{_escape(setting.key)}\\fR", _describe_setting(setting))
    yield from (".SH PLACEHOLDERS", r"The template of \fB\-\-format\fR can have:")
    for name, (meaning, _) in PLACEHOLDERS.items():
        yield from _list_item(f"\\fB{{{name}}}\\fR", [meaning])
    yield from (".SH EXIT STATUS", *_wrap(STATUS_NOTE.partition(". ")[2]), r"That of \fB\-\-check\fR:")
    for entry in CHECK_EXIT_HELP.split(", "):
        status, _, meaning = entry.partition(" ")
        yield from _list_item(f"\\fB{status}\\fR", [meaning])
    yield ".SH ENVIRONMENT"
    yield from _list_item(r"\fBCLAUDEMETER_COOKIE\fR", ["the session: a Cookie header or a sessionKey"])
    yield from _list_item(r"\fBCLAUDEMETER_\fR\fISETTING\fR", ["a setting, as listed above"])
    yield ".SH FILES"
    for path, meaning in FILES:
        yield from _list_item(f"\\fI{_escape(path)}\\fR", [meaning])
    yield ".SH EXAMPLES"
    for command, purpose in EXAMPLES:
        yield from _list_item(f"\\fB{_escape(command)}\\fR", [purpose])


def _describe_setting(setting: Setting) -> Iterator[str]:
    """Yield the help, then the other facts on lines of their own."""
    yield setting.help
    default = setting.default
    shown = ", ".join(map(str, default)) if isinstance(default, list) else default
    shown = ("yes" if shown else "no") if isinstance(shown, bool) else shown
    yield f"Variable: {setting.environment_variable}"
    yield from [f"Flag: {setting.flag}"] if setting.flag else []
    yield from [f"Values: {', '.join(setting.choices)}"] if setting.choices else []
    yield from [f"Default: {shown}"] if shown != "" else []


def _format_flag(name: str, metavar: str) -> str:
    value = f" \\fI{_escape(metavar)}\\fR" if metavar else ""
    return f"\\fB{_escape(name)}\\fR{value}"


def _list_item(head: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a paragraph with a hanging tag; `head` is escaped already."""
    yield from (".TP", head)
    for number, line in enumerate(lines):
        yield from (*([".br"] if number else []), *_wrap(line))


def _wrap(text: str) -> list[str]:
    """Return text as lines of roff source; none begins like a macro."""
    lines = textwrap.wrap(_escape(text), 78, break_long_words=False, break_on_hyphens=False)
    return [f"\\&{line}" if line.startswith(".") else line for line in lines]


def _escape(text: str) -> str:
    """Return text as roff source: plain hyphens and quotes stay themselves, other characters are ASCII."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha")
    return re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match[0]):04X}]", text.replace("~", "\\(ti"))


if __name__ == "__main__":
    PAGE.write_text(build_page(), "utf-8")

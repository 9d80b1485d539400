"""Every setting, once: flags, the file's keys, `--config` and the README's table come from here."""

from __future__ import annotations

from dataclasses import dataclass

from claudemeter_tui.config import kinds
from claudemeter_tui.config.kinds import Kind, Value


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting and all the ways to give it."""

    key: str
    """In the file; a dot stands for a table: `alerts.bell` is `bell` under `[alerts]`."""
    kind: Kind
    """Turns what was given into the value."""
    default: Value
    help: str
    """What it does: a line in lower case, for `--help` and the README."""
    metavar: str = ""
    """What the flag takes, for people. Empty with `flag`: a switch, which may stand alone."""
    has_flag: bool = True
    """False: it is set once and for all, in the file or the environment."""
    repeats: bool = False
    """The flag may be given several times; each adds to the list."""

    @property
    def flag(self) -> str:
        """`--base-url`; empty where there is none."""
        return f"--{self.key.replace('_', '-')}" if self.has_flag else ""

    @property
    def variable(self) -> str:
        """`CLAUDEMETER_BASE_URL`; one that is empty counts as not set."""
        return f"CLAUDEMETER_{self.key.upper().replace('.', '_')}"


SETTINGS = (
    Setting(
        "interval",
        kinds.seconds,
        60,
        "seconds between two polls, 30 at least",
        metavar="SECONDS",
    ),
    Setting(
        "source",
        kinds.choice("auto", "cookie", "claude-code"),
        "auto",
        "what to read: cookie (sessions), claude-code (its login), or auto, which is both",
        metavar="SOURCE",
    ),
    Setting(
        "browser",
        kinds.browsers,
        [],
        "only this browser, or this profile of it; several are possible, none means all",
        metavar="NAME[:PROFILE]",
        repeats=True,
    ),
    Setting(
        "cookie_file",
        kinds.path,
        "",
        "read no browser, but a Cookie header, a bare sessionKey or Netscape cookies from this file",
        metavar="FILE",
    ),
    Setting(
        "base_url",
        kinds.address,
        "https://claude.ai",
        "another origin; https, or http on this machine",
        metavar="URL",
    ),
    Setting(
        "theme",
        kinds.theme,
        "",
        "the colours; without one those chosen last, at first claudemeter-dark",
        metavar="NAME",
    ),
    Setting(
        "ascii",
        kinds.choice("auto", "yes", "no"),
        "auto",
        "draw the screen with ASCII only; auto does so where the locale names no UTF-8",
    ),
    Setting(
        "privacy",
        kinds.switch,
        False,
        "show pseudonyms on the screen and in pictures; what scripts get keeps the names",
    ),
    Setting(
        "pictures",
        kinds.path,
        "",
        "the folder for pictures; without one your pictures folder, else your home folder",
        metavar="FOLDER",
    ),
    Setting(
        "thresholds",
        kinds.percentages,
        [75, 90, 100],
        "percentages of a window or of the credits that make an alert when they are passed",
        metavar="LIST",
    ),
    Setting("alerts.toast", kinds.switch, True, "alert by a note on the screen", has_flag=False),
    Setting("alerts.bell", kinds.switch, True, "alert by the terminal's bell", has_flag=False),
    Setting(
        "alerts.desktop",
        kinds.choice("auto", "osc9", "osc777", "off"),
        "auto",
        "alert by a notification of the desktop, in this one of the terminals' languages",
        has_flag=False,
    ),
    Setting(
        "on_event",
        kinds.command,
        [],
        "run this command at each event, which it finds as JSON on its standard input",
        has_flag=False,
    ),
)
"""In the order in which they are shown."""

"""Every setting, once: flags, keys of the file, `--config` and the README's table come from here."""

from __future__ import annotations

from dataclasses import dataclass

from claudemeter_tui.config import parsers
from claudemeter_tui.config.parsers import SettingParser, SettingValue


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting and all the ways to give it."""

    key: str
    """In the file; a dot stands for a table: `alerts.bell` is `bell` under `[alerts]`."""
    parse: SettingParser
    """Turns what was given into the value."""
    default: SettingValue
    help: str
    """What it does: a line in lower case, for `--help` and the README."""
    metavar: str = ""
    """What the flag takes, for people. Empty with `flag`: a switch, which may stand alone."""
    has_flag: bool = True
    """False: it is set once and for all, in the file or the environment."""
    is_repeatable: bool = False
    """The flag may be given several times; each adds to the list."""

    @property
    def flag(self) -> str:
        """`--base-url`; empty where there is none."""
        return f"--{self.key.replace('_', '-')}" if self.has_flag else ""

    @property
    def environment_variable(self) -> str:
        """`CLAUDEMETER_BASE_URL`; one that is empty counts as not set."""
        return f"CLAUDEMETER_{self.key.upper().replace('.', '_')}"


SETTINGS = (
    Setting(
        "interval",
        parsers.parse_interval,
        60,
        "seconds between two polls, 30 at least",
        metavar="SECONDS",
    ),
    Setting(
        "source",
        parsers.make_choice_parser("auto", "cookie", "claude-code"),
        "auto",
        "what to read: cookie (sessions), claude-code (its login), or auto, which is both",
        metavar="SOURCE",
    ),
    Setting(
        "browser",
        parsers.parse_browsers,
        [],
        "only this browser, or this profile of it; several are possible, none means all",
        metavar="NAME[:PROFILE]",
        is_repeatable=True,
    ),
    Setting(
        "cookie_file",
        parsers.parse_path,
        "",
        "read no browser, but a Cookie header, a bare sessionKey or Netscape cookies from this file",
        metavar="FILE",
    ),
    Setting(
        "base_url",
        parsers.parse_base_url,
        "https://claude.ai",
        "another origin; https, or http on this machine",
        metavar="URL",
    ),
    Setting(
        "theme",
        parsers.parse_theme,
        "",
        "the colours; without one those chosen last, at first claudemeter-dark",
        metavar="NAME",
    ),
    Setting(
        "ascii",
        parsers.make_choice_parser("auto", "yes", "no"),
        "auto",
        "draw the screen with ASCII only; auto does so where the locale names no UTF-8",
    ),
    Setting(
        "privacy",
        parsers.parse_switch,
        False,
        "show pseudonyms on the screen and in pictures; what scripts get keeps the names",
    ),
    Setting(
        "pictures",
        parsers.parse_path,
        "",
        "the folder for pictures; without one your pictures folder, else your home folder",
        metavar="FOLDER",
    ),
    Setting(
        "thresholds",
        parsers.parse_percentages,
        [75, 90, 100],
        "percentages of a window or of the credits that make an alert when they are passed",
        metavar="LIST",
    ),
    Setting("alerts.toast", parsers.parse_switch, True, "alert by a note on the screen", has_flag=False),
    Setting("alerts.bell", parsers.parse_switch, True, "alert by the terminal's bell", has_flag=False),
    Setting(
        "alerts.desktop",
        parsers.make_choice_parser("auto", "osc9", "osc777", "off"),
        "auto",
        "alert by a notification of the desktop, in this one of the terminals' languages",
        has_flag=False,
    ),
    Setting(
        "on_event",
        parsers.parse_command,
        [],
        "run this command at each event, which it finds as JSON on its standard input",
        has_flag=False,
    ),
)
"""In the order in which they are shown."""

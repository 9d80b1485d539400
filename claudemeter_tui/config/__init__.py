"""The settings of one run: from flags, the environment and a file, validated, each with its place."""

from claudemeter_tui.config.asked import Action
from claudemeter_tui.config.cookie import COOKIE_VARIABLE, LARGEST_COOKIE_FILE
from claudemeter_tui.config.errors import SettingsError
from claudemeter_tui.config.flags import parser
from claudemeter_tui.config.run import Settings, settings
from claudemeter_tui.config.shown import listing
from claudemeter_tui.config.table import SETTINGS, Setting

__all__ = [
    "COOKIE_VARIABLE",
    "LARGEST_COOKIE_FILE",
    "SETTINGS",
    "Action",
    "Setting",
    "Settings",
    "SettingsError",
    "listing",
    "parser",
    "settings",
]

"""The manual page is that of the program, and no formatter complains about it."""

from __future__ import annotations

import subprocess

import pytest

from claudemeter_tui.config.actions import EXAMPLES, build_flag_parser
from claudemeter_tui.settings import SETTINGS
from tests.manual import PAGE, build_page

NO_DATE = 'WARNING: missing date, using "": TH'
"""Complaint that is accepted: a date would have to be set by hand at each change."""


def test_the_page_is_up_to_date() -> None:
    """The page follows from the tables of the program."""
    assert PAGE.read_text("utf-8") == build_page(), "python -m tests.manual writes the page anew"


@pytest.mark.tools
def test_no_formatter_complains() -> None:
    """Man and groff print it without a warning, and mandoc finds only the missing date."""
    for command in (
        ["man", "--warnings", "-l", str(PAGE)],
        ["groff", "-ww", "-man", "-Tutf8", str(PAGE)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
    command = ["mandoc", "-Tlint", str(PAGE)]
    lint = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in (lint.stdout + lint.stderr).splitlines() if NO_DATE not in line] == []


@pytest.mark.tools
def test_every_flag_and_setting_is_readable_in_the_page() -> None:
    """As man prints it, the page has every flag, key, variable and example with plain hyphens and quotes."""
    command = ["mandoc", "-Tascii", "-O", "width=500", str(PAGE)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    while "\b" in printed:  # bold: each character twice
        place = printed.index("\b")
        printed = printed[: place - 1] + printed[place + 1 :]
    flags = [name for flag in build_flag_parser()._actions for name in flag.option_strings]
    settings = [word for row in SETTINGS for word in (row.key, row.environment_variable, row.help)]
    needed = [*flags, *settings, *(command for command, _ in EXAMPLES)]
    assert [word for word in needed if word not in " ".join(printed.split())] == []

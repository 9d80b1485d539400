"""The settings of one run as the program uses them."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from claudemeter_tui.config import cookie
from claudemeter_tui.config.asked import Action, asked, folder, home, picture, size
from claudemeter_tui.config.cookie import COOKIE_VARIABLE
from claudemeter_tui.config.flags import parser
from claudemeter_tui.config.given import Given, Rank, resolve
from claudemeter_tui.sources.cookies import Cookies
from claudemeter_tui.sources.origin import CLAUDE_AI

CLAUDE_CODE = "claude-code"
"""The source that no cookie and no browser has a part in."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person asked for."""

    action: Action = Action.DASHBOARD
    demo: bool = False
    interval: timedelta = timedelta(seconds=60)
    """Between two polls, 30 s or more."""
    base_url: str = CLAUDE_AI
    """An origin: scheme, host and port."""
    source: str = "auto"
    """`auto`, `cookie` or `claude-code`."""
    browsers: tuple[str, ...] = ()
    """`NAME` or `NAME:PROFILE`, known ones. Empty: all."""
    cookies: Cookies | None = None
    """Given by hand. None: look for a browser's session."""
    cookies_from: str = ""
    """Where they were given, for people; empty without them."""
    theme: str = ""
    """A theme's name. Empty: the one remembered."""
    ascii: bool = False
    """Draw with ASCII only."""
    privacy: bool = False
    """Show pseudonyms."""
    pictures: Path | None = None
    """The folder for pictures, there when a dashboard begins. None: where `folders.pictures_folder` says."""
    thresholds: tuple[float, ...] = (75, 90, 100)
    """Percentages above 0, at most 100, lowest first."""
    toast: bool = True
    """Alert by a note on the screen."""
    bell: bool = True
    """Alert by the terminal's bell."""
    desktop: str = "auto"
    """Alert by `osc9` or `osc777`, by the one that fits (`auto`), or not (`off`)."""
    on_event: tuple[str, ...] = ()
    """A program and its arguments, run at each event. Empty: none."""
    screenshot: Path | None = None
    """Where the picture goes; only for `Action.PICTURE`."""
    size: tuple[int, int] = (120, 36)
    """Columns and lines of the picture."""
    org: str | None = None
    """The one org to print: its number, name or uuid. None: all of them, or the worst."""
    form: str | None = None
    """The placeholders of `--line`. None: the usual ones."""
    given: Mapping[str, Given] = field(default_factory=dict, compare=False, repr=False)
    """Each setting by its key, with the place it comes from."""


def settings(
    arguments: Sequence[str], environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Settings:
    """The settings of these arguments, this environment, and this config file (None: without one).

    Raises:
        SettingsError: one of them cannot be used.
    """
    flags = parser().parse_args(arguments)
    action = asked(flags)
    given = resolve(flags, environment, file)
    value = {key: one.value for key, one in given.items()}
    cookies, place = _cookies(flags, action, environment, given)
    return Settings(
        action=action,
        demo=flags.demo,
        interval=timedelta(seconds=value["interval"]),
        base_url=value["base_url"],
        source="cookie" if cookies is not None and value["source"] == CLAUDE_CODE else value["source"],
        browsers=() if cookies is not None else tuple(value["browser"]),
        cookies=cookies,
        cookies_from=place,
        theme=value["theme"],
        ascii=_is_ascii(value["ascii"], environment),
        privacy=value["privacy"],
        pictures=_pictures(action, given["pictures"]) if value["pictures"] else None,
        thresholds=tuple(value["thresholds"]),
        toast=value["alerts.toast"],
        bell=value["alerts.bell"],
        desktop=value["alerts.desktop"],
        on_event=tuple(value["on_event"]),
        screenshot=picture(flags.screenshot) if flags.screenshot is not None else None,
        size=size(flags.size) if flags.size is not None else Settings().size,
        org=flags.org,
        form=flags.format,
        given=given,
    )


def _pictures(action: Action, given: Given) -> Path:
    """The folder for pictures: for what reads figures alone it need not be there."""
    path = _path(given)
    return folder(given.place, path) if action in (Action.DASHBOARD, Action.CONFIG) else path


def _is_ascii(choice: str, environment: Mapping[str, str]) -> bool:
    """Whether to draw with ASCII only: a locale that is set and names no UTF-8 cannot show more.

    Where LANG is C, Python itself sets LC_CTYPE (PEP 538): that says nothing of the terminal.
    """
    if choice != "auto":
        return choice == "yes"
    everything, kind, lang = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    own = lang in ("C", "POSIX") and kind in ("C.UTF-8", "C.utf8", "UTF-8")
    locale = next(filter(None, (everything, None if own else kind, lang)), "UTF-8").lower()
    return "utf-8" not in locale and "utf8" not in locale


def _path(one: Given) -> Path:
    """A path that is a setting's value; in the file it is meant from the file's own folder."""
    path = home(one.place, one.value)
    return one.folder / path if one.folder is not None else path


def _cookies(
    flags: Namespace, action: Action, environment: Mapping[str, str], given: Mapping[str, Given]
) -> tuple[Cookies | None, str]:
    """The cookies given by hand and where; none where a stronger place names a browser or another source."""
    named, source = given["cookie_file"], given["source"]
    other = source if source.value == CLAUDE_CODE else given["browser"]
    rank, place = (named.rank, named.name) if named.value else (Rank.DEFAULT, "")
    by_variable = COOKIE_VARIABLE in environment and rank < Rank.FLAG
    if by_variable:
        rank, place = Rank.ENVIRONMENT, COOKIE_VARIABLE
    strongest = other.rank if other.value else Rank.DEFAULT
    if flags.demo or action is Action.CONFIG or rank == Rank.DEFAULT or rank < strongest:
        return None, ""
    if rank == strongest:
        raise other.refusal(f"it cannot stand beside {place}; give one of the two")
    if by_variable:
        return cookie.from_environment(environment), COOKIE_VARIABLE
    return cookie.from_file(_path(named), given["base_url"].value, named.place), "cookie file"

"""Every profile of every browser, side by side, each with its own time limit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from claudemeter_tui.model.reading import Session
from claudemeter_tui.sources.aside import aside
from claudemeter_tui.sources.browsers import chromium, firefox, safari
from claudemeter_tui.sources.browsers.database import UnreadableError
from claudemeter_tui.sources.browsers.folders import BROWSERS, Browser, Kind, bases
from claudemeter_tui.sources.browsers.outcome import Look, Outcome
from claudemeter_tui.sources.browsers.profiles import Profile, profiles
from claudemeter_tui.sources.browsers.session import look_at
from claudemeter_tui.sources.browsers.wanted import Wanted

LIMIT = 8.0
"""Seconds for one profile: browser_cookie3 alone waits 5 for a locked database."""
_IN_USE = (32, 33)
"""Windows' errors for a file that another program keeps to itself."""
_READERS = {Kind.CHROMIUM: chromium.read, Kind.FIREFOX: firefox.read, Kind.SAFARI: safari.read}


def _ignore(look: Look) -> None:
    """What `tell` does unless something else is given."""


@dataclass(frozen=True, slots=True)
class _Survey:
    """What all looks of one survey have in common."""

    within: Mapping[str, Path]
    system: str
    limit: float
    tell: Callable[[Look], None]


async def look(
    wanted: Collection[str] = (),
    *,
    home: Path | None = None,
    system: str = sys.platform,
    limit: float = LIMIT,
    tell: Callable[[Look], None] = _ignore,
) -> tuple[Look, ...]:
    """Look at every profile of every installed browser.

    Nothing waits for anything else: one that hangs ends as `TIMED_OUT`, one that fails says why.

    Args:
        wanted: `NAME` or `NAME:PROFILE`, as in `--browser`; empty means all. What is asked for by
            name and not there gets a look that says so.
        home: the folder below which all profiles are. None: where this person's system has them.
        system: whose folders to look in, named as `sys.platform` does.
        limit: seconds for one profile, and for listing the profiles of one browser.
        tell: called on the event loop with each look as soon as it is done.

    Returns:
        All looks, in the order of `BROWSERS`, then of profiles, then of containers.

    Raises:
        UnknownBrowserError: `wanted` names a browser that cannot be read.
    """
    asked = [Wanted.parse(text) for text in wanted]
    survey = _Survey(bases(home), system, limit, tell)
    each = (_browser(browser, asked, survey) for browser in BROWSERS)
    return tuple(chain.from_iterable(await asyncio.gather(*each)))


async def _browser(browser: Browser, asked: list[Wanted], survey: _Survey) -> list[Look]:
    """Every look at one browser."""
    ours = [each for each in asked if each.browser is browser]
    if asked and not ours:
        return []
    try:
        found = await aside(partial(profiles, browser, survey.within, survey.system), survey.limit)
    except TimeoutError:
        return _told([_nothing(browser, Outcome.TIMED_OUT, _waited(survey.limit))], survey)
    except OSError as error:
        return _told([_nothing(browser, *_broken(error))], survey)
    if not found:
        return _told(_absent(browser, ours, installed=found is not None), survey)
    meant = [profile for profile in found if not ours or any(each.reaches(profile) for each in ours)]
    looks = await asyncio.gather(*(_profile(profile, ours, survey) for profile in meant))
    return [*chain.from_iterable(looks), *_told(_missed(browser, ours, found), survey)]


async def _profile(profile: Profile, ours: list[Wanted], survey: _Survey) -> list[Look]:
    """Every look at one profile, several where it has containers."""
    try:
        looks = await aside(partial(_read, profile), survey.limit)
    except TimeoutError:
        looks = [look_at(profile, Outcome.TIMED_OUT, _waited(survey.limit))]
    kept = [one for one in looks if not ours or any(each.admits(profile, one.session) for each in ours)]
    return _told(kept, survey)


def _read(profile: Profile) -> list[Look]:
    """A profile's looks; in a thread."""
    try:
        return _READERS[profile.browser.kind](profile)
    except FileNotFoundError:
        return [look_at(profile, Outcome.NO_COOKIE, "it holds no cookies yet")]
    except OSError as error:
        return [look_at(profile, *_broken(error))]
    except UnreadableError as error:
        return [look_at(profile, Outcome.UNREADABLE, str(error))]


def _broken(error: OSError) -> tuple[Outcome, str]:
    """What it means that a file or a folder cannot be read."""
    if getattr(error, "winerror", None) in _IN_USE:
        return (
            Outcome.LOCKED,
            "the browser keeps its cookies to itself while it runs: close it and look again",
        )
    if isinstance(error, PermissionError) and sys.platform == "darwin":
        words = "macOS forbids it: give the terminal Full Disk Access in System Settings, Privacy & Security"
        return Outcome.UNREADABLE, words
    return Outcome.UNREADABLE, (error.strerror or type(error).__name__).lower()


def _absent(browser: Browser, ours: list[Wanted], *, installed: bool) -> list[Look]:
    """A browser without profiles, which is worth a word if it is there or was asked for."""
    if installed:
        return [_nothing(browser, Outcome.NO_COOKIE, "it has no profile with cookies yet")]
    return [_nothing(browser, Outcome.NO_BROWSER, "no folder of it was found")] if ours else []


def _missed(browser: Browser, ours: list[Wanted], found: list[Profile]) -> list[Look]:
    """Profiles that were asked for and are not there."""
    missed = [each for each in ours if not any(each.reaches(profile) for profile in found)]
    there = "there are: " + "; ".join(profile.label or "its only one" for profile in found)
    return [Look(Session(browser.name, each.profile), Outcome.NO_PROFILE, there) for each in missed]


def _nothing(browser: Browser, outcome: Outcome, detail: str) -> Look:
    return Look(Session(browser.name), outcome, detail)


def _waited(limit: float) -> str:
    return f"no answer within {limit:g} s: a password dialog or a lock may be in the way"


def _told(looks: list[Look], survey: _Survey) -> list[Look]:
    for one in looks:
        survey.tell(one)
    return looks

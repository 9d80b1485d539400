"""Scan every profile of every browser, side by side, each with its own time limit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from claudemeter_tui.browsers import chromium, firefox, safari
from claudemeter_tui.browsers.folders import BROWSERS, Browser, BrowserFamily, build_base_folders
from claudemeter_tui.browsers.profiles import BrowserFilter, BrowserProfile, build_scan, list_profiles
from claudemeter_tui.browsers.sqlite_image import UnreadableDatabaseError
from claudemeter_tui.clock import run_in_daemon_thread
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.session import ProfileScan, ScanOutcome

PROFILE_TIMEOUT = 8.0
"""Seconds for one profile: browser_cookie3 alone waits 5 for a locked database."""
_IN_USE_ERRORS = (32, 33)
"""Windows' errors for a file that another program keeps to itself."""
_SCANNERS = {
    BrowserFamily.CHROMIUM: chromium.scan_chromium_profile,
    BrowserFamily.FIREFOX: firefox.scan_firefox_profile,
    BrowserFamily.SAFARI: safari.scan_safari_profile,
}


def _ignore_scan(look: ProfileScan) -> None:
    """What `tell` does unless something else is given."""


@dataclass(frozen=True, slots=True)
class _ScanContext:
    """What all looks of one survey have in common."""

    base_folders: Mapping[str, Path]
    system: str
    timeout: float
    emit: Callable[[ProfileScan], None]


async def scan_browsers(
    wanted: Collection[str] = (),
    *,
    home: Path | None = None,
    system: str = sys.platform,
    limit: float = PROFILE_TIMEOUT,
    tell: Callable[[ProfileScan], None] = _ignore_scan,
) -> tuple[ProfileScan, ...]:
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
    asked = [BrowserFilter.parse(text) for text in wanted]
    survey = _ScanContext(build_base_folders(home), system, limit, tell)
    each = (_scan_browser(browser, asked, survey) for browser in BROWSERS)
    return tuple(chain.from_iterable(await asyncio.gather(*each)))


async def _scan_browser(
    browser: Browser, asked: list[BrowserFilter], survey: _ScanContext
) -> list[ProfileScan]:
    """Every look at one browser."""
    ours = [each for each in asked if each.browser is browser]
    if asked and not ours:
        return []
    try:
        found = await run_in_daemon_thread(
            partial(list_profiles, browser, survey.base_folders, survey.system), survey.timeout
        )
    except TimeoutError:
        return _emit_scans(
            [_build_empty_scan(browser, ScanOutcome.TIMED_OUT, _describe_timeout(survey.timeout))], survey
        )
    except OSError as error:
        return _emit_scans([_build_empty_scan(browser, *_classify_os_error(error))], survey)
    if not found:
        return _emit_scans(_build_absent_scans(browser, ours, installed=found is not None), survey)
    meant = [profile for profile in found if not ours or any(each.matches_profile(profile) for each in ours)]
    looks = await asyncio.gather(*(_scan_profile(profile, ours, survey) for profile in meant))
    return [*chain.from_iterable(looks), *_emit_scans(_build_missing_scans(browser, ours, found), survey)]


async def _scan_profile(
    profile: BrowserProfile, ours: list[BrowserFilter], survey: _ScanContext
) -> list[ProfileScan]:
    """Every look at one profile, several where it has containers."""
    try:
        looks = await run_in_daemon_thread(partial(_read_profile, profile), survey.timeout)
    except TimeoutError:
        looks = [build_scan(profile, ScanOutcome.TIMED_OUT, _describe_timeout(survey.timeout))]
    kept = [
        one for one in looks if not ours or any(each.matches_session(profile, one.session) for each in ours)
    ]
    return _emit_scans(kept, survey)


def _read_profile(profile: BrowserProfile) -> list[ProfileScan]:
    """A profile's looks; in a thread."""
    try:
        return _SCANNERS[profile.browser.family](profile)
    except FileNotFoundError:
        return [build_scan(profile, ScanOutcome.NO_COOKIE, "it holds no cookies yet")]
    except OSError as error:
        return [build_scan(profile, *_classify_os_error(error))]
    except UnreadableDatabaseError as error:
        return [build_scan(profile, ScanOutcome.UNREADABLE, str(error))]


def _classify_os_error(error: OSError) -> tuple[ScanOutcome, str]:
    """What it means that a file or a folder cannot be read."""
    if getattr(error, "winerror", None) in _IN_USE_ERRORS:
        return (
            ScanOutcome.LOCKED,
            "the browser keeps its cookies to itself while it runs: close it and look again",
        )
    if isinstance(error, PermissionError) and sys.platform == "darwin":
        words = "macOS forbids it: give the terminal Full Disk Access in System Settings, Privacy & Security"
        return ScanOutcome.UNREADABLE, words
    return ScanOutcome.UNREADABLE, (error.strerror or type(error).__name__).lower()


def _build_absent_scans(browser: Browser, ours: list[BrowserFilter], *, installed: bool) -> list[ProfileScan]:
    """A browser without profiles, which is worth a word if it is there or was asked for."""
    if installed:
        return [_build_empty_scan(browser, ScanOutcome.NO_COOKIE, "it has no profile with cookies yet")]
    return [_build_empty_scan(browser, ScanOutcome.NO_BROWSER, "no folder of it was found")] if ours else []


def _build_missing_scans(
    browser: Browser, ours: list[BrowserFilter], found: list[BrowserProfile]
) -> list[ProfileScan]:
    """Profiles that were asked for and are not there."""
    missed = [each for each in ours if not any(each.matches_profile(profile) for profile in found)]
    there = "there are: " + "; ".join(profile.label or "its only one" for profile in found)
    return [
        ProfileScan(Session(browser.name, each.profile), ScanOutcome.NO_PROFILE, there) for each in missed
    ]


def _build_empty_scan(browser: Browser, outcome: ScanOutcome, detail: str) -> ProfileScan:
    return ProfileScan(Session(browser.name), outcome, detail)


def _describe_timeout(limit: float) -> str:
    return f"no answer within {limit:g} s: a password dialog or a lock may be in the way"


def _emit_scans(looks: list[ProfileScan], survey: _ScanContext) -> list[ProfileScan]:
    for one in looks:
        survey.emit(one)
    return looks

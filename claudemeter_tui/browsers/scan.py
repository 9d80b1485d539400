"""Scan every profile of every browser concurrently, each with its own time limit."""

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
from claudemeter_tui.model.reading import ProfileScan, ScanOutcome, Session

PROFILE_TIMEOUT = 8.0
"""Seconds for one profile; browser_cookie3 alone waits 5 s for a locked database."""
_IN_USE_ERRORS = (32, 33)
"""Windows' sharing and lock violations: another program has opened the file exclusively."""
_SCANNERS = {
    BrowserFamily.CHROMIUM: chromium.scan_chromium_profile,
    BrowserFamily.FIREFOX: firefox.scan_firefox_profile,
    BrowserFamily.SAFARI: safari.scan_safari_profile,
}


def _ignore_scan(scan: ProfileScan) -> None:
    """Ignore a scan; the default for `emit`."""


@dataclass(frozen=True, slots=True)
class _ScanContext:
    """Settings shared by all scans of one run."""

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
    emit: Callable[[ProfileScan], None] = _ignore_scan,
) -> tuple[ProfileScan, ...]:
    """Scan every profile of every installed browser.

    No scan waits for another: a hanging one ends as `TIMED_OUT`, a failed one carries the reason.

    Args:
        wanted: `NAME` or `NAME:PROFILE`, as in `--browser`; empty for all. A name that matches nothing gets a
            scan with the reason.
        home: Folder that contains all profiles. None for the usual folders of the current user.
        system: System whose folders to search, named as in `sys.platform`.
        limit: Seconds for one profile, and for listing the profiles of one browser.
        emit: Called on the event loop with each scan as soon as it is complete.

    Returns:
        All scans, in the order of `BROWSERS`, then of profiles, then of containers.

    Raises:
        UnknownBrowserError: `wanted` names a browser that cannot be read.
    """
    filters = [BrowserFilter.parse(text) for text in wanted]
    context = _ScanContext(build_base_folders(home), system, limit, emit)
    scans = (_scan_browser(browser, filters, context) for browser in BROWSERS)
    return tuple(chain.from_iterable(await asyncio.gather(*scans)))


async def _scan_browser(
    browser: Browser, filters: list[BrowserFilter], context: _ScanContext
) -> list[ProfileScan]:
    """Return every scan of one browser."""
    own_filters = [browser_filter for browser_filter in filters if browser_filter.browser is browser]
    if filters and not own_filters:
        return []
    try:
        profiles = await run_in_daemon_thread(
            partial(list_profiles, browser, context.base_folders, context.system), context.timeout
        )
    except TimeoutError:
        return _emit_scans(
            [_build_empty_scan(browser, ScanOutcome.TIMED_OUT, _describe_timeout(context.timeout))], context
        )
    except OSError as error:
        return _emit_scans([_build_empty_scan(browser, *_classify_os_error(error))], context)
    if not profiles:
        return _emit_scans(_build_absent_scans(browser, own_filters, installed=profiles is not None), context)
    selected = [
        profile
        for profile in profiles
        if not own_filters or any(browser_filter.matches_profile(profile) for browser_filter in own_filters)
    ]
    scans = await asyncio.gather(*(_scan_profile(profile, own_filters, context) for profile in selected))
    return [
        *chain.from_iterable(scans),
        *_emit_scans(_build_missing_scans(browser, own_filters, profiles), context),
    ]


async def _scan_profile(
    profile: BrowserProfile, filters: list[BrowserFilter], context: _ScanContext
) -> list[ProfileScan]:
    """Return every scan of one profile, several if it has containers."""
    try:
        scans = await run_in_daemon_thread(partial(_read_profile, profile), context.timeout)
    # The thread cannot be stopped; it ends on its own, and its late result is dropped.
    except TimeoutError:
        scans = [build_scan(profile, ScanOutcome.TIMED_OUT, _describe_timeout(context.timeout))]
    selected = [
        scan
        for scan in scans
        if not filters
        or any(browser_filter.matches_session(profile, scan.session) for browser_filter in filters)
    ]
    return _emit_scans(selected, context)


def _read_profile(profile: BrowserProfile) -> list[ProfileScan]:
    """Return a profile's scans; called in a thread."""
    try:
        return _SCANNERS[profile.browser.family](profile)
    except FileNotFoundError:
        return [build_scan(profile, ScanOutcome.NO_COOKIE, "no cookies yet")]
    except OSError as error:
        return [build_scan(profile, *_classify_os_error(error))]
    except UnreadableDatabaseError as error:
        return [build_scan(profile, ScanOutcome.UNREADABLE, str(error))]


def _classify_os_error(error: OSError) -> tuple[ScanOutcome, str]:
    """Return the outcome and the message for a file or folder that cannot be read."""
    if getattr(error, "winerror", None) in _IN_USE_ERRORS:
        return (
            ScanOutcome.LOCKED,
            "the browser locks its cookies while it runs: close it and retry",
        )
    # macOS shields browser folders from programs without Full Disk Access; other systems do not.
    if isinstance(error, PermissionError) and sys.platform == "darwin":
        advice = (
            "macOS denies access: give the terminal Full Disk Access in System Settings, Privacy & Security"
        )
        return ScanOutcome.UNREADABLE, advice
    return ScanOutcome.UNREADABLE, (error.strerror or type(error).__name__).lower()


def _build_absent_scans(
    browser: Browser, filters: list[BrowserFilter], *, installed: bool
) -> list[ProfileScan]:
    """Return the scan of a browser without profiles; empty if it is neither installed nor asked for."""
    if installed:
        return [_build_empty_scan(browser, ScanOutcome.NO_COOKIE, "no profile with cookies yet")]
    return [_build_empty_scan(browser, ScanOutcome.NO_BROWSER, "no profile folder found")] if filters else []


def _build_missing_scans(
    browser: Browser, filters: list[BrowserFilter], profiles: list[BrowserProfile]
) -> list[ProfileScan]:
    """Return a scan for each requested profile that does not exist."""
    missing = [
        browser_filter
        for browser_filter in filters
        if not any(browser_filter.matches_profile(profile) for profile in profiles)
    ]
    available = "available: " + "; ".join(profile.label or "unnamed" for profile in profiles)
    return [
        ProfileScan(Session(browser.name, browser_filter.profile), ScanOutcome.NO_PROFILE, available)
        for browser_filter in missing
    ]


def _build_empty_scan(browser: Browser, outcome: ScanOutcome, detail: str) -> ProfileScan:
    return ProfileScan(Session(browser.name), outcome, detail)


def _describe_timeout(limit: float) -> str:
    return f"no reply within {limit:g}s: a password dialog or a lock may be blocking it"


def _emit_scans(scans: list[ProfileScan], context: _ScanContext) -> list[ProfileScan]:
    for scan in scans:
        context.emit(scan)
    return scans

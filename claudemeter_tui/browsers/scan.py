"""Scan every profile of every browser concurrently, each with its own time limit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.browsers import chromium, firefox, safari
from claudemeter_tui.browsers.folders import BROWSERS, Browser, BrowserFamily, build_base_folders
from claudemeter_tui.browsers.profiles import BrowserFilter, BrowserProfile, build_scan, list_profiles
from claudemeter_tui.browsers.sqlite_image import UnreadableDatabaseError
from claudemeter_tui.clock import run_in_daemon_thread
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome

PROFILE_TIMEOUT = 8.0
"""Seconds for one profile; browser_cookie3 alone waits 5 s for a locked database."""
_IN_USE_ERRORS = (32, 33)
"""Windows' sharing and lock violations: another program has opened the file exclusively."""
_SCANNERS = {
    BrowserFamily.CHROMIUM: chromium.scan_chromium_profile,
    BrowserFamily.FIREFOX: firefox.scan_firefox_profile,
    BrowserFamily.SAFARI: safari.scan_safari_profile,
}


class _Scanner(NamedTuple):
    """One run over the browsers: filters, folders, time limit and the receiver of the scans."""

    filters: list[BrowserFilter]
    ignored: list[BrowserFilter]
    base_folders: Mapping[str, Path]
    system: str
    timeout: float
    emit: Callable[[ProfileScan], object]

    async def scan_browser(self, browser: Browser) -> list[ProfileScan]:
        """Return every scan of one browser."""
        filters = [it for it in self.filters if it.browser is browser]
        ignored = [it for it in self.ignored if it.browser is browser]
        if (self.filters and not filters) or not all(it.profile for it in ignored):
            return []
        listing = partial(list_profiles, browser, self.base_folders, self.system)
        try:
            profiles = await run_in_daemon_thread(listing, self.timeout)
        except TimeoutError:
            return self._emit_scan(browser, ScanOutcome.TIMED_OUT, self._timeout_detail)
        except OSError as error:
            return self._emit_scan(browser, *_classify_os_error(error))
        if profiles is None and not filters:
            return []
        if profiles is None:
            return self._emit_scan(browser, ScanOutcome.NO_BROWSER, "no profile folder found")
        if not profiles:
            return self._emit_scan(browser, ScanOutcome.NO_COOKIE, "no profile with cookies yet")
        selected = [
            profile
            for profile in profiles
            if (not filters or any(it.matches_profile(profile) for it in filters))
            and not any(profile.is_named(it.profile) for it in ignored)
        ]
        scans = await asyncio.gather(*(self._scan_profile(profile, filters) for profile in selected))
        available = "available: " + "; ".join(profile.label or "unnamed" for profile in profiles)
        missing = [it.profile for it in filters if not any(map(it.matches_profile, profiles))]
        for name in missing:
            scans.append(self._emit_scan(browser, ScanOutcome.NO_PROFILE, available, name))
        return list(chain.from_iterable(scans))

    async def _scan_profile(self, profile: BrowserProfile, filters: list[BrowserFilter]) -> list[ProfileScan]:
        """Return every scan of one profile, several if it has containers."""
        try:
            scans = await run_in_daemon_thread(partial(_read_profile, profile), self.timeout)
        # The thread cannot be stopped; it ends on its own, and its late result is dropped.
        except TimeoutError:
            scans = [build_scan(profile, ScanOutcome.TIMED_OUT, self._timeout_detail)]
        selected = [
            scan
            for scan in scans
            if (not filters or any(it.matches_session(profile, scan.session) for it in filters))
            and not any(it.browser is profile.browser and it.is_session(scan.session) for it in self.ignored)
        ]
        for scan in selected:
            self.emit(scan)
        return selected

    def _emit_scan(
        self, browser: Browser, outcome: ScanOutcome, detail: str, profile: str = ""
    ) -> list[ProfileScan]:
        """Emit and return the scan of a whole browser, or of a missing profile."""
        scan = ProfileScan(Session(browser.name, profile), outcome, detail)
        self.emit(scan)
        return [scan]

    @property
    def _timeout_detail(self) -> str:
        return f"no reply within {self.timeout:g}s: a password dialog or a lock may be blocking it"


async def scan_browsers(
    wanted: Collection[str] = (),
    *,
    ignored: Collection[str] = (),
    home: Path | None = None,
    system: str = sys.platform,
    limit: float = PROFILE_TIMEOUT,
    emit: Callable[[ProfileScan], object] = lambda _: None,
) -> tuple[ProfileScan, ...]:
    """Scan every profile of every installed browser.

    No scan waits for another: one that hangs ends as `TIMED_OUT`, and a failed one has the reason.

    Args:
        wanted: `NAME` or `NAME:PROFILE`, as in `--browser`; empty for all. A name that matches nothing gets a
            scan with the reason.
        ignored: `NAME` or `NAME:PROFILE` of browsers and profiles that are not read.
        home: Folder that contains all profiles. None for the usual folders of the current user.
        system: The operating system, named as in `sys.platform`.
        limit: Seconds for one profile, and for listing the profiles of one browser.
        emit: Called on the event loop with each scan as soon as it is complete.

    Returns:
        All scans, in the order of `BROWSERS`, then of profiles, then of containers.

    Raises:
        UnknownBrowserError: `wanted` names a browser that cannot be read.
    """
    filters = [BrowserFilter.parse(text) for text in wanted]
    hidden = [BrowserFilter.parse(text) for text in ignored]
    scanner = _Scanner(filters, hidden, build_base_folders(home), system, limit, emit)
    return tuple(chain.from_iterable(await asyncio.gather(*map(scanner.scan_browser, BROWSERS))))


def find_unmatched_profiles(
    names: Collection[str], *, home: Path | None = None, system: str = sys.platform
) -> list[str]:
    """Return the names, as in `--browser`, that no browser and no profile on this machine has."""
    folders = build_base_folders(home)

    def is_matched(wanted: BrowserFilter) -> bool:
        try:
            profiles = list_profiles(wanted.browser, folders, system)
        except OSError:
            return True  # not known
        if profiles is None:
            return False
        return not wanted.profile or any(map(wanted.matches_profile, profiles))

    return [name for name in names if not is_matched(BrowserFilter.parse(name))]


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
        return ScanOutcome.LOCKED, "the browser locks its cookies while it runs: close it and retry"
    # macOS shields browser folders from programs without Full Disk Access; other systems do not.
    if isinstance(error, PermissionError) and sys.platform == "darwin":
        advice = "give the terminal Full Disk Access in System Settings, Privacy & Security"
        return ScanOutcome.UNREADABLE, f"macOS denies access: {advice}"
    return ScanOutcome.UNREADABLE, (error.strerror or type(error).__name__).lower()

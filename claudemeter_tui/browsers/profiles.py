"""List the profiles of a browser, filter them by `--browser`, and describe the result of a scan."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.browsers.folders import BROWSERS, Browser, BrowserFamily, ProfileRoot, find_profile_roots
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome

# Browsers freeze these parts of the User-Agent to hide the real system, so they never change.
_AGENT_PLATFORMS = {
    "darwin": "Macintosh; Intel Mac OS X 10_15_7",
    "win32": "Windows NT 10.0; Win64; x64",
}
_LINUX_AGENT_PLATFORM = "X11; Linux x86_64"
_AGENT_ENDINGS = {
    **dict.fromkeys(("Chrome", "Chrome Beta", "Chrome Dev", "Chromium", "Brave", "Arc"), ""),
    "Edge": " Edg/{major}.0.0.0",
}
"""Text after the common part of the User-Agent. Vivaldi and Opera are missing: their versions differ from
Chrome's."""


def build_chromium_agent(browser: str, root: Path, system: str) -> str | None:
    """Return the User-Agent of a Chromium browser by its `Last Version` file.

    A real Chromium browser reports only its major version. None if the version cannot be read, or if it does
    not determine the browser's User-Agent.
    """
    major = _read_major_version(root / "Last Version", r"\A\s*(\d+)\.")
    if major is None or browser not in _AGENT_ENDINGS:
        return None
    platform = _AGENT_PLATFORMS.get(system, _LINUX_AGENT_PLATFORM)
    start = f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"{start} Chrome/{major}.0.0.0 Safari/537.36" + _AGENT_ENDINGS[browser].format(major=major)


def build_firefox_agent(browser: str, profile: Path, system: str) -> str | None:
    """Return the User-Agent of a Firefox profile by its `compatibility.ini`.

    None if the version cannot be read, or for LibreWolf, which disguises its own.
    """
    major = _read_major_version(profile / "compatibility.ini", r"^LastVersion=(\d+)\.")
    if major is None or browser != "Firefox":
        return None
    platform = _AGENT_PLATFORMS.get(system, _LINUX_AGENT_PLATFORM).replace("10_15_7", "10.15")
    # Firefox froze this number for ten versions, so that no site takes "rv:11" for Internet Explorer 11.
    revision = 109 if 110 <= major < 120 else major
    return f"Mozilla/5.0 ({platform}; rv:{revision}.0) Gecko/20100101 Firefox/{major}.0"


def _read_major_version(path: Path, pattern: str) -> int | None:
    """Return the version in a file; None if there is no file or no version."""
    try:
        match = re.search(pattern, path.read_text("utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) if match else None


# Chromium creates these folders for itself; no one signs in there.
_INTERNAL_PROFILES = frozenset({"Guest Profile", "System Profile"})
_SAFARI_COOKIE_FILE = Path("Cookies", "Cookies.binarycookies")


class BrowserProfile(NamedTuple):
    """One profile of one browser."""

    browser: Browser
    label: str
    """Name for people, unique within the browser; empty for Safari's first profile."""
    folder: str
    """Name of the profile's folder, which `--browser` accepts too."""
    file: Path
    """The file with the profile's cookies, which may not exist."""
    key_file: Path
    """The file with the encryption key on Windows (`Local State`)."""
    user_agent: str | None = None
    """The browser's User-Agent. None if it is not known."""
    package: str = ""
    """`snap`, `flatpak`, or empty for an ordinary installation."""

    def is_named(self, name: str) -> bool:
        """True if the name is this profile's label or folder, in any case."""
        return name.casefold() in (self.label.casefold(), self.folder.casefold())


def list_profiles(browser: Browser, within: Mapping[str, Path], system: str) -> list[BrowserProfile] | None:
    """Return every profile that holds cookies, in the browser's order; None if the browser is not installed.

    Raises:
        OSError: a folder cannot be listed.
    """
    roots = list(find_profile_roots(browser, within, system))
    list_root = {
        BrowserFamily.CHROMIUM: _list_chromium_profiles,
        BrowserFamily.FIREFOX: _list_firefox_profiles,
        BrowserFamily.SAFARI: _list_safari_profiles,
    }[browser.family]
    profiles = [profile for root in roots for profile in list_root(browser, root, system)]
    return _make_labels_unique(profiles) if profiles or roots else None


def _list_chromium_profiles(browser: Browser, root: ProfileRoot, system: str) -> Iterator[BrowserProfile]:
    """Yield the folders with a cookie file; Opera's first profile is the root itself."""
    names = _read_profile_names(root.path / "Local State")
    agent = build_chromium_agent(browser.name, root.path, system)
    # Chromium moved its cookie file into `Network` in version 96.
    for folder in [root.path, *sorted(root.path.iterdir(), key=_build_sort_key)]:
        file = next(
            (folder / name for name in ("Network/Cookies", "Cookies") if _is_file(folder / name)), None
        )
        if file and folder.name not in _INTERNAL_PROFILES:
            short = "Default" if folder == root.path else sanitize_text(folder.name)
            label = names.get(folder.name) or short
            yield BrowserProfile(browser, label, short, file, root.path / "Local State", agent, root.package)


def _list_firefox_profiles(browser: Browser, root: ProfileRoot, system: str) -> Iterator[BrowserProfile]:
    """Yield the profiles that `profiles.ini` lists, then any other folder with cookies."""
    names = _read_profiles_ini(root.path)
    unlisted = [
        file.parent for pattern in ("*", "Profiles/*") for file in root.path.glob(f"{pattern}/cookies.sqlite")
    ]
    for folder in dict.fromkeys([*names, *sorted(unlisted)]):
        file = folder / "cookies.sqlite"
        if _is_file(file):
            agent = build_firefox_agent(browser.name, folder, system)
            label = names.get(folder) or sanitize_text(folder.name)
            yield BrowserProfile(browser, label, sanitize_text(folder.name), file, file, agent, root.package)


def _list_safari_profiles(browser: Browser, root: ProfileRoot, system: str) -> Iterator[BrowserProfile]:
    """Yield the first profile, then those that Safari 17 and later keep in separate stores.

    macOS may forbid listing the folder. The file is then yielded without a check, and reading it reports why.
    """
    # Safari exists on macOS only, but the three list functions share one signature.
    del system
    contained = root.path.parts[-2:] == ("Data", "Library")
    if contained or _is_file(root.path / _SAFARI_COOKIE_FILE):
        yield BrowserProfile(browser, "", "", root.path / _SAFARI_COOKIE_FILE, root.path)
    for file in sorted(root.path.glob(f"WebKit/WebsiteDataStore/*/{_SAFARI_COOKIE_FILE.as_posix()}")):
        name = sanitize_text(file.parent.parent.name)
        yield BrowserProfile(browser, f"profile {name[:8]}", name, file, root.path)


def _read_profile_names(local_state: Path) -> dict[str, str]:
    """Return folders with the names that the browser shows ("Person 1"), by Chromium's `Local State`.

    Empty if that file is broken.
    """
    try:
        state = json.loads(local_state.read_text("utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return {}
    match state:
        case {"profile": {"info_cache": dict(known)}}:
            return {
                folder: sanitize_text(entry["name"])
                for folder, entry in known.items()
                if isinstance(entry, dict) and isinstance(entry.get("name"), str)
            }
    return {}


def _read_profiles_ini(root: Path) -> dict[Path, str]:
    """Return folders with their names by Firefox's `profiles.ini`; empty if the file is broken."""
    # Firefox accepts `%` in a name and repeated sections; ConfigParser rejects both by default.
    ini = ConfigParser(interpolation=None, strict=False)
    try:
        ini.read_string((root / "profiles.ini").read_text("utf-8", errors="replace"))
    except (OSError, IniError):
        return {}
    entries = [ini[name] for name in ini.sections() if name.startswith("Profile") and ini[name].get("Path")]
    return {root / entry["Path"]: sanitize_text(entry.get("Name", "")) for entry in entries}


def _make_labels_unique(profiles: list[BrowserProfile]) -> list[BrowserProfile]:
    """Return the profiles with unique labels: repeated labels get the folder and package, or a number."""
    shared = Counter(profile.label for profile in profiles)
    taken: Counter[str] = Counter()
    result = []
    for profile in profiles:
        label = profile.label
        if shared[label] > 1:
            marks = [mark for mark in (profile.folder, profile.package) if mark and mark != label]
            label = f"{label} ({', '.join(marks)})" if marks else label
        taken[label] += 1
        result.append(profile._replace(label=label if taken[label] == 1 else f"{label} #{taken[label]}"))
    return result


def _build_sort_key(path: Path) -> tuple[bool, list[tuple[int, str]]]:
    """Return a key that sorts `Default` first, and `Profile 2` before `Profile 10`."""
    # Every part becomes a pair of number and text, because Python cannot compare int with str.
    parts = re.findall(r"\d+|\D+", path.name)
    return path.name != "Default", [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _is_file(path: Path) -> bool:
    """True if the path is a file; False if access to the folder is forbidden."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where looking is forbidden


class UnknownBrowserError(ValueError):
    """Raised if no supported browser has that name. The text lists the supported ones."""


class BrowserFilter(NamedTuple):
    """A browser, and one or all of its profiles."""

    browser: Browser
    profile: str = ""
    """A label or a folder, in any case. Empty for all profiles."""

    @classmethod
    def is_browser(cls, text: str) -> bool:
        """Return True if `parse` accepts this text."""
        try:
            cls.parse(text)
        except UnknownBrowserError:
            return False
        return True

    @classmethod
    def parse(cls, text: str) -> BrowserFilter:
        """Parse `NAME[:PROFILE]`; case does not matter, and `chrome-beta` is Chrome Beta.

        Raises:
            UnknownBrowserError: there is no such browser.
        """
        name, _, profile = text.partition(":")
        normalized = name.replace("-", " ").replace("_", " ").strip().casefold()
        for browser in BROWSERS:
            if browser.name.casefold() == normalized:
                return cls(browser, sanitize_text(profile))  # as the labels of profiles are
        names = ", ".join(browser.name for browser in BROWSERS)
        raise UnknownBrowserError(f"unknown browser {name.strip()!r}; supported: {names}")

    def matches_profile(self, profile: BrowserProfile) -> bool:
        """True if the profile, or one of its containers, is selected."""
        is_container = self.profile.casefold().startswith(f"{profile.label.casefold()}, ")
        return not self.profile or profile.is_named(self.profile) or is_container

    def is_session(self, session: Session) -> bool:
        """True if this is exactly the name of a session, such as that of a container."""
        return session.profile.casefold() == self.profile.casefold()

    def matches_session(self, profile: BrowserProfile, session: Session) -> bool:
        """True if this session of a profile is selected."""
        is_whole_profile = not self.profile or profile.is_named(self.profile)
        return is_whole_profile or self.is_session(session)


def build_scan(
    profile: BrowserProfile,
    outcome: ScanOutcome,
    detail: str = "",
    *,
    container: str = "",
    cookies: Cookies | None = None,
    expires: datetime | None = None,
) -> ProfileScan:
    """Return a profile's scan; a Firefox container is part of the name: "default, Work container"."""
    label = ", ".join(part for part in (profile.label, container) if part)
    agent = profile.user_agent
    return ProfileScan(Session(profile.browser.name, label), outcome, detail, cookies, expires, agent)


def build_signed_out_scan(profile: BrowserProfile, *, visited: bool) -> ProfileScan:
    """Return the scan of a readable profile without a session."""
    detail = "claude.ai was visited, but no one is signed in" if visited else "claude.ai was never visited"
    return build_scan(profile, ScanOutcome.NO_COOKIE, detail)

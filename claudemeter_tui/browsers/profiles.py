"""The profiles of a browser, which of them are wanted, and what scanning one of them gave."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from claudemeter_tui.browsers.folders import BROWSERS, Browser, BrowserFamily, ProfileRoot, find_profile_roots
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session import ProfileScan, ScanOutcome

_AGENT_PLATFORMS = {
    "darwin": "Macintosh; Intel Mac OS X 10_15_7",
    "win32": "Windows NT 10.0; Win64; x64",
}
_LINUX_AGENT_PLATFORM = "X11; Linux x86_64"
_AGENT_ENDINGS = {"Chrome": "", "Chrome Beta": "", "Chrome Dev": "", "Chromium": "", "Brave": "", "Arc": ""}
_AGENT_ENDINGS |= {"Edge": " Edg/{major}.0.0.0"}
"""What follows the common part, by browser. Vivaldi and Opera count versions of their own."""


def build_chromium_agent(browser: str, root: Path, system: str) -> str | None:
    """The User-Agent of a Chromium browser, by `Last Version`; the real one names only its first number."""
    major = _read_major_version(root / "Last Version", re.compile(r"\s*(\d+)\.").match)
    if major is None or browser not in _AGENT_ENDINGS:
        return None
    platform = _AGENT_PLATFORMS.get(system, _LINUX_AGENT_PLATFORM)
    start = f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"{start} Chrome/{major}.0.0.0 Safari/537.36" + _AGENT_ENDINGS[browser].format(major=major)


def build_firefox_agent(browser: str, profile: Path, system: str) -> str | None:
    """The User-Agent of a Firefox profile, by `compatibility.ini`. LibreWolf disguises its own."""
    major = _read_major_version(
        profile / "compatibility.ini", re.compile(r"^LastVersion=(\d+)\.", re.MULTILINE).search
    )
    if major is None or browser != "Firefox":
        return None
    platform = _AGENT_PLATFORMS.get(system, _LINUX_AGENT_PLATFORM).replace("10_15_7", "10.15")
    shown = 109 if 110 <= major < 120 else major  # frozen for ten versions, lest sites take them for IE 11
    return f"Mozilla/5.0 ({platform}; rv:{shown}.0) Gecko/20100101 Firefox/{major}.0"


def _read_major_version(path: Path, find: Callable[[str], re.Match[str] | None]) -> int | None:
    """The version in a file; None where there is no file or no version."""
    try:
        found = find(path.read_text("utf-8", errors="replace"))
    except OSError:
        return None
    return int(found[1]) if found else None


_INTERNAL_PROFILES = frozenset({"Guest Profile", "System Profile"})
_SAFARI_COOKIE_FILE = Path("Cookies", "Cookies.binarycookies")


@dataclass(frozen=True, slots=True)
class BrowserProfile:
    """One profile of one browser."""

    browser: Browser
    label: str
    """For people, unique within the browser; empty for Safari's first profile."""
    folder: str
    """The name of its folder, which names it for `--browser` too."""
    file: Path
    """What holds its cookies; it need not exist."""
    key_file: Path
    """What holds its key on Windows (`Local State`)."""
    user_agent: str | None = None
    """What the browser calls itself. None: it cannot be told."""
    package: str = ""
    """`snap`, `flatpak`, or empty."""

    def is_named(self, name: str) -> bool:
        """Whether a person means this profile, by its label or its folder."""
        return name.casefold() in (self.label.casefold(), self.folder.casefold())


def list_profiles(browser: Browser, within: Mapping[str, Path], system: str) -> list[BrowserProfile] | None:
    """Every profile that holds cookies, in the browser's order; None where it is not installed.

    Raises:
        OSError: a folder cannot be listed.
    """
    found = list(find_profile_roots(browser, within, system))
    listed = {
        BrowserFamily.CHROMIUM: _list_chromium_profiles,
        BrowserFamily.FIREFOX: _list_firefox_profiles,
        BrowserFamily.SAFARI: _list_safari_profiles,
    }[browser.family]
    several = [profile for root in found for profile in listed(browser, root, system)]
    return _make_labels_unique(several) if several or found else None


def _list_chromium_profiles(browser: Browser, root: ProfileRoot, system: str) -> Iterator[BrowserProfile]:
    """Folders with a cookie file; Opera's first profile is the root itself."""
    names = _read_profile_names(root.path / "Local State")
    agent = build_chromium_agent(browser.name, root.path, system)
    for folder in [root.path, *sorted(root.path.iterdir(), key=_build_sort_key)]:
        file = next(
            (folder / name for name in ("Network/Cookies", "Cookies") if _is_file(folder / name)), None
        )
        if file and folder.name not in _INTERNAL_PROFILES:
            short = "Default" if folder == root.path else sanitize_text(folder.name)
            label = names.get(folder.name) or short
            yield BrowserProfile(browser, label, short, file, root.path / "Local State", agent, root.package)


def _list_firefox_profiles(browser: Browser, root: ProfileRoot, system: str) -> Iterator[BrowserProfile]:
    """What `profiles.ini` lists, then folders that it does not."""
    names = _read_profiles_ini(root.path)
    spare = [
        file.parent for pattern in ("*", "Profiles/*") for file in root.path.glob(f"{pattern}/cookies.sqlite")
    ]
    for folder in dict.fromkeys([*names, *sorted(spare)]):
        file = folder / "cookies.sqlite"
        if _is_file(file):
            agent = build_firefox_agent(browser.name, folder, system)
            label = names.get(folder) or sanitize_text(folder.name)
            yield BrowserProfile(browser, label, sanitize_text(folder.name), file, file, agent, root.package)


def _list_safari_profiles(browser: Browser, root: ProfileRoot, system: str) -> Iterator[BrowserProfile]:
    """The first profile, and those that Safari 17 and later keep in stores of their own.

    macOS may forbid to look: then the file is tried all the same, and reading it tells why.
    """
    del system
    contained = root.path.parts[-2:] == ("Data", "Library")
    if contained or _is_file(root.path / _SAFARI_COOKIE_FILE):
        yield BrowserProfile(browser, "", "", root.path / _SAFARI_COOKIE_FILE, root.path)
    for file in sorted(root.path.glob(f"WebKit/WebsiteDataStore/*/{_SAFARI_COOKIE_FILE.as_posix()}")):
        name = sanitize_text(file.parent.parent.name)
        yield BrowserProfile(browser, f"profile {name[:8]}", name, file, root.path)


def _read_profile_names(local_state: Path) -> dict[str, str]:
    """Folder to the name that the person gave it, by Chromium's `Local State`; a broken one names nothing.

    A name that nobody chose ("Person 1", "Your Chrome") says less than the folder, and comes later.
    """
    try:
        state = json.loads(local_state.read_text("utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return {}
    known = _get_object(_get_object(state, "profile"), "info_cache")
    entries = {folder: _get_object(known, folder) for folder in known}
    return {
        folder: sanitize_text(entry["name"])
        for folder, entry in entries.items()
        if isinstance(entry.get("name"), str) and entry.get("is_using_default_name") is not True
    }


def _get_object(value: Any, key: str) -> dict[str, Any]:
    """The object under a key, or an empty one."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _read_profiles_ini(root: Path) -> dict[Path, str]:
    """Folder to name, by Firefox's `profiles.ini`; a broken one lists what it can."""
    ini = ConfigParser(interpolation=None, strict=False)
    try:
        ini.read_string((root / "profiles.ini").read_text("utf-8", errors="replace"))
    except (OSError, IniError):
        return {}
    entries = [ini[name] for name in ini.sections() if name.startswith("Profile") and ini[name].get("Path")]
    return {root / entry["Path"]: sanitize_text(entry.get("Name", "")) for entry in entries}


def _make_labels_unique(found: Iterable[BrowserProfile]) -> list[BrowserProfile]:
    """The same profiles; those of one name also carry their folder and package, or a number."""
    several = list(found)
    shared = Counter(profile.label for profile in several)
    taken: Counter[str] = Counter()
    result = []
    for profile in several:
        label = profile.label
        if shared[label] > 1:
            marks = [mark for mark in (profile.folder, profile.package) if mark and mark != label]
            label = f"{label} ({', '.join(marks)})" if marks else label
        taken[label] += 1
        result.append(replace(profile, label=label if taken[label] == 1 else f"{label} #{taken[label]}"))
    return result


def _build_sort_key(path: Path) -> tuple[bool, list[tuple[int, str]]]:
    """`Default` first, and `Profile 2` before `Profile 10`."""
    parts = re.findall(r"\d+|\D+", path.name)
    return path.name != "Default", [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _is_file(path: Path) -> bool:
    """Whether it is a file; one that may not be looked at is none."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where looking is forbidden


class UnknownBrowserError(ValueError):
    """No browser of that name can be read. Its text names those that can."""


@dataclass(frozen=True, slots=True)
class BrowserFilter:
    """One browser, and one of its profiles or all."""

    browser: Browser
    profile: str = ""
    """A label or a folder, in any case. Empty: all profiles."""

    @classmethod
    def parse(cls, text: str) -> BrowserFilter:
        """Read `NAME[:PROFILE]`; case does not matter, and `chrome-beta` is Chrome Beta.

        Raises:
            UnknownBrowserError: there is no such browser.
        """
        name, _, profile = text.partition(":")
        meant = name.replace("-", " ").replace("_", " ").strip().casefold()
        for browser in BROWSERS:
            if browser.name.casefold() == meant:
                return cls(browser, profile.strip())
        names = ", ".join(browser.name for browser in BROWSERS)
        raise UnknownBrowserError(f"no browser is called {name.strip()!r}; there are {names}")

    def matches_profile(self, profile: BrowserProfile) -> bool:
        """Whether the profile is meant, or one of its containers."""
        inside = self.profile.casefold().startswith(f"{profile.label.casefold()}, ")
        return not self.profile or profile.is_named(self.profile) or inside

    def matches_session(self, profile: BrowserProfile, session: Session) -> bool:
        """Whether a session of a profile is meant."""
        whole = not self.profile or profile.is_named(self.profile)
        return whole or session.profile.casefold() == self.profile.casefold()


def build_scan(
    profile: BrowserProfile,
    outcome: ScanOutcome,
    detail: str = "",
    *,
    container: str = "",
    cookies: Cookies | None = None,
    expires: datetime | None = None,
) -> ProfileScan:
    """What a profile gave; a container of Firefox is part of its name: "default, Work container"."""
    label = ", ".join(part for part in (profile.label, container) if part)
    agent = profile.user_agent
    return ProfileScan(Session(profile.browser.name, label), outcome, detail, cookies, expires, agent)


def build_signed_out_scan(profile: BrowserProfile, *, visited: bool) -> ProfileScan:
    """A profile that could be read and has no session."""
    words = (
        "claude.ai was visited, but nobody is signed in" if visited else "claude.ai was never visited here"
    )
    return build_scan(profile, ScanOutcome.NO_COOKIE, words)

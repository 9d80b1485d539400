"""The profiles of a browser, by name where the browser gave them one."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from claudemeter_tui.sources.browsers import agents
from claudemeter_tui.sources.browsers.folders import Browser, Kind, Root, roots
from claudemeter_tui.sources.plain import plain

_NO_PERSON = frozenset({"Guest Profile", "System Profile"})
_SAFARI_FILE = Path("Cookies", "Cookies.binarycookies")


@dataclass(frozen=True, slots=True)
class Profile:
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

    def called(self, name: str) -> bool:
        """Whether a person means this profile, by its label or its folder."""
        return name.casefold() in (self.label.casefold(), self.folder.casefold())


def profiles(browser: Browser, within: Mapping[str, Path], system: str) -> list[Profile] | None:
    """Every profile that holds cookies, in the browser's order; None where it is not installed.

    Raises:
        OSError: a folder cannot be listed.
    """
    found = list(roots(browser, within, system))
    listed = {Kind.CHROMIUM: _chromium, Kind.FIREFOX: _firefox, Kind.SAFARI: _safari}[browser.kind]
    several = [profile for root in found for profile in listed(browser, root, system)]
    return _unique(several) if several or found else None


def _chromium(browser: Browser, root: Root, system: str) -> Iterator[Profile]:
    """Folders with a cookie file; Opera's first profile is the root itself."""
    names = _names(root.path / "Local State")
    agent = agents.chromium(browser.name, root.path, system)
    for folder in [root.path, *sorted(root.path.iterdir(), key=_natural)]:
        file = next(
            (folder / name for name in ("Network/Cookies", "Cookies") if _is_file(folder / name)), None
        )
        if file and folder.name not in _NO_PERSON:
            short = "Default" if folder == root.path else plain(folder.name)
            label = names.get(folder.name) or short
            yield Profile(browser, label, short, file, root.path / "Local State", agent, root.package)


def _firefox(browser: Browser, root: Root, system: str) -> Iterator[Profile]:
    """What `profiles.ini` lists, then folders that it does not."""
    names = _listed(root.path)
    spare = [
        file.parent for pattern in ("*", "Profiles/*") for file in root.path.glob(f"{pattern}/cookies.sqlite")
    ]
    for folder in dict.fromkeys([*names, *sorted(spare)]):
        file = folder / "cookies.sqlite"
        if _is_file(file):
            agent = agents.firefox(browser.name, folder, system)
            label = names.get(folder) or plain(folder.name)
            yield Profile(browser, label, plain(folder.name), file, file, agent, root.package)


def _safari(browser: Browser, root: Root, system: str) -> Iterator[Profile]:
    """The first profile, and those that Safari 17 and later keep in stores of their own.

    macOS may forbid to look: then the file is tried all the same, and reading it tells why.
    """
    del system
    contained = root.path.parts[-2:] == ("Data", "Library")
    if contained or _is_file(root.path / _SAFARI_FILE):
        yield Profile(browser, "", "", root.path / _SAFARI_FILE, root.path)
    for file in sorted(root.path.glob(f"WebKit/WebsiteDataStore/*/{_SAFARI_FILE.as_posix()}")):
        name = plain(file.parent.parent.name)
        yield Profile(browser, f"profile {name[:8]}", name, file, root.path)


def _names(local_state: Path) -> dict[str, str]:
    """Folder to the name that the person gave it, by Chromium's `Local State`; a broken one names nothing.

    A name that nobody chose ("Person 1", "Your Chrome") says less than the folder, and comes later.
    """
    try:
        state = json.loads(local_state.read_text("utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return {}
    known = _inner(_inner(state, "profile"), "info_cache")
    entries = {folder: _inner(known, folder) for folder in known}
    return {
        folder: plain(entry["name"])
        for folder, entry in entries.items()
        if isinstance(entry.get("name"), str) and entry.get("is_using_default_name") is not True
    }


def _inner(value: Any, key: str) -> dict[str, Any]:
    """The object under a key, or an empty one."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _listed(root: Path) -> dict[Path, str]:
    """Folder to name, by Firefox's `profiles.ini`; a broken one lists what it can."""
    ini = ConfigParser(interpolation=None, strict=False)
    try:
        ini.read_string((root / "profiles.ini").read_text("utf-8", errors="replace"))
    except (OSError, IniError):
        return {}
    entries = [ini[name] for name in ini.sections() if name.startswith("Profile") and ini[name].get("Path")]
    return {root / entry["Path"]: plain(entry.get("Name", "")) for entry in entries}


def _unique(found: Iterable[Profile]) -> list[Profile]:
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


def _natural(path: Path) -> tuple[bool, list[tuple[int, str]]]:
    """`Default` first, and `Profile 2` before `Profile 10`."""
    parts = re.findall(r"\d+|\D+", path.name)
    return path.name != "Default", [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _is_file(path: Path) -> bool:
    """Whether it is a file; one that may not be looked at is none."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where looking is forbidden

"""Which browsers there are, and the folders that hold their profiles on each system."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path


class BrowserFamily(Enum):
    """How a browser keeps its cookies."""

    CHROMIUM = auto()
    FIREFOX = auto()
    SAFARI = auto()


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that can be read."""

    name: str
    """For people, and for `--browser`."""
    family: BrowserFamily
    reader_class: str
    """The class of browser_cookie3 that knows its keys; empty where it is not needed."""
    linux: tuple[str, ...] = ()
    """Folders of profiles, the first part one of the names in `bases`; `*` matches within a part."""
    darwin: tuple[str, ...] = ()
    win32: tuple[str, ...] = ()

    def list_folders(self, system: str) -> tuple[str, ...]:
        """Where to look on a system, named as `sys.platform` does; an unknown one is like Linux."""
        return {"darwin": self.darwin, "win32": self.win32}.get(system, self.linux)


BROWSERS = (
    Browser(
        "Chrome",
        BrowserFamily.CHROMIUM,
        "Chrome",
        linux=("config/google-chrome", "flatpak/com.google.Chrome/config/google-chrome"),
        darwin=("support/Google/Chrome",),
        win32=("local/Google/Chrome/User Data",),
    ),
    Browser(
        "Chrome Beta",
        BrowserFamily.CHROMIUM,
        "Chrome",
        linux=("config/google-chrome-beta", "flatpak/com.google.Chrome/config/google-chrome-beta"),
        darwin=("support/Google/Chrome Beta",),
        win32=("local/Google/Chrome Beta/User Data",),
    ),
    Browser(
        "Chrome Dev",
        BrowserFamily.CHROMIUM,
        "Chrome",
        linux=("config/google-chrome-unstable", "flatpak/com.google.ChromeDev/config/google-chrome-unstable"),
        darwin=("support/Google/Chrome Dev",),
        win32=("local/Google/Chrome Dev/User Data",),
    ),
    Browser(
        "Chromium",
        BrowserFamily.CHROMIUM,
        "Chromium",
        linux=(
            "config/chromium",
            "snap/chromium/common/chromium",
            "flatpak/org.chromium.Chromium/config/chromium",
        ),
        darwin=("support/Chromium",),
        win32=("local/Chromium/User Data",),
    ),
    Browser(
        "Brave",
        BrowserFamily.CHROMIUM,
        "Brave",
        linux=(
            "config/BraveSoftware/Brave-Browser",
            "snap/brave/current/.config/BraveSoftware/Brave-Browser",
            "flatpak/com.brave.Browser/config/BraveSoftware/Brave-Browser",
        ),
        darwin=("support/BraveSoftware/Brave-Browser",),
        win32=("local/BraveSoftware/Brave-Browser/User Data",),
    ),
    Browser(
        "Edge",
        BrowserFamily.CHROMIUM,
        "Edge",
        linux=("config/microsoft-edge", "flatpak/com.microsoft.Edge/config/microsoft-edge"),
        darwin=("support/Microsoft Edge",),
        win32=("local/Microsoft/Edge/User Data",),
    ),
    Browser(
        "Vivaldi",
        BrowserFamily.CHROMIUM,
        "Vivaldi",
        linux=(
            "config/vivaldi",
            "snap/vivaldi/current/.config/vivaldi",
            "flatpak/com.vivaldi.Vivaldi/config/vivaldi",
        ),
        darwin=("support/Vivaldi",),
        win32=("local/Vivaldi/User Data",),
    ),
    Browser(
        "Opera",
        BrowserFamily.CHROMIUM,
        "Opera",
        linux=("config/opera", "snap/opera/current/.config/opera", "flatpak/com.opera.Opera/config/opera"),
        darwin=("support/com.operasoftware.Opera",),
        win32=("roaming/Opera Software/Opera Stable",),
    ),
    Browser(
        "Arc",
        BrowserFamily.CHROMIUM,
        "Arc",
        darwin=("support/Arc/User Data",),
        win32=("local/Packages/TheBrowserCompany.Arc_*/LocalCache/Local/Arc/User Data",),
    ),
    Browser(
        "Firefox",
        BrowserFamily.FIREFOX,
        "",
        linux=(
            "home/.mozilla/firefox",
            "config/mozilla/firefox",  # new installations, from Firefox 147 on
            "snap/firefox/common/.mozilla/firefox",
            "flatpak/org.mozilla.firefox/.mozilla/firefox",
            "flatpak/org.mozilla.firefox/config/mozilla/firefox",
        ),
        darwin=("support/Firefox",),
        win32=(
            "roaming/Mozilla/Firefox",
            "local/Packages/Mozilla.Firefox_*/LocalCache/Roaming/Mozilla/Firefox",
        ),
    ),
    Browser(
        "LibreWolf",
        BrowserFamily.FIREFOX,
        "",
        linux=(
            "home/.librewolf",
            "config/librewolf/librewolf",
            "snap/librewolf/common/.librewolf",
            "flatpak/io.gitlab.librewolf-community/.librewolf",
        ),
        darwin=("support/librewolf",),
        win32=("roaming/librewolf",),
    ),
    Browser(
        "Safari",
        BrowserFamily.SAFARI,
        "Safari",
        darwin=("home/Library/Containers/com.apple.Safari/Data/Library", "home/Library"),
    ),
)
"""Every browser that is looked for, in the order in which people see them."""


@dataclass(frozen=True, slots=True)
class ProfileRoot:
    """A folder that exists and holds a browser's profiles."""

    path: Path
    package: str
    """`snap`, `flatpak`, or empty for an installation of the system's own kind."""


def build_base_folders(home: Path | None, environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """What the first part of a folder stands for.

    A `home` that is given is taken by itself; the person's own may be spread out by the environment.
    """
    chosen = {} if home else environ
    home = home or Path.home()
    return {
        "home": home,
        "config": Path(chosen.get("XDG_CONFIG_HOME") or home / ".config"),
        "snap": home / "snap",
        "flatpak": home / ".var" / "app",
        "support": home / "Library" / "Application Support",
        "local": Path(chosen.get("LOCALAPPDATA") or home / "AppData" / "Local"),
        "roaming": Path(chosen.get("APPDATA") or home / "AppData" / "Roaming"),
    }


def find_profile_roots(browser: Browser, within: Mapping[str, Path], system: str) -> Iterator[ProfileRoot]:
    """The folders of this browser that exist, each once."""
    seen: set[Path] = set()
    for folder in browser.list_folders(system):
        base, _, rest = folder.partition("/")
        for path in sorted(within[base].glob(rest)):
            if path.is_dir() and path.resolve() not in seen:
                seen.add(path.resolve())
                yield ProfileRoot(path, base if base in ("snap", "flatpak") else "")


def list_guarded_browsers(system: str) -> frozenset[str]:
    """Return the browsers whose scan may open a password dialog: macOS asks before Chromium's key is read."""
    return frozenset(
        browser.name
        for browser in BROWSERS
        if system == "darwin" and browser.family is BrowserFamily.CHROMIUM
    )


def describe_searched_places(system: str, environ: Mapping[str, str] = os.environ) -> str:
    """Which browsers are looked for on a system, and where: `Chrome, … and LibreWolf in the home folder's …`.

    For people: a folder goes by its name within the home folder, whoever's that is.
    """
    sought = [browser for browser in BROWSERS if browser.list_folders(system)]
    moved = "$XDG_CONFIG_HOME" if system not in ("darwin", "win32") and environ.get("XDG_CONFIG_HOME") else ""
    folders = {_find_home_folder(folder) for one in sought for folder in one.list_folders(system)}
    kept = sorted(folders - {".config"} if moved else folders)
    places = [*filter(None, [moved]), f"the home folder's {_join_names(kept)}"]
    return f"{_join_names([browser.name for browser in sought])} in {_join_names(places)}"


_HOME_FOLDERS = {
    "config": ".config",
    "flatpak": ".var",
    "support": "Library",
    "local": "AppData",
    "roaming": "AppData",
}


def _find_home_folder(folder: str) -> str:
    """The first part of a folder as it stands in the home folder."""
    base, _, rest = folder.partition("/")
    return rest.partition("/")[0] if base == "home" else _HOME_FOLDERS.get(base, base)


def _join_names(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last

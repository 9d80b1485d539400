"""List the browsers that can be read, and the folders that hold their profiles on each system."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple


class BrowserFamily(Enum):
    """Storage format of a browser's cookies."""

    CHROMIUM = auto()
    FIREFOX = auto()
    SAFARI = auto()


class Browser(NamedTuple):
    """A browser that can be read."""

    name: str
    """Name on screen and for `--browser`."""
    family: BrowserFamily
    reader_class: str
    """The browser_cookie3 class that finds the decryption key; empty if none is needed."""
    linux: tuple[str, ...] = ()
    """Folders of profiles: the first part is a key of `build_base_folders`, `*` matches within a part."""
    darwin: tuple[str, ...] = ()
    win32: tuple[str, ...] = ()

    def list_folders(self, system: str) -> tuple[str, ...]:
        """Return the folders for a system, named as in `sys.platform`; those of Linux for an unknown one."""
        return {"darwin": self.darwin, "win32": self.win32}.get(system, self.linux)


def _build_chromium(
    name: str, config: str, folder: str, *, darwin: str = "", snap: str = "", flatpak: str
) -> Browser:
    """Return a Chromium browser that keeps its profiles in the family's usual places.

    Args:
        name: the name; its first word selects the library's class, which is the same for all Chrome channels.
        config: the folder below `~/.config` on Linux, and in the Flatpak.
        folder: the folder below `%LOCALAPPDATA%`, and below `Application Support` on macOS.
        darwin: the folder on macOS, if it differs.
        snap: the whole path below `~/snap`. Empty if there is no Snap.
        flatpak: the name of the Flatpak.
    """
    return Browser(
        name,
        BrowserFamily.CHROMIUM,
        name.partition(" ")[0],
        linux=(f"config/{config}", *([f"snap/{snap}"] if snap else []), f"flatpak/{flatpak}/config/{config}"),
        darwin=(f"support/{darwin or folder}",),
        win32=(f"local/{folder}/User Data",),
    )


BROWSERS = (
    _build_chromium("Chrome", "google-chrome", "Google/Chrome", flatpak="com.google.Chrome"),
    _build_chromium("Chrome Beta", "google-chrome-beta", "Google/Chrome Beta", flatpak="com.google.Chrome"),
    _build_chromium(
        "Chrome Dev", "google-chrome-unstable", "Google/Chrome Dev", flatpak="com.google.ChromeDev"
    ),
    _build_chromium(
        "Chromium", "chromium", "Chromium", snap="chromium/common/chromium", flatpak="org.chromium.Chromium"
    ),
    _build_chromium(
        "Brave",
        "BraveSoftware/Brave-Browser",
        "BraveSoftware/Brave-Browser",
        snap="brave/current/.config/BraveSoftware/Brave-Browser",
        flatpak="com.brave.Browser",
    ),
    _build_chromium(
        "Edge", "microsoft-edge", "Microsoft/Edge", darwin="Microsoft Edge", flatpak="com.microsoft.Edge"
    ),
    _build_chromium(
        "Vivaldi", "vivaldi", "Vivaldi", snap="vivaldi/current/.config/vivaldi", flatpak="com.vivaldi.Vivaldi"
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
        # The Windows store installs Arc under a package name that ends in the publisher's hash.
        win32=("local/Packages/TheBrowserCompany.Arc_*/LocalCache/Local/Arc/User Data",),
    ),
    Browser(
        "Firefox",
        BrowserFamily.FIREFOX,
        "",
        linux=(
            "home/.mozilla/firefox",
            "config/mozilla/firefox",  # new installations since Firefox 147
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
"""Every supported browser, in the order in which they are shown."""
CHROMIUM_BROWSERS = tuple(browser for browser in BROWSERS if browser.family is BrowserFamily.CHROMIUM)
"""Those that are based on Chromium."""


MANIFEST_FOLDER = "NativeMessagingHosts"
"""Folder beside a Chromium browser's profiles that holds other programs' native messaging manifests."""


class ProfileRoot(NamedTuple):
    """An existing folder that holds a browser's profiles."""

    path: Path
    package: str
    """`snap`, `flatpak`, or empty for an ordinary installation."""


def build_base_folders(home: Path | None, environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Return the base folder for each possible first part of a browser's folder.

    A given `home` ignores the environment, which may move the user's real folders elsewhere.
    """
    variables = {} if home else environ
    home = home or Path.home()
    config = Path(variables.get("XDG_CONFIG_HOME", ""))
    return {
        "home": home,
        "config": config if config.is_absolute() else home / ".config",  # as XDG demands
        "snap": home / "snap",
        "flatpak": home / ".var" / "app",
        "support": home / "Library" / "Application Support",
        "local": Path(variables.get("LOCALAPPDATA") or home / "AppData" / "Local"),
        "roaming": Path(variables.get("APPDATA") or home / "AppData" / "Roaming"),
    }


def holds_data(folder: Path) -> bool:
    """Return True if the folder has another entry than the folder of manifests, or cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.name != MANIFEST_FOLDER for entry in entries)
    except OSError:  # whoever reads the folder reports the error
        return True


def find_profile_roots(browser: Browser, within: Mapping[str, Path], system: str) -> Iterator[ProfileRoot]:
    """Yield this browser's existing folders, each once.

    A folder with nothing but manifests is none: some programs write theirs for browsers that are not
    installed.
    """
    resolved: set[Path] = set()
    for folder in browser.list_folders(system):
        base, _, rest = folder.partition("/")
        # glob yields paths in the file system's order, which differs between machines.
        for path in sorted(within[base].glob(rest)):
            if (path / MANIFEST_FOLDER).is_dir() and not holds_data(path):
                continue
            if path.is_dir() and path.resolve() not in resolved:
                # Links may lead to the same folder: a snap can link to the ordinary one.
                resolved.add(path.resolve())
                yield ProfileRoot(path, base if base in ("snap", "flatpak") else "")


def list_guarded_browsers(system: str) -> frozenset[str]:
    """Return the browsers whose scan may open a password dialog: macOS asks before Chromium's key is read."""
    return frozenset(browser.name for browser in CHROMIUM_BROWSERS if system == "darwin")


def describe_searched_places(system: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the supported browsers and their folders as `Chrome, … and LibreWolf in the home folder's …`.

    The text names folders within the home folder, never the user's own path.
    """
    browsers = [browser for browser in BROWSERS if browser.list_folders(system)]
    bases = build_base_folders(Path())
    parts = (folder.partition("/") for browser in browsers for folder in browser.list_folders(system))
    folders = {(bases[base] / rest).parts[0] for base, _, rest in parts}
    places = []
    if system not in ("darwin", "win32") and Path(environ.get("XDG_CONFIG_HOME", "")).is_absolute():
        folders.remove(".config")
        places.append("$XDG_CONFIG_HOME")
    places.append(f"the home folder's {_join_names(sorted(folders))}")
    return f"{_join_names([browser.name for browser in browsers])} in {_join_names(places)}"


def _join_names(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last

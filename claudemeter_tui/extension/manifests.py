"""Native messaging manifests: where each browser looks for them, and what they say.

A manifest is a JSON file that names a program and the extensions that may start it. On Linux and macOS a
browser looks for it in `NativeMessagingHosts` beside its profiles (Chromium, `chrome_paths.cc`).
On Windows a registry key has its path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.browsers.folders import (
    CHROMIUM_BROWSERS,
    MANIFEST_FOLDER,
    Browser,
    ProfileRoot,
    build_base_folders,
    find_profile_roots,
    holds_data,
)
from claudemeter_tui.extension.identity import EXTENSION_ORIGIN, HOST_NAME

MANIFEST_NAME = f"{HOST_NAME}.json"
MAX_MANIFEST_BYTES = 1 << 16
"""Maximum bytes of a manifest; ours has 300."""

_READ_CHROMES = ("Opera", "Arc")
"""Browsers that look in Chrome's folder, too, in some versions instead of in their own.

Opera's documentation names Chrome's folder only (dev.opera.com, "Message passing"); Arc users report the same
(keepassxc-browser, issue 2336).
"""
_CHROMES_KEY = r"Software\Google\Chrome"
_REGISTRY_KEYS = {"Chromium": r"Software\Chromium", "Edge": r"Software\Microsoft\Edge"}
"""Registry keys below HKEY_CURRENT_USER of the browsers that have their own.

All others read Chrome's: the source of Chromium names only these (`native_process_launcher_win.cc`), and
Edge's documentation its own.
"""


class ManifestPlace(NamedTuple):
    """Places of the manifest of one browser: its profiles' folder, and what is written for it."""

    browser: Browser
    root: Path
    """The existing folder that holds the browser's profiles."""
    package: str
    """`snap`, `flatpak`, or empty for an ordinary installation."""
    files: tuple[Path, ...]
    """Every file to write; none for a Snap or a Flatpak."""
    registry_key: str = ""
    """The key below HKEY_CURRENT_USER with the file's path. Empty if the system has no registry."""


def list_manifest_places(
    data_folder: Path, home: Path | None, system: str, environ: Mapping[str, str] = os.environ
) -> tuple[ManifestPlace, ...]:
    """Return the places of every Chromium-based browser that this user has started once.

    Args:
        data_folder: this program's data folder, which holds the one manifest of Windows.
        home: home folder to search. None for the user's own, which the environment may move.
        system: the operating system, as in `sys.platform`.
        environ: the environment.
    """
    bases = build_base_folders(home, environ)
    chrome = next(browser for browser in CHROMIUM_BROWSERS if browser.name == "Chrome")
    places = []
    for browser in CHROMIUM_BROWSERS:
        roots: list[ProfileRoot] = []
        with suppress(OSError):  # a folder that may not be looked at: nothing can be written there, either
            roots += find_profile_roots(browser, bases, system)
        for root in roots:
            if not holds_data(root.path):
                continue
            files: tuple[Path, ...] = ()
            key = ""
            if system == "win32":
                files = (data_folder / MANIFEST_NAME,)
                key = name_registry_key(browser)
            elif not root.package:
                folders = [root.path]
                if browser.name in _READ_CHROMES:
                    base, _, rest = chrome.list_folders(system)[0].partition("/")
                    folders.append(bases[base] / rest)
                files = tuple(folder / MANIFEST_FOLDER / MANIFEST_NAME for folder in folders)
            places.append(ManifestPlace(browser, root.path, root.package, files, key))
    return tuple(places)


def list_possible_folders(home: Path | None, system: str) -> tuple[Path, ...]:
    """Return every existing folder of a Chromium-based browser, also if it holds nothing but manifests."""
    bases = build_base_folders(home)
    folders = (
        folder.partition("/") for browser in CHROMIUM_BROWSERS for folder in browser.list_folders(system)
    )
    return tuple(path for base, _, rest in folders for path in sorted(bases[base].glob(rest)))


def list_registry_keys() -> tuple[str, ...]:
    """Return the registry key of every browser, each once."""
    return tuple(dict.fromkeys(map(name_registry_key, CHROMIUM_BROWSERS)))


def name_registry_key(browser: Browser) -> str:
    r"""Return the registry key of the host: `Software\…\NativeMessagingHosts\com.claudemeter.tui`."""
    return rf"{_REGISTRY_KEYS.get(browser.name, _CHROMES_KEY)}\{MANIFEST_FOLDER}\{HOST_NAME}"


def name_extensions_page(browser: Browser) -> str:
    """Return the address of the browser's page of extensions: `edge://extensions`."""
    # The class of browser_cookie3 is the same for all channels of a browser.
    scheme = "chrome" if browser.reader_class == "Chromium" else browser.reader_class.lower()
    return f"{scheme}://extensions"


def build_manifest(command: Path) -> bytes:
    """Return the content of a manifest that lets our extension start this program."""
    manifest = {
        "name": HOST_NAME,
        "description": "claudemeter-tui: reads Claude's limits and credits through the browser extension",
        "path": str(command),
        "type": "stdio",
        "allowed_origins": [EXTENSION_ORIGIN],
    }
    return f"{json.dumps(manifest, indent=2)}\n".encode()


class Manifest(NamedTuple):
    """The part of a manifest that decides whether the host starts."""

    command: str
    origins: tuple[str, ...]


def parse_manifest(content: bytes) -> Manifest | None:
    """Return the program and the extensions of a manifest. None if it is not one."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    match found:
        case {"path": str(command), "allowed_origins": list(origins)}:
            return Manifest(command, tuple(origin for origin in origins if isinstance(origin, str)))
    return None

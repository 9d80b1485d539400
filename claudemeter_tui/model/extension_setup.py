"""The set-up of the browser extension on this machine: its files, and a manifest for each browser."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple


class CopyState(Enum):
    """State of the folder with the extension that the user loads into the browsers."""

    CURRENT = auto()
    STALE = auto()
    """The files are not those of this program, or some of them are missing."""
    NEWER = auto()
    """A newer version of this program has written the folder; this one leaves it as it is."""
    MISSING = auto()


class ManifestState(Enum):
    """State of the native messaging manifest that lets a browser start `claudemeter-tui-host`."""

    INSTALLED = auto()
    MISSING = auto()
    WRONG_COMMAND = auto()
    """It names a program that does not exist, or that of another installation."""
    WRONG_EXTENSION = auto()
    """It allows another extension than this program's."""
    UNREADABLE = auto()
    UNSUPPORTED = auto()
    """The browser is a Snap or a Flatpak, which cannot start programs outside of its sandbox."""


class BrowserSetup(NamedTuple):
    """A Chromium-based browser of this user, and whether it can start the host."""

    browser: str
    """Name on screen and for `--browser`."""
    family: str
    """Name that all channels of the browser share: "Chrome" for "Chrome Beta"."""
    package: str
    """`snap`, `flatpak`, or empty for an ordinary installation."""
    extensions_page: str
    """Address of the page on which extensions are loaded."""
    manifest: ManifestState
    fault: str = ""
    """The system's text if the manifest could not be written or removed; empty otherwise."""


class ExtensionRemoval(NamedTuple):
    """Result of removing the extension."""

    is_removed: bool
    """True if there was anything to remove."""
    faults: tuple[str, ...] = ()
    """The system's text about each thing that could not be removed."""


class ExtensionSetup(NamedTuple):
    """The set-up of the extension for all browsers of this user."""

    folder: Path
    """The folder that the user loads into a browser."""
    copy: CopyState
    version: str
    """Version of the extension that belongs to this program."""
    browsers: tuple[BrowserSetup, ...]
    """Each browser that was found, in the order in which browsers are shown."""

    @property
    def is_ready(self) -> bool:
        """True if the extension can be loaded into at least one browser."""
        return self.copy in (CopyState.CURRENT, CopyState.NEWER) and any(
            browser.manifest is ManifestState.INSTALLED for browser in self.browsers
        )

"""Install the browser extension, look at what is installed, renew it after an upgrade, and remove it."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.browsers.folders import CHROMIUM_BROWSERS, MANIFEST_FOLDER
from claudemeter_tui.extension.identity import (
    EXTENSION_FOLDER,
    EXTENSION_ORIGIN,
    EXTENSION_VERSION,
    read_extension_manifest,
)
from claudemeter_tui.extension.manifests import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    ManifestPlace,
    build_manifest,
    list_manifest_places,
    list_possible_folders,
    list_registry_keys,
    name_extensions_page,
    parse_manifest,
)
from claudemeter_tui.extension.registry import Registry
from claudemeter_tui.model.extension_setup import (
    BrowserSetup,
    CopyState,
    ExtensionRemoval,
    ExtensionSetup,
    ManifestState,
)
from claudemeter_tui.storage import (
    APP_NAME,
    EXTENSION_FOLDER_NAME,
    ensure_private_folder,
    is_folder,
    locate_data_folder,
    open_replacement,
    read_start,
)

HOST_COMMAND = f"{APP_NAME}-host"
"""Name of the console script that browsers start."""
MAX_FILE_BYTES = 1 << 20
"""Maximum bytes of a file of the extension; a larger one is not ours."""
_MANIFEST_JSON = "manifest.json"


class ExtensionError(Exception):
    """Raised if nothing can be installed. The text says why and what helps, without a path of the user."""


class Installation(NamedTuple):
    """The places of the extension on this user's machine, or on one made for a test."""

    data_folder: Path
    command: Path | None
    """The console script of the host. None if this program was not installed with it."""
    home: Path | None = None
    """Home folder to search for browsers. None for the user's own."""
    system: str = sys.platform
    """Operating system, as in `sys.platform`."""
    registry: Registry | None = None
    """The registry. None if the system has none."""
    ignored: frozenset[str] = frozenset()
    """Browsers for which nothing is installed."""

    @property
    def folder(self) -> Path:
        """The folder that the user loads into a browser.

        Browsers go on reading it, and an upgrade of this program may replace the program's own folders.
        """
        return self.data_folder / EXTENSION_FOLDER_NAME

    def read_setup(self) -> ExtensionSetup:
        """Return what is installed."""
        return self._describe(self._list_places(), {})

    def install(self) -> ExtensionSetup:
        """Write the extension's folder and the manifest of every browser, and return the result.

        A browser whose manifest cannot be written has the system's text in the result.

        Raises:
            ExtensionError: There is nothing to start or to install, or the folder cannot be written.
        """
        places = self._list_places()
        if self.command is None:
            raise ExtensionError(
                f"The program {HOST_COMMAND}, which browsers have to start, is not installed with this copy"
                " of claudemeter-tui. Install it with pipx, uv or pip, then try again."
            )
        if not places:
            family = [one.name for one in CHROMIUM_BROWSERS]
            names = [name for name in family if name not in self.ignored]
            ignored = ", ".join(name for name in family if name in self.ignored)
            note = f" The setting `ignore` leaves out {ignored}." if ignored else ""
            raise ExtensionError(
                "No Chromium-based browser was found. Start one of them once, then try again:"
                f" {', '.join(names)}.{note}"
            )
        if all(place.package for place in places):
            return self._describe(places, {})
        try:
            if self._read_copy_state() is not CopyState.NEWER:
                self._write_copy()
        except OSError as error:
            raise ExtensionError(
                f"The extension cannot be written into the data folder ({_describe_error(error)})."
                " Make that folder writable or free some space, then try again."
            ) from None
        faults = {place: self._write_place(place, self.command) for place in places if place.files}
        return self._describe(places, faults)

    def renew(self) -> bool:
        """Renew what an upgrade left behind, if the extension is installed; return True if its files changed.

        Files of an older version are replaced, and manifests that name a program that no longer exists. It
        takes a millisecond if there is nothing to do. An error is left to `read_setup`, which shows it.
        """
        if not is_folder(self.folder):
            return False
        is_renewed = False
        with suppress(OSError):
            if self._read_copy_state() is CopyState.STALE:
                self._write_copy()
                is_renewed = True
        if self.command is not None:
            for place in self._list_places():
                if self._read_state(place) is ManifestState.WRONG_COMMAND:
                    self._write_place(place, self.command)
        return is_renewed

    def remove(self) -> ExtensionRemoval:
        """Remove everything that was installed.

        All browsers are searched: one may have been uninstalled or ignored since.
        """
        is_removed, faults = False, []
        for remove in self._iterate_removals():
            try:
                is_removed |= remove()
            except OSError as error:
                faults.append(_describe_error(error))
        return ExtensionRemoval(is_removed, tuple(dict.fromkeys(faults)))

    def _iterate_removals(self) -> Iterator[Callable[[], bool]]:
        """Yield a function for each thing to remove, which returns False if there is none.

        A fault of one of them does not keep the others.
        """
        if self.registry is not None:
            yield from (partial(self.registry.remove, key) for key in list_registry_keys())
        yield partial(_remove_file, self.data_folder / MANIFEST_NAME)
        yield from (partial(_remove_manifest, root) for root in list_possible_folders(self.home, self.system))
        yield partial(_remove_copy, self.folder)

    def _list_places(self) -> tuple[ManifestPlace, ...]:
        places = list_manifest_places(self.data_folder, self.home, self.system)
        return tuple(place for place in places if place.browser.name not in self.ignored)

    def _describe(
        self, places: Iterable[ManifestPlace], faults: Mapping[ManifestPlace, str]
    ) -> ExtensionSetup:
        """Return the state of these places, with the system's text of each fault."""
        browsers = tuple(
            BrowserSetup(
                place.browser.name,
                place.browser.reader_class,
                place.package,
                name_extensions_page(place.browser),
                self._read_state(place),
                faults.get(place, ""),
            )
            for place in places
        )
        return ExtensionSetup(self.folder, self._read_copy_state(), EXTENSION_VERSION, browsers)

    def _read_copy_state(self) -> CopyState:
        """Return how the extension's folder compares with the files of this program."""
        if not is_folder(self.folder):
            return CopyState.MISSING
        try:
            version = _parse_version(read_extension_manifest(self.folder).get("version"))
        except (OSError, ValueError, RecursionError):
            return CopyState.STALE
        if version > _parse_version(EXTENSION_VERSION):
            return CopyState.NEWER
        is_same = all(_read_file(self.folder / name) == content for name, content in _iterate_files())
        return CopyState.CURRENT if is_same else CopyState.STALE

    def _write_copy(self) -> None:
        """Write every file of the extension, the manifest last, and remove those of other versions.

        Raises:
            OSError: the folder cannot be written.
        """
        ensure_private_folder(self.folder)
        names = []
        for name, content in sorted(_iterate_files(), key=lambda file: file[0] == _MANIFEST_JSON):
            _replace_file(self.folder / name, content)
            names.append(name)
        for path in self.folder.iterdir():
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _read_state(self, place: ManifestPlace) -> ManifestState:
        """Return the state of a browser's manifest; of several files, that of the first one with a fault."""
        if place.package:
            return ManifestState.UNSUPPORTED
        try:
            if place.registry_key and self.registry is not None:
                registered = self.registry.read(place.registry_key)
                if registered is None or Path(registered) != place.files[0]:
                    return ManifestState.MISSING
        except OSError:
            return ManifestState.UNREADABLE
        for file in place.files:
            if (state := _read_manifest_state(file)) is not ManifestState.INSTALLED:
                return state
        return ManifestState.INSTALLED

    def _write_place(self, place: ManifestPlace, command: Path) -> str:
        """Write the manifest of a browser; return the system's text of a fault, or empty."""
        try:
            for file in place.files:
                ensure_private_folder(file.parent)
                _replace_file(file, build_manifest(command))
            if place.registry_key and self.registry is not None:
                self.registry.write(place.registry_key, str(place.files[0]))
        except OSError as error:
            return _describe_error(error)
        return ""


def locate_installation(ignored: Iterable[str] = ()) -> Installation:
    """Return the places of this user."""
    registry = Registry() if sys.platform == "win32" else None
    return Installation(
        locate_data_folder(), find_host_command(), registry=registry, ignored=frozenset(ignored)
    )


def renew_copy() -> bool:
    """Renew this user's extension after an upgrade; see `Installation.renew`."""
    return locate_installation().renew()


def find_host_command() -> Path | None:
    """Return the console script of the host that was installed with this program. None if there is none.

    It is beside the interpreter in a virtual environment, and in the folder for scripts otherwise.
    """
    name = f"{HOST_COMMAND}.exe" if sys.platform == "win32" else HOST_COMMAND
    schemes = {sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")}
    folders = [Path(sys.executable).parent]
    folders += [Path(sysconfig.get_path("scripts", scheme)) for scheme in sorted(schemes)]
    commands = (folder.absolute() / name for folder in folders)
    return next((command for command in commands if command.is_file()), None)


def _iterate_files() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file of the extension in this program."""
    for path in sorted(EXTENSION_FOLDER.iterdir()):
        if path.is_file():
            yield path.name, path.read_bytes()


def _parse_version(text: object) -> tuple[int, ...]:
    """Return the numbers of a version such as `1.2`.

    Raises:
        ValueError: it has another form.
    """
    if not isinstance(text, str):
        raise ValueError("no version")  # noqa: TRY004 - a wrong file, not a wrong argument
    return tuple(map(int, text.split(".")))


def _read_file(path: Path) -> bytes | None:
    """Return the content of a file. None if it cannot be read."""
    try:
        return read_start(path, MAX_FILE_BYTES)
    except OSError:
        return None


def _read_manifest_state(file: Path) -> ManifestState:
    try:
        content = read_start(file, MAX_MANIFEST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return ManifestState.MISSING
    except OSError:
        return ManifestState.UNREADABLE
    manifest = parse_manifest(content)
    if manifest is None:
        return ManifestState.UNREADABLE
    if EXTENSION_ORIGIN not in manifest.origins:
        return ManifestState.WRONG_EXTENSION
    # Another installation of this program serves as well. `Path.is_file` raises for some texts.
    is_there = os.path.isfile(manifest.command)  # noqa: PTH113 - see above
    return ManifestState.INSTALLED if is_there else ManifestState.WRONG_COMMAND


def _replace_file(path: Path, content: bytes) -> None:
    with open_replacement(path) as file:
        file.write(content)


def _remove_file(path: Path) -> bool:
    is_there = os.path.lexists(path)
    path.unlink(missing_ok=True)
    return is_there


def _remove_manifest(root: Path) -> bool:
    """Remove the manifest below a browser's folder, and folders that only it has needed."""
    folder = root / MANIFEST_FOLDER
    if not _remove_file(folder / MANIFEST_NAME):
        return False
    for unfinished in folder.glob(f".{APP_NAME}-*"):
        unfinished.unlink()
    with suppress(OSError):  # other programs have manifests there, or the browser its profiles
        for empty in (folder, root, root.parent):
            empty.rmdir()
    return True


def _remove_copy(folder: Path) -> bool:
    """Remove the extension's folder, and the data folder if nothing else is in it."""
    if is_folder(folder) and not folder.is_symlink():
        shutil.rmtree(folder)
    elif not _remove_file(folder):
        return False
    with suppress(OSError):
        folder.parent.rmdir()
    return True


def _describe_error(error: OSError) -> str:
    return error.strerror or type(error).__name__

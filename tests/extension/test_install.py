"""Install, renew and remove the extension in real folders; every fault that a folder can have."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from claudemeter_tui.clock import WallClock
from claudemeter_tui.config.actions import Action
from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.extension.identity import EXTENSION_FOLDER, EXTENSION_ORIGIN, EXTENSION_VERSION
from claudemeter_tui.extension.install import (
    ExtensionError,
    Installation,
    find_host_command,
    locate_installation,
    renew_copy,
)
from claudemeter_tui.extension.manifests import MANIFEST_NAME, build_manifest
from claudemeter_tui.extension.registry import Registry
from claudemeter_tui.model.extension_setup import CopyState, ExtensionRemoval, ManifestState
from claudemeter_tui.storage import locate_extension_folder
from claudemeter_tui.wiring import build_recorder
from tests.extension.fake_registry import FakeWinreg
from tests.history.recording import respecting_modes

CHROME, CHROMIUM, OPERA = ".config/google-chrome", ".config/chromium", ".config/opera"
SNAP = "snap/chromium/common/chromium"
INSTALLED, MISSING = ManifestState.INSTALLED, ManifestState.MISSING


def add_browsers(home: Path, *folders: str) -> None:
    """Create browsers that have been started once."""
    for folder in folders:
        (home / folder).mkdir(parents=True)
        (home / folder / "Local State").write_text("{}")


def place(home: Path, *browsers: str, system: str = "linux", **more: object) -> Installation:
    """Return the places in a home folder with these browsers, and with a program to start."""
    add_browsers(home, *browsers)
    command = home / "bin" / "claudemeter-tui-host"
    command.parent.mkdir(exist_ok=True)
    command.touch(0o755)
    return Installation(home / "data", **{"command": command, "home": home, "system": system, **more})  # type: ignore[arg-type]


def list_files(folder: Path) -> set[str]:
    """Return every file and every empty folder below a folder."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


def read_states(installation: Installation) -> Mapping[str, ManifestState]:
    """Return the state of each browser's manifest."""
    return {one.browser: one.manifest for one in installation.read_setup().browsers}


def manifest_of(home: Path, folder: str) -> Path:
    """Return the file of a browser's manifest."""
    return home / folder / "NativeMessagingHosts" / MANIFEST_NAME


@pytest.fixture
def read_only() -> Iterator[list[Path]]:
    """Return a list of folders that can be removed again after the test; modes hold even for root."""
    folders: list[Path] = []
    with respecting_modes():
        yield folders
    for folder in folders:
        folder.chmod(0o700)


def test_install_writes_the_copy_and_each_manifest(tmp_path: Path) -> None:
    """The copy has the files of the program; each manifest names the program and the extension."""
    installation = place(tmp_path, CHROME, CHROMIUM)
    assert read_states(installation) == {"Chrome": MISSING, "Chromium": MISSING}
    setup = installation.install()
    assert (setup.copy, setup.version, setup.is_ready) == (CopyState.CURRENT, EXTENSION_VERSION, True)
    assert setup == installation.read_setup()
    assert [one.manifest for one in setup.browsers] == [INSTALLED, INSTALLED]
    assert setup.folder == tmp_path / "data" / "browser-extension"
    assert {path.name: path.read_bytes() for path in setup.folder.iterdir()} == {
        path.name: path.read_bytes() for path in EXTENSION_FOLDER.iterdir()
    }
    for folder in (CHROME, CHROMIUM):
        manifest = json.loads(manifest_of(tmp_path, folder).read_text())
        assert manifest["path"] == str(tmp_path / "bin" / "claudemeter-tui-host")
        assert manifest["allowed_origins"] == [EXTENSION_ORIGIN]


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_remove_leaves_nothing(tmp_path: Path, system: str) -> None:
    """Folders, registry and data folder are as before; other programs' manifests stay."""
    support, local = "Library/Application Support", "AppData/Local"
    folders = {
        "linux": (CHROMIUM, OPERA, SNAP),
        "darwin": (f"{support}/Chromium", f"{support}/Arc/User Data", f"{support}/Microsoft Edge"),
        "win32": (f"{local}/Google/Chrome/User Data", f"{local}/Microsoft/Edge/User Data"),
    }
    winreg = FakeWinreg()
    winreg.values[r"Software\Google\Chrome\NativeMessagingHosts\com.example"] = ("x", winreg.REG_SZ)
    installation = place(
        tmp_path, *folders[system], system=system, registry=Registry(winreg) if system == "win32" else None
    )
    other = tmp_path / folders[system][1] / "NativeMessagingHosts" / "com.example.json"
    other.parent.mkdir()
    other.touch()
    before, values = list_files(tmp_path), dict(winreg.values)
    assert installation.install().is_ready
    assert list_files(tmp_path) != before
    assert (winreg.values != values) is (system == "win32")
    (installation.data_folder / "browser-extension" / "folder").mkdir()
    assert installation.remove() == ExtensionRemoval(is_removed=True)
    assert (list_files(tmp_path), winreg.values) == (before, values)
    assert installation.remove() == ExtensionRemoval(is_removed=False)


def test_install_names_the_ignored_browsers(tmp_path: Path) -> None:
    """If all browsers are ignored, the sentence says which."""
    installation = place(tmp_path, CHROMIUM)._replace(ignored=frozenset({"Chromium", "Firefox"}))
    with pytest.raises(ExtensionError, match=r"Arc\. The setting `ignore` leaves out Chromium\.$") as error:
        installation.install()
    assert "Chrome, " in str(error.value)


def test_remove_covers_uninstalled_and_ignored_browsers(tmp_path: Path) -> None:
    """A browser of which only our manifest is left, and one that is ignored since, are cleaned up, too."""
    installation = place(tmp_path, CHROME, CHROMIUM)
    installation.install()
    (tmp_path / CHROME / "Local State").unlink()
    unfinished = manifest_of(tmp_path, CHROMIUM).with_name(".claudemeter-tui-abcdefgh")
    unfinished.touch()
    ignoring = Installation(
        installation.data_folder, None, tmp_path, "linux", ignored=frozenset({"Chromium"})
    )
    assert read_states(ignoring) == {}
    assert ignoring.remove() == ExtensionRemoval(is_removed=True)
    assert not (tmp_path / CHROME).exists()
    assert list_files(tmp_path / CHROMIUM) == {"Local State"}


def test_windows_registers_the_file(tmp_path: Path) -> None:
    """Each browser's key has the path of the one manifest; without the key it counts as missing."""
    winreg = FakeWinreg()
    local = "AppData/Local"
    installation = place(
        tmp_path,
        *(f"{local}/Google/Chrome/User Data", f"{local}/Microsoft/Edge/User Data"),
        system="win32",
        registry=Registry(winreg),
    )
    installation.install()
    file = tmp_path / "data" / MANIFEST_NAME
    assert winreg.values == {
        rf"Software\{name}\NativeMessagingHosts\com.claudemeter.tui": (str(file), winreg.REG_SZ)
        for name in (r"Google\Chrome", r"Microsoft\Edge")
    }
    assert read_states(installation) == {"Chrome": INSTALLED, "Edge": INSTALLED}
    key = r"Software\Google\Chrome\NativeMessagingHosts\com.claudemeter.tui"
    for value in ((r"C:\elsewhere.json", winreg.REG_SZ), (1, winreg.REG_DWORD)):
        winreg.values[key] = value
        assert read_states(installation) == {"Chrome": MISSING, "Edge": INSTALLED}
    winreg.is_read_only = True
    chrome, edge = installation.install().browsers
    assert (chrome.manifest, chrome.fault) == (MISSING, "Access is denied")
    assert (edge.manifest, edge.fault) == (INSTALLED, "Access is denied")
    assert installation.remove() == ExtensionRemoval(is_removed=True, faults=("Access is denied",))
    assert not installation.folder.exists()


def test_snap_gets_nothing(tmp_path: Path) -> None:
    """If there is no other browser, nothing at all is written."""
    installation = place(tmp_path, SNAP)
    before = list_files(tmp_path)
    setup = installation.install()
    (browser,) = setup.browsers
    assert (browser.package, browser.manifest) == ("snap", ManifestState.UNSUPPORTED)
    assert not setup.is_ready
    assert list_files(tmp_path) == before


def test_without_a_browser_there_is_a_clear_error(tmp_path: Path) -> None:
    """The error names the browsers, and nothing is written."""
    installation = place(tmp_path)
    with pytest.raises(ExtensionError, match=r"No Chromium-based browser was found\..* Chrome, .*Arc"):
        installation.install()
    assert not installation.data_folder.exists()


def test_without_the_program_there_is_a_clear_error(tmp_path: Path) -> None:
    """In a checkout there is nothing that a browser could start."""
    installation = place(tmp_path, CHROME, command=None)
    with pytest.raises(
        ExtensionError, match="claudemeter-tui-host, which browsers have to start, is not inst"
    ):
        installation.install()
    assert not installation.data_folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
def test_read_only_folders_are_named_without_a_path(tmp_path: Path, read_only: list[Path]) -> None:
    """A browser that cannot be written to has the cause; without the data folder there is nothing."""
    installation = place(tmp_path, CHROME, CHROMIUM)
    read_only += [tmp_path / CHROME, tmp_path / "data"]
    read_only[0].chmod(0o500)
    chrome, chromium = installation.install().browsers
    assert (chrome.manifest, chrome.fault) == (MISSING, "Permission denied")
    assert (chromium.manifest, chromium.fault) == (INSTALLED, "")
    installation.remove()
    read_only[1].mkdir()
    read_only[1].chmod(0o500)
    with pytest.raises(ExtensionError, match=r"data folder \(Permission denied\)\. Make that") as error:
        installation.install()
    assert str(tmp_path) not in str(error.value)


def test_file_in_place_of_a_folder_is_a_fault(tmp_path: Path) -> None:
    """A file where a folder is needed stops only its browser, or everything if it is the data folder."""
    installation = place(tmp_path, CHROME, CHROMIUM)
    (tmp_path / CHROME / "NativeMessagingHosts").touch()
    chrome, chromium = installation.install().browsers
    assert (chrome.manifest, chromium.manifest) == (MISSING, INSTALLED)
    assert chrome.fault in ("Not a directory", "File exists")
    installation.remove()
    installation.data_folder.touch()
    with pytest.raises(ExtensionError, match="cannot be written into the data folder"):
        installation.install()


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (ManifestState.WRONG_COMMAND, build_manifest(Path("/gone/claudemeter-tui-host"))),
        (
            ManifestState.WRONG_EXTENSION,
            build_manifest(Path(sys.executable)).replace(b"chrome-extension://", b"chrome-extension://x"),
        ),
        (ManifestState.UNREADABLE, b"{"),
        (ManifestState.WRONG_COMMAND, build_manifest(Path("/" + "x" * 5000))),
        (ManifestState.WRONG_COMMAND, build_manifest(Path("/x\0"))),
        (ManifestState.INSTALLED, build_manifest(Path(sys.executable))),
    ],
)
def test_state_of_a_manifest(tmp_path: Path, expected: ManifestState, content: bytes) -> None:
    """Each fault of a manifest has its own state; a second installation of this program is no fault."""
    installation = place(tmp_path, CHROME)
    installation.install()
    manifest_of(tmp_path, CHROME).write_bytes(content)
    assert read_states(installation) == {"Chrome": expected}
    installation.install()
    assert read_states(installation) == {"Chrome": INSTALLED}


def test_folder_in_place_of_a_manifest_is_not_readable(tmp_path: Path) -> None:
    """It is a fault of this browser, and installing reports it."""
    installation = place(tmp_path, CHROME)
    manifest_of(tmp_path, CHROME).mkdir(parents=True)
    assert read_states(installation) == {"Chrome": ManifestState.UNREADABLE}
    assert installation.install().browsers[0].fault == "Is a directory"


def test_browser_that_reads_two_folders_needs_both_manifests(tmp_path: Path) -> None:
    """Opera's folder and Chrome's both have one, and Chrome does not count as installed for it."""
    installation = place(tmp_path, OPERA)
    installation.install()
    assert read_states(installation) == {"Opera": INSTALLED}
    manifest_of(tmp_path, CHROME).unlink()
    assert read_states(installation) == {"Opera": MISSING}


def test_renew_replaces_older_files_only(tmp_path: Path) -> None:
    """Older, damaged and missing files are replaced, others removed; a newer version's are not touched."""
    installation = place(tmp_path, CHROME)
    folder = installation.folder
    assert not installation.renew()
    assert not folder.exists()
    installation.install()
    assert not installation.renew()
    manifest = folder / "manifest.json"
    content = manifest.read_text()
    for broken in (
        content.replace('"version": "1"', '"version": "0.9"'),
        content + " ",
        "{",
        '{"version": 1}',
        "[" * 100_000,
    ):
        manifest.write_text(broken)
        (folder / "old.js").touch()
        assert installation.read_setup().copy is CopyState.STALE
        assert installation.renew()
        assert (manifest.read_text(), (folder / "old.js").exists()) == (content, False)
        assert installation.read_setup().copy is CopyState.CURRENT
    newer = content.replace('"version": "1"', '"version": "99"')
    manifest.write_text(newer)
    assert installation.read_setup().copy is CopyState.NEWER
    assert not installation.renew()
    assert installation.install().is_ready
    assert manifest.read_text() == newer
    manifest.unlink()
    assert installation.renew()


def test_renew_rewrites_manifests_of_a_removed_program(tmp_path: Path) -> None:
    """A manifest is rewritten if its program is gone, and only then; a missing one stays missing."""
    installation = place(tmp_path, CHROME, CHROMIUM)
    installation.install()
    file = manifest_of(tmp_path, CHROME)
    manifest_of(tmp_path, CHROMIUM).unlink()
    other = build_manifest(Path(sys.executable))
    file.write_bytes(other)
    installation.renew()
    assert file.read_bytes() == other
    file.write_bytes(build_manifest(tmp_path / "gone"))
    installation.renew()
    assert installation.command is not None
    assert file.read_bytes() == build_manifest(installation.command)
    assert read_states(installation) == {"Chrome": INSTALLED, "Chromium": MISSING}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
def test_renew_reports_no_error(tmp_path: Path, read_only: list[Path]) -> None:
    """A folder that cannot be written stays out of date, which the status shows."""
    installation = place(tmp_path, CHROME)
    installation.install()
    (installation.folder / "manifest.json").write_text("{")
    read_only.append(installation.folder)
    installation.folder.chmod(0o500)
    assert not installation.renew()
    assert installation.read_setup().copy is CopyState.STALE


def test_files_are_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a write fails halfway, the old manifest is still there, and no unfinished file."""
    installation = place(tmp_path, CHROME)
    installation.install()
    before, content = list_files(tmp_path), manifest_of(tmp_path, CHROME).read_bytes()

    def fail(*_: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    (installation.folder / "manifest.json").write_text("{")
    assert not installation.renew()
    with pytest.raises(ExtensionError, match="No space left on device"):
        installation.install()
    assert (list_files(tmp_path), manifest_of(tmp_path, CHROME).read_bytes()) == (before, content)


def test_host_command_is_that_of_this_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is beside the interpreter, even if that is a link, and absent without an installation."""
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path / "scripts"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/usr/bin/python3")
    assert find_host_command() is None
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "claudemeter-tui-host").touch()
    assert find_host_command() == tmp_path / "scripts" / "claudemeter-tui-host"
    (tmp_path / "bin" / "claudemeter-tui-host").touch()
    assert find_host_command() == tmp_path / "bin" / "claudemeter-tui-host"


def test_users_own_copy_is_beside_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is in the data folder, and renewing does nothing before it is installed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    installation = locate_installation()
    assert installation.folder == tmp_path / "data" / "claudemeter-tui" / "browser-extension"
    assert not renew_copy()
    assert list_files(tmp_path) == set()
    assert installation.folder == locate_extension_folder()
    installation.folder.mkdir(parents=True)
    assert renew_copy()
    assert installation.read_setup().copy is CopyState.CURRENT


def test_data_folder_that_cannot_be_looked_at_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dashboard starts with it, the status shows that nothing is installed, and installing is refused."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ("x" * 300)))
    assert not renew_copy()
    build_recorder(Invocation(), WallClock())
    installation = locate_installation()._replace(home=tmp_path, command=Path(sys.executable))
    add_browsers(tmp_path, CHROME)
    assert installation.read_setup().copy is CopyState.MISSING
    with pytest.raises(ExtensionError, match="File name too long"):
        installation.install()
    assert installation.remove().faults in ((), ("File name too long",))


@pytest.mark.parametrize("action", Action)
def test_dashboard_renews_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: Action) -> None:
    """Each start of a dashboard renews the files, and no script does; what is not installed stays so."""
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    build_recorder(Invocation(action=action), WallClock())
    assert not locate_extension_folder().exists()
    locate_extension_folder().mkdir(parents=True)
    build_recorder(Invocation(action=action), WallClock())
    assert (locate_extension_folder() / "manifest.json").exists() is (action is Action.DASHBOARD)

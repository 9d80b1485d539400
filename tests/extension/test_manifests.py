"""The places of native messaging manifests for each browser on each system, and their content."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claudemeter_tui.browsers.folders import BROWSERS, BrowserFamily
from claudemeter_tui.extension.identity import EXTENSION_ORIGIN
from claudemeter_tui.extension.manifests import (
    Manifest,
    build_manifest,
    list_manifest_places,
    list_registry_keys,
    name_extensions_page,
    parse_manifest,
)

NAME = "com.claudemeter.tui.json"
SUPPORT = "Library/Application Support"
LINUX = {
    "Chrome": [".config/google-chrome"],
    "Chrome Beta": [".config/google-chrome-beta"],
    "Chrome Dev": [".config/google-chrome-unstable"],
    "Chromium": [".config/chromium"],
    "Brave": [".config/BraveSoftware/Brave-Browser"],
    "Edge": [".config/microsoft-edge"],
    "Vivaldi": [".config/vivaldi"],
    "Opera": [".config/opera", ".config/google-chrome"],
}
DARWIN = {
    "Chrome": [f"{SUPPORT}/Google/Chrome"],
    "Chrome Beta": [f"{SUPPORT}/Google/Chrome Beta"],
    "Chrome Dev": [f"{SUPPORT}/Google/Chrome Dev"],
    "Chromium": [f"{SUPPORT}/Chromium"],
    "Brave": [f"{SUPPORT}/BraveSoftware/Brave-Browser"],
    "Edge": [f"{SUPPORT}/Microsoft Edge"],
    "Vivaldi": [f"{SUPPORT}/Vivaldi"],
    "Opera": [f"{SUPPORT}/com.operasoftware.Opera", f"{SUPPORT}/Google/Chrome"],
    "Arc": [f"{SUPPORT}/Arc/User Data", f"{SUPPORT}/Google/Chrome"],
}
SANDBOXED = {
    "Chromium": ["snap/chromium/common/chromium", ".var/app/org.chromium.Chromium/config/chromium"],
    "Brave": ["snap/brave/current/.config/BraveSoftware/Brave-Browser"],
    "Chrome": [".var/app/com.google.Chrome/config/google-chrome"],
    "Vivaldi": ["snap/vivaldi/current/.config/vivaldi"],
    "Opera": [".var/app/com.opera.Opera/config/opera"],
}
LOCAL = "AppData/Local"
CHROMES_KEY = r"Software\Google\Chrome\NativeMessagingHosts\com.claudemeter.tui"
WINDOWS = {
    "Chrome": (f"{LOCAL}/Google/Chrome/User Data", CHROMES_KEY),
    "Chrome Beta": (f"{LOCAL}/Google/Chrome Beta/User Data", CHROMES_KEY),
    "Chrome Dev": (f"{LOCAL}/Google/Chrome Dev/User Data", CHROMES_KEY),
    "Chromium": (
        f"{LOCAL}/Chromium/User Data",
        r"Software\Chromium\NativeMessagingHosts\com.claudemeter.tui",
    ),
    "Brave": (f"{LOCAL}/BraveSoftware/Brave-Browser/User Data", CHROMES_KEY),
    "Edge": (
        f"{LOCAL}/Microsoft/Edge/User Data",
        r"Software\Microsoft\Edge\NativeMessagingHosts\com.claudemeter.tui",
    ),
    "Vivaldi": (f"{LOCAL}/Vivaldi/User Data", CHROMES_KEY),
    "Opera": ("AppData/Roaming/Opera Software/Opera Stable", CHROMES_KEY),
    "Arc": (
        f"{LOCAL}/Packages/TheBrowserCompany.Arc_ttt1ap7aakyb4/LocalCache/Local/Arc/User Data",
        CHROMES_KEY,
    ),
}


def add_browser(root: Path) -> None:
    """Create the folder of a browser that has been started once."""
    root.mkdir(parents=True)
    (root / "Local State").touch()


@pytest.mark.parametrize(
    ("system", "expected"), [("linux", LINUX), ("darwin", DARWIN)], ids=["linux", "darwin"]
)
def test_manifests_are_beside_the_profiles(
    tmp_path: Path, system: str, expected: dict[str, list[str]]
) -> None:
    """On Linux and macOS each browser has a file of its own, and those that read Chrome's a second one."""
    for folders in expected.values():
        add_browser(tmp_path / folders[0])
    places = list_manifest_places(tmp_path / "data", tmp_path, system)
    found = {
        place.browser.name: [file.relative_to(tmp_path).as_posix() for file in place.files]
        for place in places
    }
    assert found == {
        name: [f"{folder}/NativeMessagingHosts/{NAME}" for folder in folders]
        for name, folders in expected.items()
    }
    assert {(place.package, place.registry_key) for place in places} == {("", "")}


def test_windows_has_one_file_and_keys(tmp_path: Path) -> None:
    """On Windows the file is in the data folder, and the registry leads each browser to it."""
    for folder, _ in WINDOWS.values():
        add_browser(tmp_path / folder)
    places = list_manifest_places(tmp_path / "data", tmp_path, "win32")
    assert {place.browser.name: place.registry_key for place in places} == {
        name: key for name, (_, key) in WINDOWS.items()
    }
    assert {place.files for place in places} == {(tmp_path / "data" / NAME,)}
    assert set(list_registry_keys()) == {key for _, key in WINDOWS.values()}


def test_snaps_and_flatpaks_get_no_manifest(tmp_path: Path) -> None:
    """They are found, but have no file, because they cannot start a program."""
    for folder in (folder for folders in SANDBOXED.values() for folder in folders):
        add_browser(tmp_path / folder)
    places = list_manifest_places(tmp_path / "data", tmp_path, "linux")
    packages: dict[str, list[str]] = {}
    for place in places:
        packages.setdefault(place.browser.name, []).append(place.package)
    assert packages == {
        name: ["snap" if folder.startswith("snap") else "flatpak" for folder in folders]
        for name, folders in SANDBOXED.items()
    }
    assert {place.files for place in places} == {()}


def test_folder_with_nothing_but_manifests_is_no_browser(tmp_path: Path) -> None:
    """An empty folder, and another program's manifests for a browser that is not installed, are none."""
    hosts = tmp_path / SUPPORT / "Vivaldi" / "NativeMessagingHosts"
    hosts.parent.mkdir(parents=True)
    assert list_manifest_places(tmp_path, tmp_path, "darwin") == ()
    hosts.mkdir()
    (hosts / "com.example.json").touch()
    assert list_manifest_places(tmp_path, tmp_path, "darwin") == ()
    (hosts.parent / "Local State").touch()
    assert [place.browser.name for place in list_manifest_places(tmp_path, tmp_path, "darwin")] == ["Vivaldi"]


def test_environment_moves_the_users_own_browsers(tmp_path: Path) -> None:
    """The manifest follows `XDG_CONFIG_HOME`, as the browser does."""
    add_browser(tmp_path / "chromium")
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    (found,) = (
        place
        for place in list_manifest_places(tmp_path / "data", None, "linux", environ)
        if place.root.is_relative_to(tmp_path)
    )
    assert found.files == (tmp_path / "chromium" / "NativeMessagingHosts" / NAME,)


def test_manifest_has_what_browsers_demand() -> None:
    """The names, the absolute path, and no other extension than ours."""
    manifest = json.loads(build_manifest(Path("/opt/x/bin/claudemeter-tui-host")))
    assert manifest.pop("description")
    assert manifest == {
        "name": "com.claudemeter.tui",
        "path": "/opt/x/bin/claudemeter-tui-host",
        "type": "stdio",
        "allowed_origins": [EXTENSION_ORIGIN],
    }


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (Manifest("/x", (EXTENSION_ORIGIN,)), build_manifest(Path("/x"))),
        (Manifest("/x", ("a",)), b'{"path": "/x", "allowed_origins": ["a", 5]}'),
        (None, b""),
        (None, b"\xff"),
        (None, b"[" * 100_000),
        (None, b"[]"),
        (None, b'{"path": 5, "allowed_origins": []}'),
        (None, b'{"path": "/x", "allowed_origins": "a"}'),
    ],
)
def test_manifest_is_read_back(expected: Manifest | None, content: bytes) -> None:
    """Anything else than a manifest is none."""
    assert parse_manifest(content) == expected


def test_every_browser_has_its_page_of_extensions() -> None:
    """Each browser has an address of its own, the same for all channels."""
    pages = {one.name: name_extensions_page(one) for one in BROWSERS if one.family is BrowserFamily.CHROMIUM}
    assert pages == {
        "Chrome": "chrome://extensions",
        "Chrome Beta": "chrome://extensions",
        "Chrome Dev": "chrome://extensions",
        "Chromium": "chrome://extensions",
        "Brave": "brave://extensions",
        "Edge": "edge://extensions",
        "Vivaldi": "vivaldi://extensions",
        "Opera": "opera://extensions",
        "Arc": "arc://extensions",
    }

"""The folders in which each browser is searched for on each system."""

from __future__ import annotations

from pathlib import Path

import pytest

from claudemeter_tui.browsers.folders import (
    BROWSERS,
    build_base_folders,
    describe_searched_places,
    find_profile_roots,
)

LINUX = {
    "Chrome": [".config/google-chrome", ".var/app/com.google.Chrome/config/google-chrome"],
    "Chrome Beta": [".config/google-chrome-beta"],
    "Chrome Dev": [".config/google-chrome-unstable"],
    "Chromium": [
        ".config/chromium",
        "snap/chromium/common/chromium",
        ".var/app/org.chromium.Chromium/config/chromium",
    ],
    "Brave": [
        ".config/BraveSoftware/Brave-Browser",
        ".var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser",
    ],
    "Edge": [".config/microsoft-edge", ".var/app/com.microsoft.Edge/config/microsoft-edge"],
    "Vivaldi": [".config/vivaldi", ".var/app/com.vivaldi.Vivaldi/config/vivaldi"],
    "Opera": [".config/opera", ".var/app/com.opera.Opera/config/opera"],
    "Firefox": [
        ".mozilla/firefox",
        ".config/mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ],
    "LibreWolf": [".librewolf", ".var/app/io.gitlab.librewolf-community/.librewolf"],
}
SUPPORT = "Library/Application Support"
DARWIN = {
    "Chrome": [f"{SUPPORT}/Google/Chrome"],
    "Chrome Beta": [f"{SUPPORT}/Google/Chrome Beta"],
    "Chrome Dev": [f"{SUPPORT}/Google/Chrome Dev"],
    "Chromium": [f"{SUPPORT}/Chromium"],
    "Brave": [f"{SUPPORT}/BraveSoftware/Brave-Browser"],
    "Edge": [f"{SUPPORT}/Microsoft Edge"],
    "Vivaldi": [f"{SUPPORT}/Vivaldi"],
    "Opera": [f"{SUPPORT}/com.operasoftware.Opera"],
    "Arc": [f"{SUPPORT}/Arc/User Data"],
    "Firefox": [f"{SUPPORT}/Firefox"],
    "LibreWolf": [f"{SUPPORT}/librewolf"],
    "Safari": ["Library/Containers/com.apple.Safari/Data/Library", "Library"],
}
LOCAL, ROAMING = "AppData/Local", "AppData/Roaming"
WINDOWS = {
    "Chrome": [f"{LOCAL}/Google/Chrome/User Data"],
    "Chrome Beta": [f"{LOCAL}/Google/Chrome Beta/User Data"],
    "Chrome Dev": [f"{LOCAL}/Google/Chrome Dev/User Data"],
    "Chromium": [f"{LOCAL}/Chromium/User Data"],
    "Brave": [f"{LOCAL}/BraveSoftware/Brave-Browser/User Data"],
    "Edge": [f"{LOCAL}/Microsoft/Edge/User Data"],
    "Vivaldi": [f"{LOCAL}/Vivaldi/User Data"],
    "Opera": [f"{ROAMING}/Opera Software/Opera Stable"],
    "Arc": [f"{LOCAL}/Packages/TheBrowserCompany.Arc_ttt1ap7aakyb4/LocalCache/Local/Arc/User Data"],
    "Firefox": [
        f"{ROAMING}/Mozilla/Firefox",
        f"{LOCAL}/Packages/Mozilla.Firefox_n80bbvh6b1yt2/LocalCache/Roaming/Mozilla/Firefox",
    ],
    "LibreWolf": [f"{ROAMING}/librewolf"],
}


@pytest.mark.parametrize(
    ("system", "expected"),
    [("linux", LINUX), ("darwin", DARWIN), ("win32", WINDOWS)],
    ids=["linux", "darwin", "win32"],
)
def test_roots_are_where_each_browser_keeps_its_profiles(
    tmp_path: Path, system: str, expected: dict[str, list[str]]
) -> None:
    """Every browser is found on every system that it runs on, in every kind of package."""
    for folder in (each for folders in expected.values() for each in folders):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    within = build_base_folders(tmp_path)
    found = {
        browser.name: [
            root.path.relative_to(tmp_path).as_posix() for root in find_profile_roots(browser, within, system)
        ]
        for browser in BROWSERS
    }
    assert expected == {name: folders for name, folders in found.items() if folders}


def test_roots_of_a_link_and_its_target_are_one(tmp_path: Path) -> None:
    """A folder that is reached in two ways is read once."""
    (tmp_path / ".mozilla" / "firefox").mkdir(parents=True)
    (tmp_path / ".config" / "mozilla").mkdir(parents=True)
    (tmp_path / ".config" / "mozilla" / "firefox").symlink_to(tmp_path / ".mozilla" / "firefox")
    firefox = next(browser for browser in BROWSERS if browser.name == "Firefox")
    assert [root.package for root in find_profile_roots(firefox, build_base_folders(tmp_path), "linux")] == [
        ""
    ]


def test_folder_with_nothing_but_manifests_is_no_root(tmp_path: Path) -> None:
    """Another program's native messaging manifest does not make a browser that is not installed."""
    chromium = next(browser for browser in BROWSERS if browser.name == "Chromium")
    hosts = tmp_path / ".config" / "chromium" / "NativeMessagingHosts"
    hosts.mkdir(parents=True)
    (hosts / "com.example.json").touch()
    bases = build_base_folders(tmp_path)
    assert list(find_profile_roots(chromium, bases, "linux")) == []
    (hosts.parent / "Local State").touch()
    assert [root.path for root in find_profile_roots(chromium, bases, "linux")] == [hosts.parent]


def test_bases_follow_the_environment_only_for_the_persons_own_home(tmp_path: Path) -> None:
    """XDG_CONFIG_HOME and APPDATA move the person's own folders, never those of an explicit home."""
    environ = {"XDG_CONFIG_HOME": "/elsewhere", "APPDATA": "/roaming"}
    own, given = build_base_folders(None, environ), build_base_folders(tmp_path, environ)
    assert (Path("/elsewhere"), Path("/roaming")) == (own["config"], own["roaming"])
    assert (tmp_path / ".config", tmp_path / "AppData" / "Roaming") == (given["config"], given["roaming"])


@pytest.mark.parametrize(
    ("expected", "system", "environ"),
    [
        ("LibreWolf in the home folder's .config, .librewolf, .mozilla, .var and snap", "linux", {}),
        (
            "LibreWolf in $XDG_CONFIG_HOME and the home folder's .librewolf, .mozilla, .var and snap",
            "linux",
            {"XDG_CONFIG_HOME": "/elsewhere"},
        ),
        ("LibreWolf and Safari in the home folder's Library", "darwin", {"XDG_CONFIG_HOME": "/elsewhere"}),
        ("LibreWolf in the home folder's AppData", "win32", {}),
    ],
)
def test_searched_lists_places_without_the_persons_path(
    expected: str, system: str, environ: dict[str, str]
) -> None:
    """The searched places name every browser of the system and its folder, without anyone's home path."""
    sentence = describe_searched_places(system, environ)
    assert sentence.startswith("Chrome, ")
    assert sentence.replace("Firefox and LibreWolf", "Firefox, LibreWolf").endswith(expected)
    assert all((one.name in sentence) is bool(one.list_folders(system)) for one in BROWSERS)

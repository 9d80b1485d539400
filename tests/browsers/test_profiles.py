"""The profiles of a browser and their labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from claudemeter_tui.browsers.folders import BROWSERS, build_base_folders
from claudemeter_tui.browsers.profiles import BrowserFilter, BrowserProfile, list_profiles
from tests.browsers import fake_profiles

NAMED = {browser.name: browser for browser in BROWSERS}


def listed(home: Path, browser: str, system: str = "linux") -> list[BrowserProfile]:
    """Return the profiles of one browser below a home."""
    return list_profiles(NAMED[browser], build_base_folders(home), system) or []


def labels(home: Path, browser: str, system: str = "linux") -> list[str]:
    """Return the labels that people see."""
    return [profile.label for profile in listed(home, browser, system)]


def chrome(home: Path) -> Path:
    """Return the folder of Chrome's profiles on Linux."""
    return home / ".config" / "google-chrome"


def test_profiles_of_chromium_are_called_as_in_local_state(tmp_path: Path) -> None:
    """A Chromium profile is labelled as the browser shows it, also by a default name, in its order."""
    fake_profiles.chromium(chrome(tmp_path), "Profile 10", [], name="Person 1")
    fake_profiles.chromium(chrome(tmp_path), "Profile 2", [], name="Work")
    fake_profiles.chromium(chrome(tmp_path), "Default", [], name="Pat")
    fake_profiles.chromium(chrome(tmp_path), "Guest Profile", [])
    (chrome(tmp_path) / "Crashpad").mkdir()
    assert labels(tmp_path, "Chrome") == ["Pat", "Work", "Person 1"]
    third = listed(tmp_path, "Chrome")[2]
    for name in ("person 1", "Profile 10"):
        assert BrowserFilter.parse(f"chrome:{name}").matches_profile(third)
    assert not BrowserFilter.parse("chrome:Work").matches_profile(third)


@pytest.mark.parametrize(
    "state",
    ["", "{", "[]", '{"profile": 1}', '{"profile": {"info_cache": {"Default": {"name": 5}}}}', "[" * 9000],
)
def test_profiles_with_a_broken_local_state_go_by_their_folders(tmp_path: Path, state: str) -> None:
    """A broken `Local State` hides no profile; the folders become the labels."""
    fake_profiles.chromium(chrome(tmp_path), "Default", [])
    (chrome(tmp_path) / "Local State").write_text(state)
    assert labels(tmp_path, "Chrome") == ["Default"]


def test_profiles_of_one_name_stay_apart(tmp_path: Path) -> None:
    """Two profiles of one name get different labels, because a label identifies a session."""
    fake_profiles.chromium(chrome(tmp_path), "Default", [], name="Pat")
    fake_profiles.chromium(chrome(tmp_path), "Profile 1", [], name="Pat")
    fake_profiles.chromium(
        tmp_path / ".var/app/com.google.Chrome/config/google-chrome", "Profile 1", [], name="Pat"
    )
    fake_profiles.chromium(tmp_path / ".var/app/com.google.Chrome/config/google-chrome", "x/y", [])
    assert labels(tmp_path, "Chrome") == ["Pat (Default)", "Pat (Profile 1)", "Pat (Profile 1, flatpak)"]


def test_profiles_hold_no_control_characters(tmp_path: Path) -> None:
    """A profile's name keeps no control characters, because it is shown in a terminal."""
    fake_profiles.chromium(chrome(tmp_path), "Default", [], name="a\x1b]0;b\u202e")
    assert labels(tmp_path, "Chrome") == ["a]0;b"]


def test_profiles_prefer_the_network_folder(tmp_path: Path) -> None:
    """The cookies in Chromium's `Network` folder win over the stale file beside it."""
    fake_profiles.chromium(chrome(tmp_path), "Default", [])
    fake_profiles.chromium(chrome(tmp_path) / "Default", "Network", [])
    assert [chrome(tmp_path) / "Default/Network/Cookies"] == [
        each.file for each in listed(tmp_path, "Chrome")
    ]


def test_profile_of_opera_is_the_root_itself(tmp_path: Path) -> None:
    """Opera's single profile without a folder and its newer folders are both found."""
    fake_profiles.chromium(tmp_path / ".config", "opera", [])
    assert labels(tmp_path, "Opera") == ["Default"]


def test_profiles_of_firefox_are_called_as_in_profiles_ini(tmp_path: Path) -> None:
    """Profiles with cookies come in the order of `profiles.ini`, then the unlisted ones."""
    root = tmp_path / ".mozilla" / "firefox"
    outside = tmp_path / "outside"
    fake_profiles.listed(root, {"b.work": "Work", str(outside): "Far", "c.unused": "Unused"})
    for folder in (root / "b.work", outside, root / "a.spare"):
        fake_profiles.firefox(folder, [])
    assert labels(tmp_path, "Firefox") == ["Work", "Far", "a.spare"]


def test_profiles_of_firefox_on_a_mac_are_one_folder_deeper(tmp_path: Path) -> None:
    """The profiles are in `Profiles` on macOS and Windows."""
    root = tmp_path / "Library/Application Support/Firefox"
    fake_profiles.listed(root, {"Profiles/x.default": "default"})
    fake_profiles.firefox(root / "Profiles/x.default", [])
    fake_profiles.firefox(root / "Profiles/y.spare", [])
    assert labels(tmp_path, "Firefox", "darwin") == ["default", "y.spare"]


@pytest.mark.parametrize(
    "ini", ["", "no section", "[Profile0]\nName=x\n", "[Profile0]\nName=%(x)s\nPath=a%b\n"]
)
def test_profiles_with_a_broken_profiles_ini_go_by_their_folders(tmp_path: Path, ini: str) -> None:
    """A broken `profiles.ini` hides no profile."""
    fake_profiles.firefox(tmp_path / ".mozilla/firefox/x.default", [])
    (tmp_path / ".mozilla/firefox/profiles.ini").write_text(ini)
    assert labels(tmp_path, "Firefox") == ["x.default"]


def test_profiles_of_safari_include_its_newer_stores(tmp_path: Path) -> None:
    """Safari's first profile has no name; the others are labelled by the start of their number."""
    library = tmp_path / "Library/Containers/com.apple.Safari/Data/Library"
    fake_profiles.safari(library / "WebKit/WebsiteDataStore/1A2B3C4D-77/Cookies/Cookies.binarycookies", [])
    assert labels(tmp_path, "Safari", "darwin") == ["", "profile 1A2B3C4D"]


def test_profiles_of_a_missing_browser_are_none(tmp_path: Path) -> None:
    """A browser that is not installed is not the same as one without a profile."""
    (tmp_path / ".config/vivaldi").mkdir(parents=True)
    found = [
        list_profiles(NAMED[name], build_base_folders(tmp_path), "linux") for name in ("Vivaldi", "Brave")
    ]
    assert found == [[], None]


def test_profile_is_selected_by_label_or_folder(tmp_path: Path) -> None:
    """`--browser chrome:work` and `--browser "chrome:profile 2"` mean the same profile."""
    fake_profiles.chromium(chrome(tmp_path), "Profile 2", [], name="Work")
    (profile,) = listed(tmp_path, "Chrome")
    assert [profile.is_named(name) for name in ("work", "PROFILE 2", "Profile 1")] == [True, True, False]

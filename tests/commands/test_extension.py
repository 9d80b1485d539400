"""`--extension` from outside, in a home folder of its own: texts, files and exit statuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.cli import main
from claudemeter_tui.commands.extension import describe_installed, show_extension
from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.extension import install
from claudemeter_tui.extension.install import Installation
from claudemeter_tui.extension.manifests import MANIFEST_NAME
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.wiring import build_extension_options
from tests.formatting.test_extension import WORKS
from tests.scenes import NOW


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder with Chrome, Edge and a program that a browser can start."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for folder in ("google-chrome", "microsoft-edge"):
        (tmp_path / ".config" / folder).mkdir(parents=True)
        (tmp_path / ".config" / folder / "Local State").touch()
    command = tmp_path / "claudemeter-tui-host"
    command.touch()
    monkeypatch.setattr(install, "find_host_command", lambda: command)
    return tmp_path


def manifest_of(home: Path, folder: str) -> Path:
    """Return the file of a browser's manifest."""
    return home / ".config" / folder / "NativeMessagingHosts" / MANIFEST_NAME


def test_steps_follow_each_other(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Installed, then not loaded in any browser, then removed without a trace."""
    folder = home / ".local" / "share" / "claudemeter-tui" / "browser-extension"
    assert main(["--extension", "status"]) == 3
    assert "not installed" in capsys.readouterr().out
    assert main(["--extension", "install"]) == 0
    assert f"choose this folder:\n   {folder}\n" in capsys.readouterr().out
    assert (folder / "manifest.json").is_file()
    assert manifest_of(home, "google-chrome").is_file()
    assert main(["--extension", "status"]) == 3
    assert "not loaded yet" in capsys.readouterr().out
    assert main(["--extension", "remove"]) == 0
    assert "Removed" in capsys.readouterr().out
    assert not folder.exists()
    assert not manifest_of(home, "google-chrome").parent.exists()
    assert main(["--extension", "remove"]) == 0
    assert capsys.readouterr().out == "The extension was not installed.\n"


def test_ignored_browsers_get_no_manifest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The setting `ignore` covers whole browsers; an ignored profile does not exclude its browser."""
    config = home / ".config" / "claudemeter-tui" / "config.toml"
    config.parent.mkdir()
    config.write_text('ignore = ["Edge", "Chrome:Work", "Old Org"]')
    assert main(["--extension", "install"]) == 0
    assert "Edge" not in capsys.readouterr().out
    assert manifest_of(home, "google-chrome").is_file()
    assert not manifest_of(home, "microsoft-edge").exists()


@pytest.mark.parametrize("step", ["install", "status"])
def test_history_that_is_off_is_named(home: Path, capsys: pytest.CaptureFixture[str], step: str) -> None:
    """The dashboard would show nothing then, so the setting is named."""
    main(["--extension", step])
    assert "history.enabled" not in capsys.readouterr().out
    config = home / ".config" / "claudemeter-tui" / "config.toml"
    config.parent.mkdir()
    config.write_text("history.enabled = false")
    main(["--extension", step])
    assert (
        "does not show what the extension reads, because history.enabled is false." in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        ({"Chrome", "Chromium", "Arc"}, {}),
        ({"Chrome"}, {"browser": ("Chrome:Work", "Firefox")}),
        (set(), {"browser": ("Firefox",)}),
        (set(), {"history_enabled": False}),
        (set(), {"cookies": Cookies([])}),
        (set(), {"source": "claude-code"}),
        (set(), {"base_url": "https://example.com"}),
    ],
)
def test_dashboard_offers_the_extension_if_it_would_show_its_figures(
    expected: set[str], settings: dict[str, Any]
) -> None:
    """Without the history, or if the settings exclude what the extension reads, it is not offered."""
    options = build_extension_options(Invocation(**settings))
    names = options["list_extension_browsers"]() if options else set()
    assert expected == names & {"Chrome", "Chromium", "Arc", "Firefox", "Safari"}


def test_installation_that_is_not_possible_exits_with_3(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cause is printed, and nothing is written."""
    for folder in ("google-chrome", "microsoft-edge"):
        (home / ".config" / folder / "Local State").unlink()
    assert main(["--extension", "install"]) == 3
    assert "No Chromium-based browser was found" in capsys.readouterr().out
    assert not (home / ".local").exists()


def test_status_exits_with_0_if_a_browser_works(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One working host is enough."""
    installation = Installation(home / "data", None, home, "linux")
    assert show_extension(installation, (WORKS,), NOW) == 0
    assert "last reply 18s ago" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("expected", "system", "data"),
    [
        ("~/.local/share/browser-extension", "linux", ".local/share"),
        ("~/Library/Application Support/browser-extension", "darwin", "Library/Application Support"),
        (r"%LOCALAPPDATA%\browser-extension", "win32", "AppData/Local"),
    ],
)
def test_text_for_the_screen_names_no_home_folder(home: Path, expected: str, system: str, data: str) -> None:
    """The path is one that file dialogs accept, without the user's name."""
    folders = {
        "linux": ".config/google-chrome",
        "darwin": "Library/Application Support/Google/Chrome",
        "win32": "AppData/Local/Google/Chrome/User Data",
    }
    (home / folders[system]).mkdir(parents=True, exist_ok=True)
    (home / folders[system] / "Local State").touch()
    text = describe_installed(Installation(home / data, home / "claudemeter-tui-host", home, system))
    assert f"choose this folder:\n   {expected}\n" in text
    assert str(home) not in text
    without_command = Installation(home / data, None, home, system)
    assert describe_installed(without_command).startswith("The program claudemeter-tui-host")


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("--extension: unknown step 'instal'; did you mean install?", "--extension instal"),
        ("--extension: unknown step 'x'; choose from install, status, remove", "--extension x"),
        ("--extension and --demo can't be combined", "--extension status --demo"),
        ("--extension and --org can't be combined", "--extension status --org 1"),
        ("--extension and --once can't be combined", "--extension status --once"),
    ],
)
def test_wrong_step_is_a_usage_error(
    expected: str, arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is one line, with exit status 2."""
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err == f"claudemeter-tui: {expected}\n"

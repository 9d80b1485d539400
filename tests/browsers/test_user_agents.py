"""User-Agents of the browsers."""

from __future__ import annotations

from pathlib import Path

import pytest

from claudemeter_tui.browsers import profiles

CHROME_150 = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("browser", "system", "expected"),
    [
        ("Chrome", "linux", f"Mozilla/5.0 (X11; Linux x86_64) {CHROME_150}"),
        ("Brave", "darwin", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME_150}"),
        ("Edge", "win32", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME_150} Edg/150.0.0.0"),
        ("Vivaldi", "linux", None),
        ("Opera", "linux", None),
    ],
)
def test_agent_of_chromium_is_built_from_its_last_version(
    tmp_path: Path, browser: str, system: str, expected: str | None
) -> None:
    """The User-Agent has the first number of the version; browsers with their own numbering get none."""
    (tmp_path / "Last Version").write_text("150.0.7250.3")
    assert expected == profiles.build_chromium_agent(browser, tmp_path, system)


@pytest.mark.parametrize(
    ("browser", "system", "version", "expected"),
    [
        (
            "Firefox",
            "linux",
            "153.7.0",
            "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
        ),
        (
            "Firefox",
            "darwin",
            "140.0",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        (
            "Firefox",
            "win32",
            "115.9.1",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0",
        ),
        ("LibreWolf", "linux", "153.7.0", None),
    ],
)
def test_agent_of_firefox_is_built_from_its_compatibility_file(
    tmp_path: Path, browser: str, system: str, version: str, expected: str | None
) -> None:
    """Firefox's User-Agent has the `rv` that was frozen for ten versions; a disguised browser gets none."""
    (tmp_path / "compatibility.ini").write_text(f"[Compatibility]\nLastVersion={version}_2026/2026\n")
    assert expected == profiles.build_firefox_agent(browser, tmp_path, system)


@pytest.mark.parametrize("text", ["", "new", "\xff.1"])
def test_agent_of_a_broken_version_is_not_known(tmp_path: Path, text: str) -> None:
    """A broken version gives no User-Agent."""
    (tmp_path / "Last Version").write_text(text)
    assert profiles.build_chromium_agent("Chrome", tmp_path, "linux") is None


def test_agent_without_a_version_file_is_not_known(tmp_path: Path) -> None:
    """A missing version file gives no User-Agent."""
    assert profiles.build_firefox_agent("Firefox", tmp_path, "linux") is None

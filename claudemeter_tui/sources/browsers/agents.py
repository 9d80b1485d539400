"""What a browser calls itself, from the version that it left beside its profiles."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_PLATFORMS = {
    "darwin": "Macintosh; Intel Mac OS X 10_15_7",
    "win32": "Windows NT 10.0; Win64; x64",
}
_LINUX = "X11; Linux x86_64"
_ENDINGS = {"Chrome": "", "Chrome Beta": "", "Chrome Dev": "", "Chromium": "", "Brave": "", "Arc": ""}
_ENDINGS |= {"Edge": " Edg/{major}.0.0.0"}
"""What follows the common part, by browser. Vivaldi and Opera count versions of their own."""


def chromium(browser: str, root: Path, system: str) -> str | None:
    """The User-Agent of a Chromium browser, by `Last Version`; the real one names only its first number."""
    major = _number(root / "Last Version", re.compile(r"\s*(\d+)\.").match)
    if major is None or browser not in _ENDINGS:
        return None
    start = f"Mozilla/5.0 ({_PLATFORMS.get(system, _LINUX)}) AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"{start} Chrome/{major}.0.0.0 Safari/537.36" + _ENDINGS[browser].format(major=major)


def firefox(browser: str, profile: Path, system: str) -> str | None:
    """The User-Agent of a Firefox profile, by `compatibility.ini`. LibreWolf disguises its own."""
    major = _number(profile / "compatibility.ini", re.compile(r"^LastVersion=(\d+)\.", re.MULTILINE).search)
    if major is None or browser != "Firefox":
        return None
    platform = _PLATFORMS.get(system, _LINUX).replace("10_15_7", "10.15")
    shown = 109 if 110 <= major < 120 else major  # frozen for ten versions, lest sites take them for IE 11
    return f"Mozilla/5.0 ({platform}; rv:{shown}.0) Gecko/20100101 Firefox/{major}.0"


def _number(path: Path, find: Callable[[str], re.Match[str] | None]) -> int | None:
    """The version in a file; None where there is no file or no version."""
    try:
        found = find(path.read_text("utf-8", errors="replace"))
    except OSError:
        return None
    return int(found[1]) if found else None

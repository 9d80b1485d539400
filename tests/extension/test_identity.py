"""The extension asks for little, has one id in every browser, and stays small enough to be read."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudemeter_tui.extension import identity
from claudemeter_tui.extension.identity import EXTENSION_FOLDER, read_extension_manifest
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN

MANIFEST = read_extension_manifest()
FILES = {path.name for path in EXTENSION_FOLDER.iterdir()}
SOURCES = {name: (EXTENSION_FOLDER / name).read_text("utf-8") for name in FILES if not name.endswith(".png")}
WORKER, POPUP, STYLE = SOURCES["worker.js"], SOURCES["popup.js"], SOURCES["popup.css"]


def test_manifest_has_no_more_than_it_needs() -> None:
    """The extension has three permissions, runs in no page, and nothing else may talk to it."""
    assert MANIFEST["manifest_version"] == 3
    assert MANIFEST["permissions"] == ["nativeMessaging", "alarms"]
    assert MANIFEST["host_permissions"] == [f"{CLAUDE_AI_ORIGIN}/*"]
    assert MANIFEST["incognito"] == "not_allowed"
    assert MANIFEST.keys() == {
        *("manifest_version", "name", "version", "description", "key", "minimum_chrome_version", "icons"),
        *("permissions", "host_permissions", "background", "action", "content_security_policy", "incognito"),
    }


def test_browser_blocks_every_other_origin() -> None:
    """The policy allows the extension's own scripts and styles, and requests to claude.ai alone."""
    rules = [rule.split() for rule in MANIFEST["content_security_policy"]["extension_pages"].split(";")]
    assert rules == [
        ["default-src", "'none'"],
        ["script-src", "'self'"],
        ["style-src", "'self'"],
        ["connect-src", CLAUDE_AI_ORIGIN],
    ]


def test_oldest_browser_keeps_the_worker_alive() -> None:
    """Chrome 110 has all that the worker needs.

    A port to a host keeps a worker alive since 105. Since 110, an event extends its life, and
    `setBadgeTextColor` exists (developer.chrome.com: "Longer extension service worker lifetimes" and
    `chrome.action`).
    """
    assert MANIFEST["minimum_chrome_version"] == "110"


def test_id_stays_the_same() -> None:
    """Installed manifests name this id: with another key, every one of them would refuse the extension."""
    assert identity.EXTENSION_ID == "bbkoilmihpejbpmkfigepkkdjgdjdeap"
    assert identity.EXTENSION_ORIGIN == "chrome-extension://bbkoilmihpejbpmkfigepkkdjgdjdeap/"
    assert (
        len(b64decode(MANIFEST["key"], validate=True)) == 294
    )  # the public half of an RSA key of 2,048 bits


@pytest.mark.parametrize("body", ["", "[]", '{"version": '])
def test_other_files_are_no_manifest(body: str, tmp_path: Path) -> None:
    """A copy that is empty, cut off or something else raises an error that callers can catch."""
    (tmp_path / "manifest.json").write_text(body)
    with pytest.raises(ValueError, match=r"manifest\.json|Expecting"):
        read_extension_manifest(tmp_path)
    with pytest.raises(OSError, match="missing"):
        read_extension_manifest(tmp_path / "missing")


def test_scripts_can_be_read_in_one_sitting() -> None:
    """All scripts together have fewer than 250 lines, and no line is too wide to read."""
    scripts = [line for source in (WORKER, POPUP) for line in source.splitlines()]
    assert len(scripts) < 250
    assert max(map(len, scripts)) <= 120


def test_folder_holds_every_named_file_and_no_other() -> None:
    """Manifest and popup name exactly the files that exist."""
    action = MANIFEST["action"]["default_popup"]
    named = {MANIFEST["background"]["service_worker"], action}
    named |= set(re.findall(r'(?:src|href)="([^"]+)"', SOURCES[action]))
    assert named | {"manifest.json", *MANIFEST["icons"].values()} == FILES


def test_sources_name_one_address() -> None:
    """No file has another address than that of claude.ai."""
    assert {url for source in SOURCES.values() for url in re.findall(r"\w+://[^\"'\s*;]*", source)} == {
        CLAUDE_AI_ORIGIN,
        f"{CLAUDE_AI_ORIGIN}/",
    }
    assert f'ORIGIN = "{CLAUDE_AI_ORIGIN}"' in WORKER


def test_scripts_use_no_dangerous_call() -> None:
    """Nothing is parsed as markup or code, no cookie is read, and one place sends requests."""
    code = re.sub(r"//.*", "", WORKER + POPUP)
    dangers = ("HTML", "document.write", "eval(", "Function(", "cookie", "XMLHttpRequest", "importScripts")
    assert [name for name in dangers if name in code] == []
    assert len(re.findall(r"\bfetch\(", code)) == 1


def test_worker_connects_to_our_host() -> None:
    """The worker and the native messaging manifests use one name."""
    assert f'HOST_NAME = "{identity.HOST_NAME}"' in WORKER


def compute_luminance(color: str) -> float:
    """Return the relative luminance of `#rrggbb`, from 0 to 1 (WCAG 2)."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def compute_contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2)."""
    darker, lighter = sorted((compute_luminance(one), compute_luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def iterate_color_pairs() -> Iterator[tuple[str, str, str]]:
    """Yield each text colour with its background, and where they are used."""
    [badges] = re.findall(r"BADGE_COLORS = {(.*)}", WORKER)
    for level, color in re.findall(r'(\w+): "(#\w+)"', badges):
        yield f"badge, {level}", "#ffffff", color
    for theme in re.findall(r":root {(.*?)}", STYLE, re.DOTALL):
        colors = dict(re.findall(r"--(\w+): (#\w+)", theme))
        for text in ("text", "muted", "alarm"):
            yield f"popup, {text}", colors[text], colors["background"]
        yield "button", colors["text"], colors["button"]
        yield "disabled button", colors["muted"], colors["button"]


def test_every_text_is_legible() -> None:
    """Each text of badge and popup has a contrast of at least 4.5 in both themes, as WCAG 2 demands."""
    pairs = list(iterate_color_pairs())
    assert len(pairs) == 4 + 2 * 5
    assert [where for where, text, background in pairs if compute_contrast(text, background) < 4.5] == []

"""The browser extension in words: what remains to do, and the state and the cure of each browser."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui import __version__
from claudemeter_tui.formatting.extension import describe_install, describe_removal, format_status
from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.extension_setup import (
    BrowserSetup,
    CopyState,
    ExtensionRemoval,
    ExtensionSetup,
    ManifestState,
)
from claudemeter_tui.model.reading import ErrorKind, Session
from tests.scenes import NOW

FOLDER = "/home/pat/data/browser-extension"
CHROME = BrowserSetup("Chrome", "Chrome", "", "chrome://extensions", ManifestState.INSTALLED)
BETA = CHROME._replace(browser="Chrome Beta")
EDGE = BrowserSetup("Edge", "Edge", "", "edge://extensions", ManifestState.INSTALLED)
SNAP = BrowserSetup("Chromium", "Chromium", "snap", "chrome://extensions", ManifestState.UNSUPPORTED)
WORKS = HostRecord(
    Session("Chrome", "extension"),
    Account("a", "pat@example.com"),
    __version__,
    "1",
    NOW,
    NOW - timedelta(seconds=18),
    None,
    is_running=True,
)
NO_ENTRY = HostRecord(WORKS.session, None, "", "", None, None, None, is_running=True)
NOT_KEPT = (
    "The extension runs, but the history has no poll of it: wait a minute for the next one. If it is not kept"
    " either, free some disk space or make the data folder writable."
)
MISSING = (
    f"The extension runs, but the history has no poll after {format_moment(NOW, NOW)}: free some disk space"
    " or make the data folder writable."
)
NO_SNAP = (
    "A Snap cannot start other programs. Install Chromium as an ordinary package, or sign in with Firefox or"
    " a cookie file."
)
FACTS = f"last reply 18s ago, claudemeter-tui {__version__}, pat@example.com"


def set_up(*browsers: BrowserSetup, copy: CopyState = CopyState.CURRENT) -> ExtensionSetup:
    """Return the set-up of these browsers."""
    return ExtensionSetup(Path(FOLDER), copy, "1", browsers)


def row_of(setup: ExtensionSetup, *hosts: HostRecord) -> list[str]:
    """Return the columns of the only row of a status."""
    (row,) = format_status(setup, hosts, NOW).partition("\n\n")[2].splitlines()
    return [column.strip() for column in row.split("  ") if column.strip()]


def test_installation_names_each_page_and_the_folder() -> None:
    """The two steps are described for each browser, and the obstacles of the others are named."""
    unwritable = EDGE._replace(manifest=ManifestState.MISSING, fault="Permission denied")
    text = describe_install(set_up(CHROME, unwritable, SNAP, BETA), "~/data/browser-extension")
    assert text.splitlines() == [
        "The extension is ready. Load it into each browser in which you are signed in to claude.ai:",
        "",
        '1. Open the browser\'s page of extensions, turn on "Developer mode", and leave it on:',
        "   Chrome       chrome://extensions",
        "   Chrome Beta  chrome://extensions",
        '2. Click "Load unpacked", and choose this folder:',
        "   ~/data/browser-extension",
        "   (To paste the path into the dialog, press Ctrl+L on Linux, Cmd+Shift+G on a Mac.)",
        "",
        "Edge: Its manifest cannot be written (Permission denied). Make its folder writable, then try again.",
        f"Chromium (snap): {NO_SNAP}",
        "",
        "The first figures arrive within a minute. To check: claudemeter-tui --extension status",
    ]


def test_installation_without_a_usable_browser_says_why() -> None:
    """Nothing is called ready then."""
    text = describe_install(set_up(SNAP), FOLDER)
    assert text.splitlines()[0] == "The extension cannot be used in any browser that was found:"
    assert NO_SNAP in text
    assert "ready" not in text


@pytest.mark.parametrize(
    ("expected", "copy"),
    [
        (f"Extension 1, up to date\n{FOLDER}", CopyState.CURRENT),
        (
            f"Extension 1, out of date. Run claudemeter-tui --extension install.\n{FOLDER}",
            CopyState.STALE,
        ),
        (f"Extension 1, of a newer version of claudemeter-tui\n{FOLDER}", CopyState.NEWER),
        ("Extension 1, not installed. Run claudemeter-tui --extension install.", CopyState.MISSING),
    ],
)
def test_status_begins_with_the_folder(expected: str, copy: CopyState) -> None:
    """The first line has the state of the files, and what helps."""
    assert format_status(set_up(CHROME, copy=copy), (), NOW).partition("\n\n")[0] == expected


INSTALL = "Run claudemeter-tui --extension install."
LOAD = (
    'Open chrome://extensions, turn on "Developer mode" and leave it on, click "Load unpacked" and choose the'
    " folder above."
)


@pytest.mark.parametrize(
    ("expected", "setup"),
    [
        (["Chrome", "not loaded yet", LOAD], set_up(CHROME)),
        (["Chrome", "not installed", INSTALL], set_up(CHROME, copy=CopyState.MISSING)),
        (["Chrome", "not installed", INSTALL], set_up(CHROME._replace(manifest=ManifestState.MISSING))),
        (
            ["Chrome", "wrong path", f"Its manifest names a program that does not exist. {INSTALL}"],
            set_up(CHROME._replace(manifest=ManifestState.WRONG_COMMAND)),
        ),
        (
            ["Chrome", "wrong id", f"Its manifest allows another extension. {INSTALL}"],
            set_up(CHROME._replace(manifest=ManifestState.WRONG_EXTENSION)),
        ),
        (
            ["Chrome", "not readable", f"Its manifest cannot be read. {INSTALL}"],
            set_up(CHROME._replace(manifest=ManifestState.UNREADABLE)),
        ),
        (["No Chromium-based browser was found."], set_up()),
    ],
)
def test_status_of_a_browser_without_a_host(expected: list[str], setup: ExtensionSetup) -> None:
    """Each state of a manifest has its own words and its cure."""
    assert row_of(setup) == expected


@pytest.mark.parametrize(
    ("outcome", "detail", "host"),
    [
        ("works", FACTS, WORKS),
        (
            "browser closed",
            f'Start Chrome, and check that "claudemeter" is on in chrome://extensions. ({FACTS})',
            WORKS._replace(is_running=False, error_kind=ErrorKind.TIMEOUT),
        ),
        (
            "session expired",
            f"Sign in to claude.ai in Chrome. ({FACTS})",
            WORKS._replace(error_kind=ErrorKind.EXPIRED),
        ),
        (
            "Cloudflare challenge",
            f"Cloudflare wants a browser check. Your session is probably fine. ({FACTS})",
            WORKS._replace(error_kind=ErrorKind.CHALLENGE),
        ),
        (
            "other version",
            f"Restart Chrome: it still runs another claudemeter-tui. ({FACTS.replace(__version__, '0.0.9')})",
            WORKS._replace(host_version="0.0.9"),
        ),
        (
            "other version",
            f'Reload "claudemeter" in chrome://extensions. ({FACTS})',
            WORKS._replace(extension_version="0"),
        ),
        ("no poll kept", NOT_KEPT, NO_ENTRY),
        (
            "polls not kept",
            f"{MISSING} ({FACTS})",
            WORKS._replace(unkept_since=NOW, error_kind=ErrorKind.TIMEOUT),
        ),
        (
            "no poll kept",
            f"{NOT_KEPT} (last reply 18s ago, pat@example.com)",
            NO_ENTRY._replace(account=WORKS.account, replied_at=WORKS.replied_at),
        ),
        (
            "browser closed",
            'Start Chrome, and check that "claudemeter" is on in chrome://extensions.',
            NO_ENTRY._replace(is_running=False),
        ),
        (
            "no reply yet",
            f"no reply yet, claudemeter-tui {__version__}",
            WORKS._replace(account=None, replied_at=None),
        ),
    ],
)
def test_status_of_a_host(outcome: str, detail: str, host: HostRecord) -> None:
    """Each fault has its cure, and the last reply, the host's version and the account stay."""
    assert row_of(set_up(CHROME), host) == ["Chrome, extension", outcome, detail]


def test_status_of_a_host_without_a_manifest_has_both() -> None:
    """The manifest is the more urgent fault; the last reply is still shown."""
    broken = set_up(CHROME._replace(manifest=ManifestState.MISSING))
    assert row_of(broken, WORKS) == ["Chrome, extension", "not installed", f"{INSTALL} ({FACTS})"]


def test_hosts_belong_to_their_browsers() -> None:
    """A second profile has its own row, Chrome's hosts are not those of its other channels, none is lost."""
    hosts = [
        WORKS._replace(session=Session(browser, profile))
        for browser, profile in (
            ("Chrome", "extension"),
            ("Chrome", "extension 2"),
            ("Chromium", "extension"),
            ("Brave", "extension"),
        )
    ]
    status = format_status(set_up(CHROME, BETA, EDGE, SNAP), hosts, NOW)
    rows = [[part.strip() for part in row.split("  ") if part] for row in status.splitlines()[3:]]
    assert [row[:2] for row in rows] == [
        ["Chrome, extension", "works"],
        ["Chrome, extension 2", "works"],
        ["Chrome Beta", "not loaded yet"],
        ["Edge", "not loaded yet"],
        ["Chromium (snap)", "not possible"],
        ["Chromium, extension", "works"],
        ["Brave, extension", "works"],
    ]
    assert row_of(set_up(BETA), hosts[0])[:2] == ["Chrome, extension", "works"]


def test_removal_names_the_browsers_that_still_run_it() -> None:
    """A host that runs would appear in the history again."""
    text = describe_removal(ExtensionRemoval(is_removed=True), ["Chrome", "Chrome", "Edge"])
    done = "Removed the extension's folder and its manifests."
    assert text.startswith(f"{done} The extension still runs in Chrome and Edge. Remove")
    again = describe_removal(ExtensionRemoval(is_removed=False), ["Chrome"])
    assert again.startswith("The extension still runs in Chrome. Remove")


@pytest.mark.parametrize(
    ("expected", "removal"),
    [
        ("Removed the extension's folder and its manifests.", ExtensionRemoval(is_removed=True)),
        ("The extension was not installed.", ExtensionRemoval(is_removed=False)),
        (
            "A part of the extension could not be removed (Permission denied). Make the folders writable,",
            ExtensionRemoval(is_removed=True, faults=("Permission denied",)),
        ),
    ],
)
def test_removal_is_described_as_it_was(expected: str, removal: ExtensionRemoval) -> None:
    """Nothing is called removed that was not there or is still there."""
    assert describe_removal(removal).startswith(expected)

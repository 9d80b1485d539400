"""Put the browser extension's set-up into words: what remains to do, the state of each browser, and cures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from claudemeter_tui import __version__
from claudemeter_tui.formatting.problems import (
    COOKIE_FILE_SESSION,
    COOKIE_VARIABLE_SESSION,
    PROBLEM_TEXTS,
    describe_session_renewal,
    format_columns,
)
from claudemeter_tui.formatting.values import format_age, format_moment
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.extension_setup import (
    BrowserSetup,
    CopyState,
    ExtensionRemoval,
    ExtensionSetup,
    ManifestState,
)
from claudemeter_tui.model.problems import RENEWABLE_ERRORS
from claudemeter_tui.model.reading import ErrorKind, ScanResult, Session
from claudemeter_tui.model.session_search import HIDDEN_COOKIE_OUTCOMES

INSTALL_COMMAND = "claudemeter-tui --extension install"
_EXTENSION_NAME = "claudemeter"
"""Name of the extension on a browser's page of extensions."""
_INSTALL = f"Run {INSTALL_COMMAND}."
_MANIFEST_TEXTS = {
    ManifestState.MISSING: ("not installed", _INSTALL),
    ManifestState.WRONG_COMMAND: (
        "wrong path",
        f"Its manifest names a program that does not exist. {_INSTALL}",
    ),
    ManifestState.WRONG_EXTENSION: ("wrong id", f"Its manifest allows another extension. {_INSTALL}"),
    ManifestState.UNREADABLE: ("not readable", f"Its manifest cannot be read. {_INSTALL}"),
}
"""Outcome and sentence for a browser that cannot start the host."""
_NO_POLL_KEPT = (
    "The extension runs, but the history has no poll of it: wait a minute for the next one. If it is not kept"
    " either, free some disk space or make the data folder writable."
)
_POLLS_MISSING = (
    "The extension runs, but the history has no poll after {since}: free some disk space or make the data"
    " folder writable."
)
_COPY_TEXTS = {
    CopyState.CURRENT: "up to date",
    CopyState.NEWER: "of a newer version of claudemeter-tui",
    CopyState.STALE: f"out of date. {_INSTALL}",
    CopyState.MISSING: f"not installed. {_INSTALL}",
}


EXTENSION_HINT = (
    f"Or read through an extension of a Chromium-based browser, which needs no cookie: run {INSTALL_COMMAND}."
)
HISTORY_OFF = "The dashboard does not show what the extension reads, because history.enabled is false."


def describe_extension_cure(
    failures: Iterable[tuple[Session, ErrorKind]], places: Iterable[ScanResult] = ()
) -> str:
    """Return the sentence that names the extension; empty if it would not help.

    Args:
        failures: the failure of each session.
        places: the places that were searched for sessions.
    """
    is_hidden = any(place.outcome in HIDDEN_COOKIE_OUTCOMES for place in places)
    # With a session that the user provided, no browser is read.
    is_challenged = any(
        error_kind is ErrorKind.CHALLENGE
        and session.browser not in (COOKIE_VARIABLE_SESSION, COOKIE_FILE_SESSION)
        for session, error_kind in failures
    )
    return EXTENSION_HINT if is_hidden or is_challenged else ""


def describe_install(setup: ExtensionSetup, folder: str, note: str = "") -> str:
    """Return what was installed, and what the user has to do in each browser.

    Args:
        setup: the result of the installation.
        folder: the extension's folder, as the user can enter it.
        note: one more sentence. Empty for none.
    """
    ready = [one for one in setup.browsers if one.manifest is ManifestState.INSTALLED and not one.fault]
    others = [f"{name_browser(one)}: {_describe_obstacle(one)}" for one in setup.browsers if one not in ready]
    if not ready:
        return "\n".join(("The extension cannot be used in any browser that was found:", *others))
    pages = format_columns((f"   {one.browser}", one.extensions_page) for one in ready)
    lines = (
        "The extension is ready. Load it into each browser in which you are signed in to claude.ai:",
        "",
        '1. Open the browser\'s page of extensions, turn on "Developer mode", and leave it on:',
        pages,
        '2. Click "Load unpacked", and choose this folder:',
        f"   {folder}",
        "   (To paste the path into the dialog, press Ctrl+L on Linux, Cmd+Shift+G on a Mac.)",
        "",
        *others,
        *filter(None, [note]),
        *[""] * bool(others or note),
        "The first figures arrive within a minute. To check: claudemeter-tui --extension status",
    )
    return "\n".join(lines)


def format_status(setup: ExtensionSetup, hosts: Iterable[HostRecord], now: datetime, note: str = "") -> str:
    """Return a line about the extension's folder, then one for each browser: outcome, and what helps.

    `note` is one more sentence; empty for none.
    """
    head = f"Extension {setup.version}, {_COPY_TEXTS[setup.copy]}"
    if setup.copy is not CopyState.MISSING:
        head = f"{head}\n{setup.folder}"
    head = "\n".join(filter(None, (head, note)))
    rows = [_describe_row(setup, browser, host, now) for browser, host in _pair_hosts(setup.browsers, hosts)]
    return "\n".join((head, "", format_columns(rows) if rows else "No Chromium-based browser was found."))


def describe_removal(removal: ExtensionRemoval, running: Iterable[str] = ()) -> str:
    """Return what was removed, and what the user has to do; or what could not be removed.

    `running` are the browsers in which the extension still runs, and so writes into the history.
    """
    if removal.faults:
        return (
            f"A part of the extension could not be removed ({', '.join(removal.faults)})."
            " Make the folders writable, then run claudemeter-tui --extension remove again."
        )
    browsers = " and ".join(dict.fromkeys(running))
    if not removal.is_removed and not browsers:
        return "The extension was not installed."
    removed = "Removed the extension's folder and its manifests. " if removal.is_removed else ""
    if browsers:
        return (
            f'{removed}The extension still runs in {browsers}. Remove "{_EXTENSION_NAME}" on the page of'
            " extensions there, then run claudemeter-tui --extension remove again."
        )
    return f'{removed}Remove "{_EXTENSION_NAME}" on the page of extensions of each browser, too.'


def name_browser(browser: BrowserSetup) -> str:
    """Return `Chromium (snap)`, or the name alone for an ordinary installation."""
    return f"{browser.browser} ({browser.package})" if browser.package else browser.browser


def is_working(host: HostRecord) -> bool:
    """Return True if the browser is open and signed in, and its last poll is kept and has not failed."""
    is_kept = host.seen_at is not None and host.unkept_since is None
    return host.is_running and host.error_kind is None and is_kept and host.account is not None


def _pair_hosts(
    browsers: Iterable[BrowserSetup], hosts: Iterable[HostRecord]
) -> Iterator[tuple[BrowserSetup | None, HostRecord | None]]:
    """Yield each browser with each of its hosts, and the hosts of browsers that were not found.

    An extension knows the family of its browser, but not the channel, so hosts of Chrome count for the first
    Chrome.
    """
    left = list(hosts)
    for browser in browsers:
        names = (browser.browser, browser.family)
        is_supported = browser.manifest is not ManifestState.UNSUPPORTED
        own = [host for host in left if is_supported and host.session.browser in names]
        left = [host for host in left if host not in own]
        yield from ((browser, host) for host in own)
        if not own:
            yield browser, None
    yield from ((None, host) for host in left)


def _describe_row(
    setup: ExtensionSetup, browser: BrowserSetup | None, host: HostRecord | None, now: datetime
) -> tuple[str, str, str]:
    """Return name, outcome and detail of a browser, of a host, or of both."""
    name = host.session.label if host is not None else name_browser(browser) if browser is not None else ""
    if browser is not None and browser.manifest is ManifestState.UNSUPPORTED:
        return name, "not possible", _describe_obstacle(browser)
    if browser is not None and browser.manifest is not ManifestState.INSTALLED:
        outcome, text = _MANIFEST_TEXTS[browser.manifest]
    elif host is None:
        where = browser.extensions_page if browser is not None else ""
        text = (
            f'Open {where}, turn on "Developer mode" and leave it on, click "Load unpacked" and choose the'
            " folder above."
        )
        outcome = "not loaded yet" if setup.copy is not CopyState.MISSING else "not installed"
        text = text if setup.copy is not CopyState.MISSING else _INSTALL
    else:
        outcome, text = _describe_host(setup, browser, host, now)
    facts = _describe_facts(host, now)
    return name, outcome, f"{text} ({facts})" if text and facts else text or facts


def _describe_host(
    setup: ExtensionSetup, browser: BrowserSetup | None, host: HostRecord, now: datetime
) -> tuple[str, str]:
    """Return the outcome of a host, and the sentence about what helps; it is empty if all is well."""
    page = browser.extensions_page if browser is not None else "its page of extensions"
    if not host.is_running:
        start = f'Start {host.session.browser}, and check that "{_EXTENSION_NAME}" is on in {page}.'
        return "browser closed", start
    if host.seen_at is None:
        return "no poll kept", _NO_POLL_KEPT
    if host.unkept_since is not None:
        return "polls not kept", _POLLS_MISSING.format(since=format_moment(host.unkept_since, now))
    if host.error_kind is not None:
        # The browser alone: the profile's name is not known.
        renewal = f"{describe_session_renewal(Session(host.session.browser))}."
        summary = PROBLEM_TEXTS[host.error_kind].summary
        return str(host.error_kind), renewal if host.error_kind in RENEWABLE_ERRORS else summary
    if host.host_version != __version__:
        return "other version", f"Restart {host.session.browser}: it still runs another claudemeter-tui."
    if host.extension_version != setup.version:
        return "other version", f'Reload "{_EXTENSION_NAME}" in {page}.'
    return ("works" if is_working(host) else "no reply yet"), ""


def _describe_facts(host: HostRecord | None, now: datetime) -> str:
    """Return `last reply 18s ago, claudemeter-tui 0.1.0, pat@example.com`; empty if nothing is known."""
    if host is None:
        return ""
    reply = "no reply yet" if host.seen_at is not None else ""
    if host.replied_at is not None:
        reply = f"last reply {format_age(now - host.replied_at)}"
    version = f"claudemeter-tui {host.host_version}" if host.host_version else ""
    who = (host.account.email or host.account.uuid) if host.account is not None else None
    return ", ".join(filter(None, (reply, version, who)))


def _describe_obstacle(browser: BrowserSetup) -> str:
    """Return why a browser cannot start the host, and what helps."""
    if browser.manifest is ManifestState.UNSUPPORTED:
        return (
            f"A {browser.package.capitalize()} cannot start other programs. Install {browser.browser} as an"
            " ordinary package, or sign in with Firefox or a cookie file."
        )
    if browser.fault:
        return f"Its manifest cannot be written ({browser.fault}). Make its folder writable, then try again."
    return _MANIFEST_TEXTS[browser.manifest][1]

"""Run `--extension`: install the browser extension, show its state, or remove it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from claudemeter_tui.commands.once import write_line
from claudemeter_tui.commands.stdout import EXIT_NO_SESSION
from claudemeter_tui.extension.install import ExtensionError, Installation
from claudemeter_tui.extension.names import find_names, remove_locks
from claudemeter_tui.formatting.extension import (
    describe_install,
    describe_removal,
    format_status,
    is_working,
)
from claudemeter_tui.history.hosts import read_hosts, remove_hosts
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN


def load_hosts(archive: Path, state_folder: Path) -> Sequence[HostRecord]:
    """Return the last that is known of each program that the extension has started.

    After its removal and on a full disk, the history has no entry of a host that runs or has run; the lock of
    its name then shows which.
    """
    # The extension reads claude.ai only, whatever the settings name.
    hosts = {host.session: host for host in read_hosts(archive, CLAUDE_AI_ORIGIN)}
    for session, is_running in find_names(state_folder).items():
        last = hosts.get(session, HostRecord(session, None, "", "", None, None, None, is_running))
        if is_running and not last.is_running:  # another host than that of the entry
            last = last._replace(
                host_version="", extension_version="", seen_at=None, error_kind=None, is_running=True
            )
        hosts[session] = last
    return sorted(hosts.values(), key=lambda host: (host.session.browser, host.session.profile))


def install_extension(installation: Installation, note: str = "") -> int:
    """Install the extension and print what the user has to do, and a note; return the exit status."""
    text, is_ready = _install(installation, str, note)
    write_line(text)
    return 0 if is_ready else EXIT_NO_SESSION


def show_extension(
    installation: Installation, hosts: Sequence[HostRecord], now: datetime, note: str = ""
) -> int:
    """Print the state of the extension in each browser, and a note; return 0 if it works in one of them."""
    write_line(format_status(installation.read_setup(), hosts, now, note))
    return 0 if any(map(is_working, hosts)) else EXIT_NO_SESSION


def remove_extension(installation: Installation, archive: Path, state_folder: Path) -> int:
    """Remove what was installed, and entries and locks of its hosts; return 0 unless a file stays."""
    removal = installation.remove()
    running = [host.session.browser for host in load_hosts(archive, state_folder) if host.is_running]
    remove_hosts(archive)
    remove_locks(state_folder)
    write_line(describe_removal(removal, running))
    return EXIT_NO_SESSION if removal.faults else 0


def describe_installed(installation: Installation) -> str:
    """Install the extension, and return what the user has to do, without naming the home folder."""
    return _install(installation, partial(shorten_path, installation=installation))[0]


def _install(
    installation: Installation, name_folder: Callable[[Path], str], note: str = ""
) -> tuple[str, bool]:
    """Install the extension; return what the user has to do, or the fault, and True if it can be loaded."""
    try:
        setup = installation.install()
    except ExtensionError as error:
        return str(error), False
    return describe_install(setup, name_folder(setup.folder), note), setup.is_ready


def shorten_path(path: Path, installation: Installation) -> str:
    r"""Return the path as a file dialog accepts it: `~/…`, on Windows `%LOCALAPPDATA%\…`; else unchanged."""
    home = installation.home or Path.home()
    if installation.system != "win32" and path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    local = home / "AppData" / "Local"
    if installation.system == "win32" and path.is_relative_to(local):
        return rf"%LOCALAPPDATA%\{path.relative_to(local)}"
    return str(path)

"""The entries of the extension's hosts, and polls that should be in the history but are not."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_update, open_for_writing, to_millis
from claudemeter_tui.history.hosts import add_missing_polls, keep_host, read_hosts
from claudemeter_tui.history.lease import Process, claim_lease, describe_process
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
from tests.scenes import NOW

HOST = HostRecord(Session("Chrome", "extension"), Account("pat"), "1", "1", NOW, NOW, None, is_running=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of an archive with the entry of a host that runs: this process."""
    path = tmp_path / ARCHIVE_NAME
    open_for_writing(path).close()
    assert keep_host(path, CLAUDE_AI_ORIGIN, HOST, describe_process())
    return path


def hold_lease(path: Path, process: Process, next_at: timedelta) -> None:
    """Let a process hold the lease of the account, after a poll now with the next one after this time."""
    with closing(open_for_update(path)) as connection:
        assert claim_lease(connection, 1, process, to_millis(NOW), lambda _: False) is not None
        times = to_millis(NOW), to_millis(NOW + next_at)
        connection.execute("UPDATE leases SET polled_at = ?, next_at = ?, interval = 60000", times)


def find_missing(path: Path, after: timedelta) -> list[bool]:
    """Return True for each host with missing polls, so long after the last one."""
    hosts = add_missing_polls(path, CLAUDE_AI_ORIGIN, read_hosts(path, CLAUDE_AI_ORIGIN), NOW + after)
    assert all(host.unkept_since in (None, host.seen_at) for host in hosts)
    return [host.unkept_since is not None for host in hosts]


@pytest.mark.parametrize("pause", [MINUTE, 60 * MINUTE], ids=["usual", "back-off"])
def test_poll_is_missing_once_it_is_overdue(path: Path, pause: timedelta) -> None:
    """The schedule of the last kept poll says when the next one was due, also after a long pause."""
    hold_lease(path, describe_process(), pause)
    assert find_missing(path, pause) == [False]
    assert find_missing(path, pause + MINUTE) == [True]


def test_poll_of_an_ended_holder_is_missing(path: Path) -> None:
    """A host that cannot write does not take the lease of a dashboard that was closed."""
    hold_lease(path, describe_process()._replace(holder="other", started="1"), MINUTE)
    assert find_missing(path, MINUTE / 2) == [True]


def test_poll_without_a_lease_is_missing_after_some_minutes(path: Path) -> None:
    """A host takes a free lease at once, if it can write."""
    assert find_missing(path, MINUTE) == [False]
    assert find_missing(path, 10 * MINUTE) == [True]


@pytest.mark.parametrize("change", [{"is_running": False}, {"account": None}])
def test_no_poll_is_missing_of_a_host_that_cannot_poll(path: Path, change: dict[str, object]) -> None:
    """A closed browser and one that is signed out are named as such."""
    assert keep_host(path, CLAUDE_AI_ORIGIN, HOST._replace(**change), describe_process())  # type: ignore[arg-type]
    assert find_missing(path, 10 * MINUTE) == [False]

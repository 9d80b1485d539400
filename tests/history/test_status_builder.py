"""The status after polls: back-off, several sessions, and orgs of other settings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from claudemeter_tui.commands.status_texts import describe_outcome
from claudemeter_tui.history.database import from_millis
from claudemeter_tui.history.status import Status
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Schedule, Session
from claudemeter_tui.model.store import OrgState, Store
from tests.scenes import INTERVAL, NOW, PERSONAL, READ, SESSION, TEAM, readings, store

FIREFOX = Session("Firefox")


def build(
    posted: Iterable[Reading], before: Status | None = None, restored: tuple[OrgState, ...] = ()
) -> Status:
    """Return the status after a run that posts these readings."""
    builder, known = StatusBuilder("1", describe_outcome), Store(restored)
    builder.start(before, restored)
    for reading in posted:
        builder.observe(reading)
        known = known.apply(reading)
    builder.finish(NOW)
    return builder.build(known, NOW)


def stopped(
    trouble: ErrorKind, wait: timedelta = INTERVAL, session: Session = SESSION
) -> tuple[Reading, Reading]:
    """Return the readings of a poll that fails as a whole."""
    failure = Failure(trouble, Endpoint.ACCOUNT, NOW)
    return Reading(session, NOW, failure), Reading(session, NOW, schedule=Schedule(NOW + wait, INTERVAL))


def list_names(status: Status) -> list[str]:
    """Return the names of the orgs."""
    return [org.name for org in status.orgs]


def test_next_poll_is_the_one_of_the_schedule() -> None:
    """The poller's schedule includes resets that come before the end of the interval."""
    status = build(readings(PERSONAL))
    assert from_millis(status.polled_at) == READ
    assert from_millis(status.next_at) == READ + INTERVAL
    assert (status.failure_count, status.error_kind, status.network) == (0, None, "")


@pytest.mark.parametrize(
    ("expected", "trouble", "before"),
    [
        (60, ErrorKind.THROTTLED, 0),
        (120, ErrorKind.THROTTLED, 1),
        (480, ErrorKind.CHALLENGE, 3),
        (900, ErrorKind.THROTTLED, 60),
        (60, ErrorKind.NO_SESSION, 5),
        (60, ErrorKind.DNS, 5),
    ],
)
def test_failing_polls_back_off(expected: int, trouble: ErrorKind, before: int) -> None:
    """The wait doubles up to 15 minutes, except if no server was reached."""
    earlier = build(readings(PERSONAL))._replace(failure_count=before)
    status = build(stopped(trouble), earlier, store(PERSONAL).orgs)
    assert from_millis(status.next_at) - NOW == timedelta(seconds=expected)
    assert (status.failure_count, status.error_kind) == (before + 1, trouble)
    assert list_names(status) == ["Personal"]


def test_failures_are_counted_within_a_run() -> None:
    """The dashboard polls on; a good poll ends the count."""
    twice = [*stopped(ErrorKind.THROTTLED), *stopped(ErrorKind.THROTTLED)]
    assert build(twice).failure_count == 2
    assert build([*twice, *readings(PERSONAL)]).failure_count == 0


def test_wait_of_the_server_counts_in_full() -> None:
    """A wait that the server asks for counts in full, at any back-off."""
    status = build(stopped(ErrorKind.THROTTLED, timedelta(hours=1)))
    assert from_millis(status.next_at) == NOW + timedelta(hours=1)


def test_one_good_session_is_a_success() -> None:
    """A failure of one of two sessions causes no back-off, and the next poll is the earlier one."""
    status = build([*stopped(ErrorKind.THROTTLED, session=FIREFOX), *readings(PERSONAL)])
    assert (status.failure_count, status.error_kind) == (0, None)
    assert from_millis(status.next_at) == READ + INTERVAL


def test_reading_after_the_poll_is_no_failed_poll() -> None:
    """The expiry of the session arrives without a poll of its own."""
    late = Reading(SESSION, NOW, expires_at=NOW + timedelta(days=1))
    assert build([*readings(PERSONAL), late]).failure_count == 0


def test_session_missing_from_a_poll_is_removed() -> None:
    """The orgs of a missing session are removed, unless the poll met no session."""
    earlier, restored = build(readings(PERSONAL)), store(PERSONAL).orgs
    other = build(stopped(ErrorKind.THROTTLED, session=FIREFOX), earlier, restored)
    assert list_names(other) == []
    nothing = build(stopped(ErrorKind.NO_SESSION, session=Session("")), earlier, restored)
    assert list_names(nothing) == ["Personal"]


def test_orgs_of_other_settings_are_left_out() -> None:
    """The archive restores every org of the server; another cookie's orgs have the same session name."""
    (mine,), (other,) = store(PERSONAL).orgs, store(TEAM).orgs
    foreign = OrgState(other.org, Account("another"), SESSION, other.replies)
    earlier = build(readings(PERSONAL))
    assert list_names(build(stopped(ErrorKind.THROTTLED), earlier, (foreign, mine))) == ["Personal"]
    assert list_names(build(stopped(ErrorKind.THROTTLED), None, (foreign, mine))) == []


def test_removed_session_does_not_count() -> None:
    """A session that signed out no longer keeps the status of the others from being a failure."""
    gone = Reading(FIREFOX, NOW, session_removed=True)
    posted = [*readings(PERSONAL, session=FIREFOX), *stopped(ErrorKind.THROTTLED), gone]
    status = build(posted)
    assert (status.failure_count, status.error_kind) == (1, ErrorKind.THROTTLED)
    assert list_names(status) == []

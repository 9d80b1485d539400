"""Problems grouped by cause: one outage is one group, and every other cause is one of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.problems import ProblemCause, group_problems
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading
from claudemeter_tui.model.store import Store
from tests.model.readings import (
    CHROME,
    FIREFOX,
    LAB,
    PERSONAL,
    SAM,
    TEAM,
    at,
    closed,
    folded,
    listed,
    reported,
    stopped,
    usage,
)

TIMEOUT, BROKEN = ErrorKind.TIMEOUT, ErrorKind.SERVER_ERROR


def failing(minutes: float, **kinds: ErrorKind) -> list[Failure]:
    """Return the failures of these replies."""
    return [Failure(kind, Endpoint(name), at(minutes)) for name, kind in kinds.items()]


def read(*more: Reading) -> Store:
    """Return a store of two orgs of one session and one of another, after these readings."""
    return folded(
        listed(0, PERSONAL, TEAM),
        *(reported(0, org, usage(0)) for org in (PERSONAL, TEAM)),
        closed(0),
        listed(0, LAB, account=SAM, session=FIREFOX),
        reported(0, LAB, usage(0), session=FIREFOX),
        closed(0, session=FIREFOX),
        *more,
    )


def describe(store: Store) -> list[tuple[ErrorKind | None, int, int]]:
    """Return kind, number of problems and number of orgs of each group."""
    return [(one.cause.error_kind, len(one.problems), one.org_count) for one in group_problems(store)]


EVERYWHERE = [
    stopped(1, TIMEOUT),
    reported(1, PERSONAL, *failing(1, usage=BROKEN, overage=TIMEOUT)),
    reported(2, TEAM, *failing(2, usage=TIMEOUT)),
    stopped(3, BROKEN, FIREFOX),
]


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param([], [], id="no problem"),
        pytest.param([(None, 5, 3)], EVERYWHERE, id="outage"),
        pytest.param([(TIMEOUT, 3, 2), (BROKEN, 1, 1)], EVERYWHERE[:3], id="one session alone is no outage"),
        pytest.param(
            [(ErrorKind.EXPIRED, 1, 1), (None, 4, 2)],
            [*EVERYWHERE[:3], stopped(3, ErrorKind.EXPIRED, FIREFOX)],
            id="a signed-out session does not read anyway",
        ),
        pytest.param(
            [(ErrorKind.EXPIRED, 1, 2), (ErrorKind.EXPIRED, 1, 1)],
            [stopped(1), stopped(1, session=FIREFOX)],
            id="each session is renewed on its own",
        ),
        pytest.param(
            [(BROKEN, 2, 2)],
            [reported(1, org, *failing(1, overage=BROKEN)) for org in (PERSONAL, TEAM)],
            id="same kind of failure",
        ),
        pytest.param(
            [(ErrorKind.FORBIDDEN, 1, 1), (BROKEN, 1, 1)],
            [reported(1, PERSONAL, *failing(1, usage=ErrorKind.FORBIDDEN, overage=BROKEN))],
            id="two kinds",
        ),
        pytest.param(
            [(BROKEN, 1, 1), (ErrorKind.NEW_FIELD, 1, 1)],
            [
                reported(1, PERSONAL, replace(usage(1), new_fields=("tangelo",))),
                reported(1, TEAM, *failing(1, overage=BROKEN)),
            ],
            id="notes come last",
        ),
    ],
)
def test_problems_are_grouped_by_cause(
    expected: list[tuple[ErrorKind | None, int, int]], readings: Iterable[Reading]
) -> None:
    """An outage of all sessions is one group; else each kind, and each session to renew, is one."""
    assert sorted(expected, key=str) == sorted(describe(read(*readings)), key=str)


def test_group_begins_with_its_first_problem() -> None:
    """The outage began with the first request that failed."""
    (group,) = group_problems(read(*EVERYWHERE))
    assert (at(1), ProblemCause(None)) == (group.since, group.cause)


def test_notes_are_the_last_groups() -> None:
    """Problems with missing figures come before new fields, whatever the order of the orgs."""
    noted = reported(1, PERSONAL, replace(usage(1), new_fields=("tangelo",)))
    groups = group_problems(read(noted, reported(1, TEAM, *failing(1, overage=BROKEN))))
    assert [group.is_informational for group in groups] == [False, True]


def test_session_to_renew_is_part_of_the_cause() -> None:
    """The cure names the session, so two sessions are two causes."""
    groups = group_problems(read(stopped(1), stopped(1, session=FIREFOX)))
    assert [group.cause.session for group in groups] == [CHROME, FIREFOX]

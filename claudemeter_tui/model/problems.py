"""Problems grouped by cause, because one cause can fail many replies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Session

if TYPE_CHECKING:  # the store is only read
    from claudemeter_tui.model.store import Problem, Store

INFORMATIONAL_ERRORS = frozenset({ErrorKind.NEW_FIELD, ErrorKind.EXPIRES_SOON})
"""Kinds with which nothing failed and no figure is missing."""
RENEWABLE_ERRORS = frozenset(
    {
        ErrorKind.EXPIRED,
        ErrorKind.EXPIRES_SOON,
        ErrorKind.TOKEN_INVALID,
        ErrorKind.TOKEN_SCOPE,
        ErrorKind.NO_SESSION,
    }
)
"""Kinds that a new session ends."""
OUTAGE_ERRORS = frozenset(
    {
        *(ErrorKind.NO_ROUTE, ErrorKind.DNS, ErrorKind.CONNECTION_REFUSED, ErrorKind.TIMEOUT),
        *(ErrorKind.CUT_OFF, ErrorKind.SERVER_ERROR, ErrorKind.UNREAD),
    }
)
"""Kinds that an outage of the server or of the network has; one outage often has several of them."""


class ProblemCause(NamedTuple):
    """The common cause of the problems of a group."""

    error_kind: ErrorKind | None
    """The kind. None for an outage, which can have several kinds."""
    session: Session | None = None
    """The session that has to be renewed. None if the problem is not limited to one."""


class ProblemGroup(NamedTuple):
    """All current problems of one cause."""

    cause: ProblemCause
    problems: tuple[Problem, ...]
    """In the order of the store; never empty."""
    org_count: int
    """Number of the orgs concerned, 0 if no org is known."""

    @property
    def since(self) -> datetime:
        """Start of the first problem."""
        return min(problem.at for problem in self.problems)

    @property
    def is_informational(self) -> bool:
        """True if nothing failed and no figure is missing."""
        return self.problems[0].error_kind in INFORMATIONAL_ERRORS


def group_problems(store: Store) -> tuple[ProblemGroup, ...]:
    """Return the current problems by cause: those with missing figures first, else in the store's order."""
    is_outage = _has_outage(store)
    groups: dict[ProblemCause, list[Problem]] = {}
    for problem in store.problems:
        kind = None if is_outage and problem.error_kind in OUTAGE_ERRORS else problem.error_kind
        session = problem.session if kind in RENEWABLE_ERRORS else None
        groups.setdefault(ProblemCause(kind, session), []).append(problem)
    found = [
        ProblemGroup(cause, tuple(problems), _count_orgs(problems, store))
        for cause, problems in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: group.is_informational))


def _has_outage(store: Store) -> bool:
    """True if no session can read anything because of the server or the network."""
    failing = {problem.session for problem in store.problems if problem.org is None and _is_outage(problem)}
    refused = {
        (problem.session, problem.org.uuid)
        for problem in store.problems
        if problem.org is not None and problem.endpoint is Endpoint.USAGE and _is_outage(problem)
    }
    if not failing and not refused:
        return False
    # A session that has to be renewed reads nothing anyway.
    signed_out = {problem.session for problem in store.problems if problem.error_kind in RENEWABLE_ERRORS}
    polled = failing | {state.session for state in store.sessions if state.schedule is not None} - signed_out
    return all(
        session in failing
        or (
            bool(orgs := [state for state in store.orgs if state.session == session])
            and all((session, state.org.uuid) in refused for state in orgs)
        )
        for session in polled
    )


def _is_outage(problem: Problem) -> bool:
    return problem.error_kind in OUTAGE_ERRORS


def _count_orgs(problems: Iterable[Problem], store: Store) -> int:
    """Return the number of orgs of these problems; a problem of a session concerns all its orgs."""
    sessions = {problem.session for problem in problems if problem.org is None}
    named = {problem.org.uuid for problem in problems if problem.org is not None}
    return len(named | {state.org.uuid for state in store.orgs if state.session in sessions})

"""Word what `--line` and `--check` print about every org, for the archive that the next runs read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from claudemeter_tui.commands.stdout import EXIT_NO_SESSION, EXIT_NOTHING_READ
from claudemeter_tui.formatting.status_line import StatusContext, format_used, format_values
from claudemeter_tui.formatting.verdict import find_leading_window, format_verdict_line
from claudemeter_tui.history.database import MILLISECOND, to_millis
from claudemeter_tui.history.status import NoOrgStatus, OrgStatus, Status, WindowFigure, read_zone
from claudemeter_tui.history.status_builder import Outcome
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import NO_SESSION_ERRORS, ErrorKind
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.model.verdict import Verdict, VerdictState, judge, rank_verdict
from claudemeter_tui.model.windows import Window

EXIT_CREDITS_BLOCKED = 5
EXIT_STATUSES = {
    VerdictState.CAN_WORK: 0,
    VerdictState.ON_CREDITS: 10,
    VerdictState.WAIT: 20,
    VerdictState.BLOCKED: 30,
}
"""Exit status of `--check` by verdict; the others are 5 (credits locked), 3 (no session) and 4 (unknown)."""
CREDITS_BLOCKED_STATE, SPENDING_STATE = "credits_blocked", "spending"
"""States beside CAN WORK for a bar, which may colour them."""
_MINUTE = timedelta(minutes=1)


def describe_outcome(outcome: Outcome, now: datetime) -> tuple[tuple[OrgStatus, ...], NoOrgStatus | None]:
    """Return the texts of every org after a poll, or the texts if there is no org."""
    if not outcome.store.orgs:
        return (), _describe_no_org(outcome.store, outcome.error_kind, now)
    errors = [_find_session_error(outcome.store, state) for state in outcome.store.orgs]
    described = [
        _describe_org(state, error, outcome.failure_count, outcome.error_kind, now)
        for state, error in zip(outcome.store.orgs, errors, strict=True)
    ]
    return _rank(described), None


def renew_texts(status: Status, states: Mapping[OrgKey, OrgState], now: datetime) -> Status:
    """Return the status with the texts of now, from the last state of each org.

    An org that was never read has no state and keeps its texts; one whose state became too old is removed.
    """
    error_kind = ErrorKind(status.error_kind) if status.error_kind is not None else None
    described: list[tuple[Verdict, OrgStatus]] = []
    for org in status.orgs:
        state = states.get((org.account, org.uuid))
        error = ErrorKind(org.error_kind) if org.error_kind is not None else None
        if state is not None:
            named = replace(state.org, alias=org.alias, account_note=org.account_note)
            state = replace(state, org=named)
            described.append(_describe_org(state, error, status.failure_count, error_kind, now))
        elif org.read_at is None:
            until = to_millis(_next_minute(now))
            unread = org._replace(valid_from=to_millis(now), valid_until=until)
            described.append((Verdict(VerdictState.UNKNOWN), unread))
    no_org = None if described else status.no_org or _describe_no_org(Store(), error_kind, now)
    return status._replace(orgs=_rank(described), no_org=no_org, zone=read_zone())


def compute_exit_status(verdict: Verdict) -> int:
    """Return the exit status of `--check`."""
    if verdict.state is VerdictState.UNKNOWN:
        return EXIT_NO_SESSION if verdict.error_kind in NO_SESSION_ERRORS else EXIT_NOTHING_READ
    if verdict.state is VerdictState.CAN_WORK and verdict.is_locked:
        return EXIT_CREDITS_BLOCKED
    return EXIT_STATUSES[verdict.state]


def _find_session_error(store: Store, state: OrgState) -> ErrorKind | None:
    failures = store.find_session_state(state.session).failures.values()
    return next((failure.error_kind for failure in failures), None)


def _describe_org(
    state: OrgState,
    session_error: ErrorKind | None,
    failure_count: int,
    error_kind: ErrorKind | None,
    now: datetime,
) -> tuple[Verdict, OrgStatus]:
    """Return verdict and texts of an org; figures that the last poll did not renew count as stale."""
    verdict = judge(state, now)
    missed = failure_count > 0 or Endpoint.USAGE in state.failures or session_error is not None
    verdict = verdict._replace(
        error_kind=verdict.error_kind or error_kind or session_error,
        is_stale=verdict.is_stale or missed,
    )
    read_at = state.read_at
    return verdict, OrgStatus(
        account=state.account.key,
        uuid=state.org.uuid,
        name=state.org.name,
        alias=state.org.alias,
        account_note=state.org.account_note,
        rank=0,
        exit_status=compute_exit_status(verdict),
        read_at=to_millis(read_at) if read_at is not None else None,
        error_kind=session_error,
        valid_from=to_millis(now),
        valid_until=to_millis(min(_iter_changes(state, verdict, now))),
        texts=format_values(StatusContext(state, verdict, now)),
        windows=[_describe_window(window, now) for window in (state.plan.wide_windows if state.plan else ())],
        state=_name_state(verdict),
        severity=verdict.compute_severity(now).name.lower(),
        percent=_find_percent(verdict, now),
    )


def _describe_window(window: Window, now: datetime) -> WindowFigure:
    return WindowFigure(
        kind=window.kind,
        label=window.label,
        text=format_used(window, now),
        is_full=window.is_full(now),
        percent=window.percent,
        resets_at=to_millis(window.resets_at) if window.resets_at is not None else None,
        length=window.length // MILLISECOND if window.length is not None else None,
    )


def _name_state(verdict: Verdict) -> str:
    if verdict.state is not VerdictState.CAN_WORK:
        return verdict.state
    if verdict.is_locked:
        return CREDITS_BLOCKED_STATE
    return SPENDING_STATE if verdict.plan_spending is not None else verdict.state


def _find_percent(verdict: Verdict, now: datetime) -> int | None:
    """Return the percent of the leading window as texts show it: 100 and 0 only if they are exact."""
    window = None if verdict.state is VerdictState.UNKNOWN else find_leading_window(verdict)
    if window is None or window.percent is None or window.is_due(now):
        return None
    percent = window.percent
    return max(1, min(99, round(percent))) if 0 < percent < 100 else round(percent)


def _iter_changes(state: OrgState, verdict: Verdict, now: datetime) -> Iterable[datetime]:
    """Yield moments at which a text may change: a minute, as for resets, an age, or the end of a lock."""
    yield _next_minute(now)
    if state.read_at is not None:
        yield now + _MINUTE - (now - state.read_at) % _MINUTE
    stale_at = state.read_at + state.stale_after if state.read_at is not None else None
    for end in (stale_at, verdict.ends_at, verdict.credits_reopen_at):
        if end is not None and end > now:
            yield end


def _next_minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0) + _MINUTE


def _rank(described: Sequence[tuple[Verdict, OrgStatus]]) -> tuple[OrgStatus, ...]:
    """Return the orgs with their places, worst first."""
    order = sorted(range(len(described)), key=lambda place: rank_verdict(described[place][0]))
    ranks = {place: rank for rank, place in enumerate(order)}
    return tuple(org._replace(rank=ranks[place]) for place, (_, org) in enumerate(described))


def _describe_no_org(store: Store, error_kind: ErrorKind | None, now: datetime) -> NoOrgStatus:
    from claudemeter_tui.commands.once import explain_empty_store  # noqa: PLC0415 - loads the reports

    if store.ignored_org_count:
        error_kind = ErrorKind.ALL_IGNORED
    verdict = Verdict(VerdictState.UNKNOWN, error_kind=error_kind)
    return NoOrgStatus(
        f"? {error_kind or 'nothing read'}",
        format_verdict_line(verdict, now),
        compute_exit_status(verdict),
        list(explain_empty_store(store)),
    )

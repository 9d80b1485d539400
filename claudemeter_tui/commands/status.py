"""Run `--check` and `--line`: the verdict for scripts and status bars, from figures cached between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui.commands import snapshot_cache
from claudemeter_tui.commands.once import (
    EXIT_NO_SESSION,
    EXIT_NOTHING_READ,
    NO_SESSION_ERRORS,
    apply_readings,
    choose_orgs,
    explain_empty_store,
)
from claudemeter_tui.commands.snapshot_cache import CachedSnapshot
from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.formatting.status_line import StatusContext, format_status_line
from claudemeter_tui.formatting.verdict import format_verdict_line
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import Verdict, VerdictState, judge, rank_verdict
from claudemeter_tui.settings import describe_os_error
from claudemeter_tui.storage import hold_lock

EXIT_CREDITS_BLOCKED = 5
EXIT_STATUSES = {
    VerdictState.CAN_WORK: 0,
    VerdictState.ON_CREDITS: 10,
    VerdictState.WAIT: 20,
    VerdictState.BLOCKED: 30,
}
"""Exit status of `--check` by verdict; the others are 5 (credits locked), 3 (no session) and 4 (unknown)."""
FIRST_POLL_TIMEOUT = 30.0
"""Seconds to wait for the first poll of another run, which takes at most 20."""


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """The input of one run."""

    now: Callable[[], datetime]
    poll: Callable[[], Sequence[Reading]]
    """Poll once and return all readings."""
    interval: timedelta
    """Figures younger than this are not read again."""
    org: str | None = None
    """Number, name or UUID of an org. None for the worst org."""
    line_format: str | None = None
    """Template of the line. None for the verdict instead of a line."""


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """The output of one run."""

    text: str
    """One line; empty to print nothing."""
    status: int
    """The exit status."""
    valid_until: datetime | None = None
    """Moment from which the text may be wrong, apart from seconds in it. None if it must not be reused."""


def build_snapshot_path(chosen: Invocation, folder: Path) -> Path:
    """Return the cache file for these settings; other sessions have other files."""
    cookies = () if chosen.cookies is None else chosen.cookies.select_session_key().reveal()
    read_with = (chosen.base_url, chosen.source, chosen.browser, chosen.cookies_origin, cookies)
    return folder / f"kept-{hashlib.sha256(repr(read_with).encode()).hexdigest()[:16]}.json"


def answer_request(
    asked: StatusRequest, place: Path | None, print_reason: Callable[[str], None]
) -> StatusAnswer:
    """Return the text to print and the exit status.

    Args:
        asked: The request.
        place: The file of the cached figures. None to cache nothing.
        print_reason: Called with each reason, one line, if no figures are known.

    Raises:
        SettingsError: No org has that number, name or UUID.
    """
    found = _poll_snapshot(None, asked) if place is None else load_or_poll(place, asked, print_reason)
    if found is None:
        print_reason("no figures yet: another run is making the first poll")
        return StatusAnswer("", EXIT_NOTHING_READ)
    now, orgs = asked.now(), found.store.orgs
    contexts = [_judge_org(state, found, now) for state in (choose_orgs(orgs, asked.org) if orgs else ())]
    if contexts:
        return _build_answer(min(contexts, key=lambda one: rank_verdict(one.verdict)), found, asked)
    for reason in explain_empty_store(found.store):
        print_reason(reason)
    verdict = Verdict(VerdictState.UNKNOWN, error_kind=found.error_kind)
    text = format_verdict_line(verdict, now)
    if asked.line_format is not None:
        text = f"? {found.error_kind or 'nothing read'}"
    return StatusAnswer(text, _compute_exit_status(verdict))


def load_or_poll(
    place: Path, asked: StatusRequest, print_reason: Callable[[str], None]
) -> CachedSnapshot | None:
    """Return the cached figures, after a poll if they are old. None while another run polls first."""
    found = snapshot_cache.load_snapshot(place)
    if found is not None and not found.is_due(asked.now(), asked.interval):
        return found
    try:
        # A run with old figures prints them at once if another run is polling.
        with hold_lock(place, FIRST_POLL_TIMEOUT if found is None else 0):
            # The other run may have polled while this one waited.
            found = snapshot_cache.load_snapshot(place)
            if found is None or found.is_due(asked.now(), asked.interval):
                found = _poll_snapshot(found, asked)
                snapshot_cache.save_snapshot(place, found)
            return found
    except TimeoutError:
        return snapshot_cache.load_snapshot(place)
    except OSError as error:
        print_reason(f"cannot cache the figures in {str(place.parent)!r}: {describe_os_error(error)}")
        # If only saving failed, the figures are current; another poll would burden the server.
        is_fresh = found is not None and not found.is_due(asked.now(), asked.interval)
        return found if is_fresh else _poll_snapshot(found, asked)


def _poll_snapshot(before: CachedSnapshot | None, asked: StatusRequest) -> CachedSnapshot:
    began, readings = asked.now(), asked.poll()
    store = apply_readings(readings, before.store if before is not None else Store())
    poll = apply_readings(readings, Store())
    return snapshot_cache.build_snapshot(before, store, poll, began, asked.now())


def _judge_org(state: OrgState, found: CachedSnapshot, now: datetime) -> StatusContext:
    """Return the org with its verdict; figures that the last poll did not renew count as stale."""
    verdict = judge(state, now)
    failure = next(iter(found.store.find_session_state(state.session).failures.values()), None)
    trouble = verdict.error_kind or found.error_kind or (failure.error_kind if failure is not None else None)
    missed = found.failure_count > 0 or Endpoint.USAGE in state.failures or failure is not None
    return StatusContext(
        state, replace(verdict, error_kind=trouble, is_stale=verdict.is_stale or missed), now
    )


def _build_answer(context: StatusContext, found: CachedSnapshot, asked: StatusRequest) -> StatusAnswer:
    """Format the line, or the verdict, of one org."""
    verdict, now, minute = context.verdict, context.now, timedelta(minutes=1)
    # The text may change at the next minute, at the next poll, or when an age increases.
    ends = [now.replace(second=0, microsecond=0) + minute, found.compute_due_at(asked.interval)]
    if context.state.read_at is not None:
        ends.append(now + minute - (now - context.state.read_at) % minute)
    status = _compute_exit_status(verdict)
    if asked.line_format is None:
        text = f"{format_verdict_line(verdict, now)} · {format_status_line(context, '{org}')}"
        return StatusAnswer(text, status, min(ends))
    known = verdict.state is not VerdictState.UNKNOWN
    return StatusAnswer(format_status_line(context, asked.line_format), 0 if known else status, min(ends))


def _compute_exit_status(verdict: Verdict) -> int:
    """Return the exit status of `--check`."""
    if verdict.state is VerdictState.UNKNOWN:
        return EXIT_NO_SESSION if verdict.error_kind in NO_SESSION_ERRORS else EXIT_NOTHING_READ
    if verdict.state is VerdictState.CAN_WORK and verdict.is_locked:
        return EXIT_CREDITS_BLOCKED
    return EXIT_STATUSES[verdict.state]

"""Run `--check` and `--line`: the verdict for scripts and status bars, from the archive or from a poll."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.commands.archived_status import ARCHIVE_ERRORS, choose_worst, format_answer
from claudemeter_tui.commands.once import apply_readings, find_org
from claudemeter_tui.commands.status_texts import describe_outcome, renew_texts
from claudemeter_tui.commands.stdout import EXIT_NOTHING_READ
from claudemeter_tui.formatting.bar import BarState, style_line
from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, format_error
from claudemeter_tui.history.database import MILLISECOND, open_for_reading, open_for_update, to_millis
from claudemeter_tui.history.last_states import load_states
from claudemeter_tui.history.recorder import ARCHIVE_SESSION
from claudemeter_tui.history.status import NoOrgStatus, Status, is_current, load_status, save_status
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.history.transcripts import load_refusals
from claudemeter_tui.model.catalogue import FIVE_HOURS
from claudemeter_tui.model.org_rules import OrgRules
from claudemeter_tui.model.reading import Failure, Reading
from claudemeter_tui.model.store import OrgState, Store, note_refusals
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.settings import describe_os_error
from claudemeter_tui.storage import hold_lock

FIRST_POLL_TIMEOUT = 30.0
"""Seconds to wait for the first poll of another run, which takes at most 20."""


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """The input of one run."""

    now: Callable[[], datetime]
    poll: Callable[[], Sequence[Reading]]
    """Poll once, keep all readings in the archive, and return them."""
    interval: timedelta
    """Figures younger than this are not read again."""
    org: str | None = None
    """Number, name or UUID of an org. None for the worst org."""
    line_format: str | None = None
    """Template of the line. None for the verdict instead of a line."""
    style: str = ""
    """Style of the line: empty for plain text, `json`, or the kind of colours."""
    rules: OrgRules = field(default_factory=OrgRules)
    """The settings about orgs."""


class StatusPlace(NamedTuple):
    """The place of the status between two runs."""

    archive: Path
    origin: str
    """Origin of the server."""
    key: str
    """Hash of the settings that decide what is read."""
    lock: Path
    """File whose lock a run holds while it polls; its suffix is replaced."""
    reads_transcripts: bool = True
    """False if the refusals in this machine's transcripts are not to be shown."""


class StatusAnswer(NamedTuple):
    """The output of one run."""

    text: str
    """One line; empty to print nothing."""
    status: int
    """The exit status."""


def answer_request(
    asked: StatusRequest, place: StatusPlace | None, print_reason: Callable[[str], None]
) -> StatusAnswer:
    """Return the text to print and the exit status.

    Args:
        asked: The request.
        place: The place of the status. None to store nothing.
        print_reason: Called with each reason, one line, if no figures are known.

    Raises:
        SettingsError: No org has that number, name or UUID.
    """
    status: Status | None
    if place is None:
        status = _build_status("", None, (), asked.poll(), asked.now())
    else:
        status = load_or_poll(place, asked, print_reason)
    if status is None:
        print_reason("no figures yet: another run is making the first poll")
        return StatusAnswer("", EXIT_NOTHING_READ)
    if status.no_org is not None:
        for reason in status.no_org.reasons:
            print_reason(reason)
        return StatusAnswer(_format_no_org(status.no_org, asked), status.no_org.exit_status)
    orgs = status.orgs
    if asked.org is not None:
        orgs = (orgs[find_org([org.names for org in orgs], asked.org)],)
    return StatusAnswer(*format_answer(choose_worst(orgs), asked.line_format, asked.style))


def _format_no_org(no_org: NoOrgStatus, asked: StatusRequest) -> str:
    if asked.line_format is None:
        return no_org.verdict
    severity = Severity.WARNING.name.lower()
    state = BarState(VerdictState.UNKNOWN, severity, None, (no_org.verdict, *no_org.reasons), is_stale=False)
    return style_line(no_org.line, state, asked.style)


def load_or_poll(
    place: StatusPlace, asked: StatusRequest, print_reason: Callable[[str], None]
) -> Status | None:
    """Return the stored status, after a poll if it is old. None while another run polls first."""
    status, is_due = _load(place, asked)
    if is_due:
        try:
            # A run with old figures prints them at once if another run is polling.
            with hold_lock(place.lock, FIRST_POLL_TIMEOUT if status is None else 0):
                # The other run may have polled while this one waited.
                status, is_due = _load(place, asked)
                if is_due:
                    status = _poll(place, asked, print_reason, status)
        except TimeoutError:
            status, _ = _load(place, asked)
        except OSError as error:
            print_reason(f"cannot lock the polls in {str(place.lock.parent)!r}: {describe_os_error(error)}")
            status = _poll(place, asked, print_reason, status)
    now = asked.now()
    if status is None or status.are_texts_valid(to_millis(now)):
        return status
    return _renew(place, status, now)


def load_stored(place: StatusPlace, now: datetime) -> Status | None:
    """Return the stored status with the texts of now, however old its figures are. None if there is none."""
    status: Status | None = None
    with suppress(*ARCHIVE_ERRORS), closing(open_for_reading(place.archive)) as connection:
        status = load_status(connection, place.key)
    if status is None or status.are_texts_valid(to_millis(now)):
        return status
    return _renew(place, status, now)


def _load(place: StatusPlace, asked: StatusRequest) -> tuple[Status | None, bool]:
    """Return the stored status, None if there is no usable one, and True if a poll is due."""
    with suppress(*ARCHIVE_ERRORS), closing(open_for_reading(place.archive)) as connection:
        status = load_status(connection, place.key)
        if status is not None:
            now, interval = to_millis(asked.now()), asked.interval // MILLISECOND
            return status, not is_current(connection, status, now, interval, place.origin)
    return None, True


def _poll(
    place: StatusPlace, asked: StatusRequest, print_reason: Callable[[str], None], before: Status | None
) -> Status:
    """Poll, and return the status that was stored; if none could be stored, build it from the readings."""
    # Afterwards, they may include this poll.
    restored = asked.rules.apply_to_states(_load_states(place, asked.now()))
    readings = asked.poll()
    problems = [one.account for one in readings if one.session == ARCHIVE_SESSION]
    failures = [problem for problem in problems if isinstance(problem, Failure)]
    titles = {format_error(one.error_kind, one.detail): one.error_kind for one in failures}
    for title, error_kind in titles.items():
        print_reason(f"{title}: {PROBLEM_TEXTS[error_kind].summary}")
    status, _ = _load(place, asked)
    if status is not None and not failures:
        return status
    served = [one for one in readings if one.session != ARCHIVE_SESSION]
    return _build_status(place.key, before, restored, served, asked.now())


def _build_status(
    key: str,
    before: Status | None,
    restored: tuple[OrgState, ...],
    readings: Sequence[Reading],
    now: datetime,
) -> Status:
    builder = StatusBuilder(key, describe_outcome)
    builder.start(before, restored)
    for reading in readings:
        builder.observe(reading)
    builder.finish(now)
    known = Store(tuple(restored)).distinguish_orgs()
    return builder.build(apply_readings(readings, known), now)


def _renew(place: StatusPlace, status: Status, now: datetime) -> Status:
    """Return the status with the texts of now, and store them for the next run if possible."""
    states = {state.key: state for state in _load_states(place, now)}
    renewed = renew_texts(status, states, now)
    with suppress(*ARCHIVE_ERRORS), closing(open_for_update(place.archive)) as connection:
        save_status(connection, renewed, to_millis(now))
    return renewed


def _load_states(place: StatusPlace, now: datetime) -> tuple[OrgState, ...]:
    states: tuple[OrgState, ...] = ()
    with suppress(*ARCHIVE_ERRORS), closing(open_for_reading(place.archive)) as connection:
        states = load_states(connection, place.origin, now)
        if place.reads_transcripts:  # a state has only the refusals that were known when it was read
            states = note_refusals(states, load_refusals(connection, now - FIVE_HOURS, now))
    return states

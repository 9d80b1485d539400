"""`--check` and `--line`: the verdict for scripts and status bars, from figures kept between the runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui.config import Settings
from claudemeter_tui.config.errors import why
from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import State, Verdict, judge, rank
from claudemeter_tui.scripts import kept
from claudemeter_tui.scripts.kept import Kept
from claudemeter_tui.scripts.output import NO_SESSION, NOTHING_READ, WITHOUT_SESSION, chosen, reasons
from claudemeter_tui.sources.claude_code.lock import held
from claudemeter_tui.text import verdict as words
from claudemeter_tui.text.line import Told, line

CREDITS_BLOCKED = 5
STATUS = {State.CAN_WORK: 0, State.ON_CREDITS: 10, State.WAIT: 20, State.BLOCKED: 30}
"""Exit status of `--check`; 5 for CAN WORK with locked credits, 3 without a session, 4 for unknown."""
PATIENCE = 30.0
"""Seconds to wait for another run's first poll, which takes 20 at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one run wants to know."""

    now: Callable[[], datetime]
    poll: Callable[[Store], tuple[Store, Store]]
    """Poll once, on top of what is known; gives what is known then, and what the poll alone gave."""
    interval: timedelta
    """Younger figures are not read again."""
    org: str | None = None
    """The one asked for, by number, name or uuid. None: the worst."""
    form: str | None = None
    """The placeholders of a line. None: the verdict is asked for, not a line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run has to say."""

    text: str
    """One line; empty: nothing at all."""
    status: int
    """The exit status."""
    until: datetime | None = None
    """Until when it can be said again as it is, seconds in it apart. None: not once."""


def place(chosen: Settings, folder: Path) -> Path:
    """The file in the folder for figures read with these settings: other sessions give others."""
    cookies = () if chosen.cookies is None else chosen.cookies.key_only().reveal()
    read_with = (chosen.base_url, chosen.source, chosen.browsers, chosen.cookies_from, cookies)
    return folder / f"kept-{hashlib.sha256(repr(read_with).encode()).hexdigest()[:16]}.json"


def answer(asked: Asked, place: Path | None, tell: Callable[[str], None]) -> Answer:
    """What is to be printed, and the exit status.

    Args:
        asked: What is asked for.
        place: The file of the kept figures. None: nothing is kept.
        tell: Called with each reason, a line, where nothing is known.

    Raises:
        SettingsError: no org is the one asked for.
    """
    found = _polled(None, asked) if place is None else figures(place, asked, tell)
    if found is None:
        tell("another run polls for the first time; there are no figures yet")
        return Answer("", NOTHING_READ)
    now, orgs = asked.now(), found.store.orgs
    told = [_told(state, found, now) for state in (chosen(orgs, asked.org) if orgs else ())]
    if told:
        return _about(min(told, key=lambda one: rank(one.verdict)), found, asked)
    for reason in reasons(found.store):
        tell(reason)
    verdict = Verdict(State.UNKNOWN, trouble=found.trouble)
    why_not = words.line(verdict, now) if asked.form is None else f"? {found.trouble or 'nothing read'}"
    return Answer(why_not, _status(verdict))


def figures(place: Path, asked: Asked, tell: Callable[[str], None]) -> Kept | None:
    """What is kept, after a poll where it is old and nobody else polls. None: nothing yet, somebody does."""
    found = kept.load(place)
    if found is not None and not found.is_due(asked.now(), asked.interval):
        return found
    try:
        with held(place.with_suffix(".lock"), PATIENCE if found is None else 0):
            found = kept.load(place)
            if found is None or found.is_due(asked.now(), asked.interval):
                found = _polled(found, asked)
                kept.save(place, found)
            return found
    except TimeoutError:
        return kept.load(place)
    except OSError as error:
        tell(f"the figures cannot be kept in {str(place.parent)!r}: {why(error)}")
        return (
            found
            if found is not None and not found.is_due(asked.now(), asked.interval)
            else _polled(found, asked)
        )


def _polled(before: Kept | None, asked: Asked) -> Kept:
    began = asked.now()
    store, poll = asked.poll(before.store if before is not None else Store())
    return kept.after(before, store, poll, began, asked.now())


def _told(state: OrgState, found: Kept, now: datetime) -> Told:
    """An org with its verdict; figures that the last poll did not renew are as good as stale."""
    verdict = judge(state, now)
    failure = next(iter(found.store.session(state.session).failures.values()), None)
    trouble = verdict.trouble or found.trouble or (failure.trouble if failure is not None else None)
    missed = found.failed > 0 or Endpoint.USAGE in state.failures or failure is not None
    return Told(state, replace(verdict, trouble=trouble, stale=verdict.stale or missed), now)


def _about(told: Told, found: Kept, asked: Asked) -> Answer:
    """The line, or the verdict, about one org."""
    status, until = _status(told.verdict), _until(told, found, asked.interval)
    if asked.form is None:
        return Answer(f"{words.line(told.verdict, told.now)} · {line(told, '{org}')}", status, until)
    known = told.verdict.state is not State.UNKNOWN
    return Answer(line(told, asked.form), 0 if known else status, until)


def _until(told: Told, found: Kept, interval: timedelta) -> datetime:
    """When it may read differently: at the next poll, with the next minute, or when an age grows by one."""
    minute, now = timedelta(minutes=1), told.now
    ends = [now.replace(second=0, microsecond=0) + minute, found.due_at(interval)]
    if told.state.read_at is not None:
        ends.append(now + minute - (now - told.state.read_at) % minute)
    return min(ends)


def _status(verdict: Verdict) -> int:
    """The exit status of `--check`."""
    if verdict.state is State.UNKNOWN:
        return NO_SESSION if verdict.trouble in WITHOUT_SESSION else NOTHING_READ
    return CREDITS_BLOCKED if verdict.state is State.CAN_WORK and verdict.locked else STATUS[verdict.state]

"""One session as it was last told about, and whether the figures of its orgs still come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from claudemeter_tui.model.events import Kind, Telling
from claudemeter_tui.model.reading import Endpoint, Session, Trouble
from claudemeter_tui.model.store import OrgKey, SessionState
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.model.watch.org import STALE_FOR, OrgWatch

LOGIN_OVER = frozenset({Trouble.EXPIRED, Trouble.TOKEN_INVALID})
"""Troubles that end a session; others say nothing about it."""


@dataclass(frozen=True, slots=True)
class SessionWatch:
    """What is remembered of one session."""

    seen: SessionState
    is_open: bool = False
    """Whether its first poll is over: what came before was so already."""
    expired: bool = False
    stale: bool = False
    """Whether it is known, of all of its orgs at once, that no figures come."""
    hushed: bool = False
    """Whether that was not told: the session had expired, which says it."""
    ending: bool = False
    """Whether it was told that it ends soon."""

    def after(self, state: SessionState, tell: Telling) -> SessionWatch:
        """The watch after one more look at the session."""
        lost = any(failure.trouble in LOGIN_OVER for failure in state.failures.values())
        expired = lost or (self.expired and bool(state.failures))
        account = {"replies": (Endpoint.ACCOUNT,), "subject": state.session.label}
        if self.is_open and expired and not self.expired:
            tell(Kind.SESSION_EXPIRED, severity=Severity.CRITICAL, **account)
        if self.expired and not expired:
            tell(Kind.RECOVERED, **account)
        works = bool(state.replies) and not state.failures
        ending = state.expires_soon is not None and (self.ending or works)
        if ending and not self.ending:
            subject = state.session.label
            tell(Kind.SESSION_ENDS, subject=subject, until=state.expires, severity=Severity.WARNING)
        is_open = state.schedule is not None
        return SessionWatch(state, is_open, expired, self.stale, self.hushed, ending)


Orgs = dict[OrgKey, OrgWatch]
Sessions = dict[Session, SessionWatch]
USAGE = (Endpoint.USAGE,)


def aged(session: SessionWatch, orgs: Orgs, tell: Telling) -> tuple[SessionWatch, Orgs]:
    """One session and its orgs, after telling which figures have become stale, or come again.

    Where all orgs are stale it is told once, of the session; where the session has expired that says it.
    """
    fresh = [key for key, watch in orgs.items() if watch.stale and watch.stale_since is None]
    if fresh and session.stale:
        if not session.hushed:
            tell(Kind.RECOVERED)
        session = replace(session, stale=False, hushed=False)
        return session, {key: _again(watch, tell.now) for key, watch in orgs.items()}
    for key in fresh:
        tell.about(orgs[key].seen)(Kind.RECOVERED, replies=USAGE)
    orgs = orgs | {key: replace(orgs[key], stale=False) for key in fresh}
    late = [key for key, watch in orgs.items() if _is_late(watch, tell.now)]
    if not late:
        return session, orgs
    if session.expired or (len(orgs) > 1 and all(watch.stale_since for watch in orgs.values())):
        if not session.expired:
            tell(Kind.STALE, before=_newest(orgs.values()), severity=Severity.WARNING)
        late = [key for key, watch in orgs.items() if watch.stale_since is not None]
        session = replace(session, stale=True, hushed=session.expired)
    else:
        for key in late:
            seen = orgs[key].seen
            tell.about(seen)(Kind.STALE, before=seen.read_at, severity=Severity.WARNING)
    return session, orgs | {key: replace(orgs[key], stale=True) for key in late}


def _is_late(watch: OrgWatch, now: datetime) -> bool:
    since = watch.stale_since
    return since is not None and not watch.stale and now >= since + STALE_FOR


def _again(watch: OrgWatch, now: datetime) -> OrgWatch:
    """An org of a session that has recovered: if it is still stale, its time begins anew."""
    return replace(watch, stale=False, stale_since=watch.stale_since and now)


def _newest(watches: Iterable[OrgWatch]) -> datetime | None:
    reads = [watch.seen.read_at for watch in watches if watch.seen.read_at is not None]
    return max(reads, default=None)

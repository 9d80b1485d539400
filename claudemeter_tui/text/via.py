"""Which session a figure was read with, where that is worth a word; what Claude Code's login cannot see."""

from __future__ import annotations

from datetime import datetime, tzinfo

from claudemeter_tui.model.reading import CLAUDE_CODE, Endpoint
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.usage import CreditState
from claudemeter_tui.text import format as form

NOT_KNOWN = "not known"
UNSEEN = "Claude Code's login cannot see it"


def via(state: OrgState, endpoint: Endpoint) -> str:
    """`via Claude Code`; empty where it is the browser's session that serves the org, or nothing was read."""
    session = state.came_by.get(endpoint)
    if session is None or session == state.session != CLAUDE_CODE:
        return ""
    return f"via {session.label}"


def lock(state: OrgState, now: datetime, zone: tzinfo | None = None) -> str:
    """`not known`, or `as of 14:05`: all that is known of a lock on the credits; empty where it is known.

    Claude Code's login reads the usage reply only: what that says of a lock is so, but the reply that
    tells most of them is the browser's.
    """
    credits, seen = state.credits.state(now), state.replies.get(Endpoint.OVERAGE)
    if state.session != CLAUDE_CODE or credits is CreditState.ABSENT:
        return ""
    if seen is not None:
        return f"as of {form.when(seen.at, now, zone)}"
    return NOT_KNOWN if credits is CreditState.UNKNOWN else ""

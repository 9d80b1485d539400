"""Who is looked at, how old the figures are, when the next poll is due."""

from __future__ import annotations

from claudemeter_tui.model.store import SessionState
from claudemeter_tui.text import format as form
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing


class Header(Drawing):
    """The first line of a screen that has room for it."""

    def draw(self, width: int, height: int) -> list[ink.Line]:  # noqa: ARG002
        """Name and session on the left, times on the right; the session goes first."""
        note = f"  {self.view.note}" if self.view.note else ""
        name = ink.text((" claudemeter", ink.TITLE), (note, "$accent"))
        room = width - name.cell_length - 6
        fitting = (times for times in ink.fewer(_times(self.view)) if times.cell_length <= room)
        times = next(fitting, ink.text())
        who = _who(self.view)
        while who and ink.joined(who).cell_length > room - times.cell_length:
            who.pop()
        name = ink.text(name, "   ", ink.joined(who))
        return [ink.spread(name, times, width - 1)]


def _times(view: View) -> list[ink.Line]:
    """`updated 18s ago`, `next in 42s`; stale figures say so."""
    session, state = view.session, view.state
    parts: list[tuple[str, str]] = []
    if state is not None and state.read_at is not None:
        age = form.age(view.now - state.read_at)
        stale = state.is_stale(view.now)
        parts.append(
            (f"stale: read {age}" if stale else f"updated {age}", "$warning" if stale else ink.MUTED)
        )
    if session is not None:
        parts.append((_next(session, view), ink.MUTED))
    return [ink.text(part) for part in parts if part[0]]


def _next(session: SessionState, view: View) -> str:
    schedule = session.schedule
    if session.polling or schedule is None:
        return "reading now"
    left = schedule.next_at - view.now
    if schedule.held:
        return f"asks again at {form.when(schedule.next_at, view.now, view.zone)}"
    what = "next" if session.session.browser else "looks again"
    return f"{what} in {form.countdown(left)}"


def _who(view: View) -> list[ink.Line]:
    """Account and session, the most needed first."""
    if view.session is None:
        return []
    account = view.session.account.email or view.session.account.uuid or ""
    return [ink.text((part, ink.MUTED)) for part in (account, view.session.session.label) if part]

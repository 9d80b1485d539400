"""The header: account, session, age of the figures and next poll."""

from __future__ import annotations

from claudemeter_tui.formatting.values import format_age, format_countdown, format_moment
from claudemeter_tui.model.store import SessionState
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    StyledLine,
    build_line,
    iterate_shorter,
    join_pieces,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget


class Header(LineWidget):
    """The first line of a screen, if there is room."""

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw name and session on the left and times on the right; the session is dropped first."""
        note = f"  {self.view.note}" if self.view.note else ""
        name = build_line((" claudemeter", HEADING), (note, "$accent"))
        room = width - name.cell_length - 6
        fitting = (times for times in iterate_shorter(_build_times(self.view)) if times.cell_length <= room)
        times = next(fitting, build_line())
        who = _build_account(self.view)
        while who and join_pieces(who).cell_length > room - times.cell_length:
            who.pop()
        name = build_line(name, "   ", join_pieces(who))
        return [spread_line(name, times, width - 1)]


def _build_times(view: View) -> list[StyledLine]:
    """Return `updated 18s ago` and `next in 42s`; stale figures are marked."""
    session, state = view.session, view.state
    parts: list[tuple[str, str]] = []
    if state is not None and state.read_at is not None:
        age = format_age(view.now - state.read_at)
        stale = state.is_stale(view.now)
        parts.append((f"stale: read {age}" if stale else f"updated {age}", "$warning" if stale else MUTED))
    if session is not None:
        parts.append((_format_next_poll(session, view), MUTED))
    return [build_line(part) for part in parts if part[0]]


def _format_next_poll(session: SessionState, view: View) -> str:
    schedule = session.schedule
    if session.is_polling or schedule is None:
        return "reading now"
    left = schedule.next_at - view.now
    if schedule.is_backing_off:
        return f"retry at {format_moment(schedule.next_at, view.now, view.zone)}"
    what = "next" if session.session.browser else "checks again"
    return f"{what} in {format_countdown(left)}"


def _build_account(view: View) -> list[StyledLine]:
    """Return account and session, most important first."""
    if view.session is None:
        return []
    account = view.session.account.email or view.session.account.uuid or ""
    return [build_line((part, MUTED)) for part in (account, view.session.session.label) if part]

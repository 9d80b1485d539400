"""The header: account, session, age of the figures and next poll."""

from __future__ import annotations

from collections.abc import Sequence

from claudemeter_tui.formatting.values import format_age, format_countdown, format_moment
from claudemeter_tui.model.store import SessionState
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    StyledLine,
    build_line,
    iterate_shorter,
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
        times = _fit_pieces(_build_times(self.view), room)
        session = self.view.session
        account = session.account.email or session.account.uuid if session else None
        state = self.view.state
        others = self.view.store.list_also_via(state) if state is not None else ()
        also = [f"also via {one.account.email or one.session.label}" for one in others]
        parts = (account, session and session.session.label, *also)
        who = [build_line((part, MUTED)) for part in parts if part]
        name = build_line(name, "   ", _fit_pieces(who, room - times.cell_length))
        return [spread_line(name, times, width - 1)]


def _fit_pieces(parts: Sequence[StyledLine], room: int) -> StyledLine:
    """Return as many pieces as fit; none if even the first is too long."""
    return next((line for line in iterate_shorter(parts) if line.cell_length <= room), build_line())


def _build_times(view: View) -> list[StyledLine]:
    """Return `updated 18s ago` and `next in 42s`; stale figures are marked."""
    session, state, parts = view.session, view.state, []
    if view.past_label:
        back = build_line((f"Esc returns to {view.return_title or 'now'}", MUTED))
        return [build_line((view.past_label, "bold $warning")), back]
    if state is not None and state.read_at is not None:
        age = format_age(view.now - state.read_at)
        if state.is_stale(view.now):
            parts.append(build_line((f"stale: read {age}", "$warning")))
        else:
            parts.append(build_line((f"updated {age}", MUTED)))
    if session is not None:
        parts.append(build_line((_format_next_poll(session, view), MUTED)))
    return parts


def _format_next_poll(session: SessionState, view: View) -> str:
    schedule = session.schedule
    if session.is_polling or schedule is None:
        return "reading now"
    if schedule.is_backing_off:
        return f"retry at {format_moment(schedule.next_at, view.now, view.zone)}"
    what = "next" if session.session.browser else "checks again"
    return f"{what} in {format_countdown(schedule.next_at - view.now)}"

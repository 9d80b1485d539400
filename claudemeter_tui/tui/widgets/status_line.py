"""The most important problem or the last event, and a one-line toast for small panes."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, ClassVar

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from claudemeter_tui.formatting.events import describe_event
from claudemeter_tui.formatting.problems import format_group_title
from claudemeter_tui.formatting.values import format_count, format_moment
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.problems import ProblemGroup
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    convert_to_ascii,
    fit_line,
    fit_pieces,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

MAX_ENTRIES = 3
"""Maximum number of events on the line."""


class InlineToast(Widget):
    """A message that covers the last line of the screen for a few seconds."""

    DEFAULT_CSS = """
    InlineToast {
        layer: _toastrack;
        dock: bottom;
        height: 1;
        width: 100%;
        background: $panel;
        color: $foreground;
    }
    InlineToast.-error {
        color: $error;
    }
    """
    SECONDS: ClassVar[float] = 4
    """Seconds until the message disappears."""

    def __init__(self, text: str, *, error: bool, ascii_only: bool) -> None:
        """Show this text; with `ascii_only`, in ASCII."""
        super().__init__(classes="-error" if error else None)
        self._text = " ".join(text.split())
        self._ascii = ascii_only

    def render(self) -> Content:
        """Return as much of the text as fits."""
        line = fit_line(build_line(" ", self._text), self.size.width)
        return convert_to_ascii(line) if self._ascii else line

    def on_mount(self) -> None:
        """Remove the message after some seconds."""
        self.set_timer(self.SECONDS, self.remove)


def show_inline_toast(screen: Screen[Any], toast: InlineToast) -> None:
    """Show a message on this screen instead of the previous one."""
    screen.query(InlineToast).remove()
    screen.mount(toast)


class StatusLine(LineWidget):
    """The newest entries: events, and the first problem while it lasts; empty if there are none."""

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw as many entries as fit, the newest first, and the number of problems if no tab shows it."""
        view = self.view
        problems = view.open_problems
        entries = [(event.at, _build_event(event, view)) for event in view.events[-MAX_ENTRIES:]]
        if problems:
            entries.append((problems[0].since, _build_problem(problems[0], view)))
        if not entries:
            return []
        # Of two entries of the same moment, the last one in the list is the newer one.
        lines = [line for _, line in sorted(entries, key=itemgetter(0))[::-1]]
        count = format_count(len(problems), "problem") if problems and not view.layout.tabs else ""
        room = width - 2 - (len(count) + 2 if count else 0)
        newest = build_line(" ", fit_pieces(lines, room, "   "))
        return [spread_line(newest.rstrip(), build_line((count, MUTED)), width - 1)]


def _build_event(event: Event, view: View) -> StyledLine:
    at, text = format_moment(event.at, view.now, view.zone), describe_event(event, view.zone)
    style = SEVERITY_STYLES[event.severity] if event.severity > Severity.NORMAL else MUTED
    owner = f"{event.owner_name} · " if event.owner_name else ""
    return build_line((f"{at}  ", MUTED), owner, (text, style))


def _build_problem(problem: ProblemGroup, view: View) -> StyledLine:
    since = format_moment(problem.since, view.now, view.zone)
    title = (format_group_title(problem), SEVERITY_STYLES[Severity.WARNING])
    return build_line((f"{since}  ", MUTED), title)

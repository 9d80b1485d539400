"""The most important events and the first problem, and a one-line toast for small panes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from claudemeter_tui.formatting.problems import format_group_title
from claudemeter_tui.formatting.values import format_count, format_moment
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

if TYPE_CHECKING:  # the first figures have no events
    from claudemeter_tui.model.events import Event

MAX_ENTRIES = 3
"""Maximum number of entries on the line."""
RECENT = timedelta(hours=1)
"""Age up to which severe events come first."""


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
    """The most important entries: events, and the first problem while it lasts; empty if there are none."""

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw as many entries as fit, and the number of problems if no tab shows it.

        Of the last hour, the most severe come first, and of the same severity the newest; what is over, and
        that it is over, comes last.
        """
        view = self.view
        problems = view.open_problems
        entries = [
            (_rank_event(event, view, is_over=is_over), event.at, _build_event(event, view))
            for event, is_over in _iterate_events(view)
        ]
        if problems:
            since = problems[0].since
            # While it lasts, it is as important as any event.
            entries.append((_rank(Severity.FULL, since, view), since, _build_problem(problems[0], view)))
        if not entries:
            return []
        # Of two equal entries, the last one in the list is the newer one.
        lines = [line for *_, line in sorted(entries, key=itemgetter(0, 1))[::-1][:MAX_ENTRIES]]
        count = format_count(len(problems), "problem") if problems and not view.layout.tabs else ""
        room = width - 2 - (len(count) + 2 if count else 0)
        newest = build_line(" ", fit_pieces(lines, room, "   "))
        return [spread_line(newest.rstrip(), build_line((count, MUTED)), width - 1)]


def _iterate_events(view: View) -> Iterator[tuple[Event, bool]]:
    """Yield the events of the last hour, and at least the last ones, oldest first.

    With each, True if a later event of the same org has ended it.
    """
    if not view.events:
        return iter(())
    from claudemeter_tui.model.events import ENDED_BY, EventKind  # noqa: PLC0415 - as above

    begin = view.now - RECENT
    recent = sum(1 for _ in takewhile(lambda event: event.at >= begin, reversed(view.events)))
    found, later = [], set[tuple[object, ...]]()
    for event in reversed(view.events[-max(recent, MAX_ENTRIES) :]):
        owner = event.org_key or event.session
        is_over = any((owner, kind) in later for kind in ENDED_BY.get(event.kind, ()))
        # The end of WAIT is the reset of its windows.
        if event.kind is EventKind.WAIT and event.windows:
            is_over = is_over or all((owner, label) in later for label in event.windows)
        found.append((event, is_over))
        later.add((owner, event.kind))
        if event.is_freed:
            later.add((owner, event.subject))
    return reversed(found)


def _rank_event(event: Event, view: View, *, is_over: bool) -> int:
    from claudemeter_tui.model.events import EventKind  # noqa: PLC0415 - as above

    return 0 if is_over or event.kind is EventKind.RECOVERED else _rank(event.severity, event.at, view)


def _rank(severity: Severity, at: datetime, view: View) -> int:
    """Return the importance of what began at a time; after an hour only the time matters."""
    return 2 + severity if at >= view.now - RECENT else 1


def _build_event(event: Event, view: View) -> StyledLine:
    from claudemeter_tui.formatting.events import describe_event  # noqa: PLC0415 - not for the first figures

    at, text = format_moment(event.at, view.now, view.zone), describe_event(event, view.zone)
    style = SEVERITY_STYLES[event.severity] if event.severity > Severity.NORMAL else MUTED
    owner = f"{event.owner_name} · " if event.owner_name else ""
    return build_line((f"{at}  ", MUTED), owner, (text, style))


def _build_problem(problem: ProblemGroup, view: View) -> StyledLine:
    since = format_moment(problem.since, view.now, view.zone)
    title = (format_group_title(problem), SEVERITY_STYLES[Severity.WARNING])
    return build_line((f"{since}  ", MUTED), title)

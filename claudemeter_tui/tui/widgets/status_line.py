"""The most important problem or the last event, and a one-line toast for small panes."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from claudemeter_tui.formatting.events import format_event_line
from claudemeter_tui.formatting.problems import format_problem_title, is_informational
from claudemeter_tui.formatting.values import format_count, format_moment
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    convert_to_ascii,
    fit_line,
    spread_line,
)
from claudemeter_tui.tui.widgets.line_widget import LineWidget


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
    """One line for problems and events; empty if there are none."""

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw the first problem that is not only informational, and the counts."""
        real = [problem for problem in self.view.store.problems if not is_informational(problem)]
        notes = len(self.view.store.problems) - len(real)
        if not real and not notes and not self.view.events:
            return []
        counts = ((len(real), "problem"), (notes, "note"))
        parts = [format_count(number, noun) for number, noun in counts if number]
        count = build_line((" · ".join([*parts, "e"]) if parts else "", MUTED))
        now, zone, line = self.view.now, self.view.zone, build_line()
        if real:
            since, title = format_moment(real[0].at, now, zone), format_problem_title(real[0])
            line = build_line((f" {since} ", MUTED), (title, SEVERITY_STYLES[Severity.WARNING]))
        elif self.view.events:
            event = self.view.events[-1]
            line = build_line((f" {format_event_line(event, now, zone, event.owner_name)}", MUTED))
        return [spread_line(fit_line(line, width - count.cell_length - 3), count, width - 1)]

"""What has happened in this run, and what is wrong now."""

from __future__ import annotations

from textual.content import Content

from claudemeter_tui.model.events import Event
from claudemeter_tui.model.store import Problem
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import events as told
from claudemeter_tui.text import format as form
from claudemeter_tui.text import problems as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.screens.page import Page
from claudemeter_tui.tui.view import View


class Happenings(Page):
    """The open problems, the ones that cost figures first; then the events, newest first."""

    def title_of(self, view: View) -> tuple[str, str]:
        """How much there is of each."""
        real = sum(not words.is_remark(problem) for problem in view.store.problems)
        counts = ((real, "problem"), (len(view.store.problems) - real, "remark"), (len(view.events), "event"))
        return "Events", " · ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts)

    def content(self, view: View, width: int) -> Content:
        """A paragraph for each problem, a line for each remark and each event."""
        lines = [*_problems(view, width), ink.text(""), *_events(view, width)]
        return Content("\n").join(lines)


def _problems(view: View, width: int) -> list[ink.Line]:
    open_ones = sorted(view.store.problems, key=words.is_remark)
    if view.is_empty:
        return [ink.text(("Nothing has been read yet.", ink.TITLE))]
    if not open_ones:
        return [ink.text(("No problems: every reply was read, and understood.", ink.TITLE))]
    lines = [ink.text(("Problems", ink.TITLE)), ink.text("")]
    return lines + [line for problem in open_ones for line in _problem(problem, view, width)]


def _problem(problem: Problem, view: View, width: int) -> list[ink.Line]:
    style = ink.MUTED if words.is_remark(problem) else ink.STYLE[Severity.WARNING]
    since = form.when(problem.at, view.now, view.zone)
    head = ink.wrapped(f"{since}  {words.title(problem, view.zone)}", width, style)
    if words.is_remark(problem):
        return head
    said = words.TABLE[problem.trouble]
    kept = words.meanwhile(problem, view.store, view.now, view.zone)
    cure = words.cure(problem)
    body = [line for text in (said.what, cure, kept) for line in ink.wrapped(text, width - 2)]
    return [*head, *(ink.text("  ", line) for line in body), ink.text("")]


def _events(view: View, width: int) -> list[ink.Line]:
    if not view.events:
        return [ink.text(("Nothing has happened in this run so far.", ink.MUTED))]
    lines = [ink.text(("Events of this run, the newest first", ink.TITLE)), ink.text("")]
    return lines + [line for event in reversed(view.events) for line in _event(event, view, width)]


def _event(event: Event, view: View, width: int) -> list[ink.Line]:
    style = ink.STYLE[event.severity] if event.severity else ""
    replies = f"  ({', '.join(event.replies)})" if event.replies else ""
    lines = ink.wrapped(told.line(event, view.now, view.zone, event.whose) + replies, width - 2)
    return [ink.text(("" if place == 0 else "  "), (line.plain, style)) for place, line in enumerate(lines)]

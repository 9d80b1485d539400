"""The replies as tabs, and how each came."""

from __future__ import annotations

from datetime import timedelta

from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import format as form
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View


def tab(name: str, aside: str, style: str, *, selected: bool) -> ink.Line:
    """A tab with what is to say of its reply; the selected one between two marks."""
    if selected:
        return ink.text(("▐", "$selected"), (name, ink.TITLE), (aside, style), ("▌", "$selected"))
    return ink.text(" ", (name, ink.MUTED), (aside, style), " ")


def failed(failure: Failure, view: View) -> ink.Line:
    """Since when a reply is not read, and why."""
    detail = f" ({failure.detail})" if failure.detail else ""
    since = form.when(failure.at, view.now, view.zone)
    return ink.text((f"not read since {since}: {failure.trouble}{detail}", ink.STYLE[Severity.WARNING]))


def came(reply: Reply, view: View) -> list[str]:
    """Status, duration, time, size, remarks: the most needed first."""
    at = form.local(reply.at, view.zone)
    counts = ((len(reply.new_fields), "new field"), (len(reply.odd_values), "odd value"))
    return [
        f"read {at:%H:%M:%S}, {form.age(view.now - reply.at)}",
        f"status {reply.status}",
        *(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count),
        f"took {reply.took // timedelta(milliseconds=1)} ms",
        f"{len(reply.text):,} characters",
    ]


def window(tabs: list[ink.Line], at: int, width: int) -> tuple[int, list[ink.Line]]:
    """The first tab that is shown, and the tabs around the selected one between two arrows."""
    first, last = at, at + 1
    room = width - 2 - tabs[at].cell_length
    while True:
        if last < len(tabs) and tabs[last].cell_length <= room:
            room -= tabs[last].cell_length
            last += 1
        elif first > 0 and tabs[first - 1].cell_length <= room:
            first -= 1
            room -= tabs[first].cell_length
        else:
            break
    before, after = ("‹" if first else " "), ("›" if last < len(tabs) else " ")
    return first, [ink.text((before, ink.MUTED)), *tabs[first:last], ink.text((after, ink.MUTED))]

"""The most pressing problem and how many there are; without one, what has happened last."""

from __future__ import annotations

from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import events as told
from claudemeter_tui.text import format as form
from claudemeter_tui.text import problems
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.widgets.drawing import Drawing


class StatusLine(Drawing):
    """One line; empty when all is well and nothing has happened."""

    def draw(self, width: int, height: int) -> list[ink.Line]:  # noqa: ARG002
        """The first problem that is more than a remark, and the count of the others."""
        real = [one for one in self.view.store.problems if not problems.is_remark(one)]
        remarks = len(self.view.store.problems) - len(real)
        if not real and not remarks and not self.view.events:
            return []
        said = [*filter(None, (_count(len(real), "problem"), _count(remarks, "remark")))]
        count = ink.text((" · ".join([*said, "e"]) if said else "", ink.MUTED))
        if not real:
            return [ink.spread(self._latest(width - count.cell_length - 3), count, width - 1)]
        first = real[0]
        since = form.when(first.at, self.view.now, self.view.zone)
        line = ink.text((f" {since} ", ink.MUTED), (problems.title(first), ink.STYLE[Severity.WARNING]))
        return [ink.spread(ink.fit(line, width - count.cell_length - 3), count, width - 1)]

    def _latest(self, width: int) -> ink.Line:
        """What has happened last."""
        if not self.view.events:
            return ink.text("")
        event = self.view.events[-1]
        return ink.fit(
            ink.text((f" {told.line(event, self.view.now, self.view.zone, event.whose)}", ink.MUTED)), width
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""

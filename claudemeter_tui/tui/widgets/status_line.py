"""The most pressing problem, and how many there are."""

from __future__ import annotations

from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import format as form
from claudemeter_tui.text import problems
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.widgets.drawing import Drawing


class StatusLine(Drawing):
    """One line; empty when all is well."""

    def draw(self, width: int, height: int) -> list[ink.Line]:  # noqa: ARG002
        """The first problem that is more than a remark, and the count of the others."""
        real = [one for one in self.view.store.problems if not problems.is_remark(one)]
        remarks = len(self.view.store.problems) - len(real)
        if not real and not remarks:
            return []
        said = [_count(len(real), "problem"), _count(remarks, "new field")]
        count = ink.text((" · ".join([*filter(None, said), "e"]), ink.MUTED))
        if not real:
            return [ink.spread(ink.text(""), count, width - 1)]
        first = real[0]
        since = form.when(first.at, self.view.now, self.view.zone)
        told = ink.text((f" {since} ", ink.MUTED), (problems.title(first), ink.STYLE[Severity.WARNING]))
        return [ink.spread(ink.fit(told, width - count.cell_length - 3), count, width - 1)]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""

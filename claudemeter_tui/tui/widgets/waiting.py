"""What stands on the dashboard until anything has been read."""

from __future__ import annotations

from claudemeter_tui.tui import ink
from claudemeter_tui.tui.widgets.drawing import Drawing

READING = " Reading claude.ai …"


class Waiting(Drawing):
    """One calm line."""

    def draw(self, width: int, height: int) -> list[ink.Line]:  # noqa: ARG002
        """What is being done."""
        return [ink.fit(ink.text((READING, ink.MUTED)), width)]

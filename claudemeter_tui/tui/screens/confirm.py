"""Asks before a picture is saved that shows what is personal."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

QUESTION = """\
Save the picture as it is seen?
S  save it      Esc  do not save

It shows names, e-mails and whatever else stands on the screen. For a bug report, s saves one \
without anything personal."""


class Confirm(ModalScreen[bool]):
    """Gives whether the person said yes."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 72; max-width: 100%; height: auto; padding: 0 2; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S,y,enter", "answer(True)", show=False),
        Binding("escape,n,q", "answer(False)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical():
            yield Static(QUESTION, markup=False)

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - an action takes what the key gives
        """Close with the answer."""
        self.dismiss(yes)

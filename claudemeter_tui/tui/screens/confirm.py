"""Asks before a picture is saved that shows what is personal."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.widgets.key_hints import KeyHints

QUESTION = "Save the picture as it is seen?"
ANSWERS = (
    Key("", "S", "screen.answer(True)", "save it", ""),
    Key("", "Esc", "screen.answer(False)", "do not save", ""),
)
WHY = """\
It shows names, e-mails and whatever else stands on the screen. For a bug report, s saves one without \
anything personal."""
PRIVATE = """\
It shows the pseudonyms that stand on the screen. For a bug report, s saves the same with the replies \
beside it, without anything personal."""
TALL_FROM = 11
"""Lines of the terminal from which there is room for the reason and a frame."""


class Confirm(ModalScreen[bool]):
    """Gives whether the person said yes."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical {
        width: 62; max-width: 100%; height: auto; max-height: 100%;
        padding: 1 2; background: $panel; border: round $selected;
    }
    Confirm.-short > Vertical { padding: 0 1; border: none; }
    Confirm.-ascii > Vertical { border: ascii $selected; }
    Confirm Static { width: 1fr; height: auto; }
    Confirm KeyHints { margin: 1 0; }
    Confirm.-short KeyHints { margin: 0; }
    Confirm.-short #why { display: none; }
    Confirm.-line #question { display: none; }
    Confirm ToastRack, Confirm Remark { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S,y,enter", "answer(True)", show=False),
        Binding("escape,n,q", "answer(False)", show=False),
    ]

    def __init__(self, *, private: bool = False, ascii_only: bool = False) -> None:
        """Ask about a screen that is private, or is not; with a frame that ASCII can draw if wanted."""
        super().__init__(classes="-ascii" if ascii_only else None)
        self._why = PRIVATE if private else WHY

    def compose(self) -> ComposeResult:
        """The question, the answers, and why it is asked."""
        with Vertical():
            yield Static(QUESTION, markup=False, id="question")
            yield KeyHints(ANSWERS)
            yield Static(self._why, markup=False, id="why")

    def on_resize(self) -> None:
        """Leave out what there is no room for."""
        height = self.app.size.height
        self.set_class(height < TALL_FROM, "-short")
        self.set_class(height < 2, "-line")

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - an action takes what the key gives
        """Close with the answer."""
        self.dismiss(yes)

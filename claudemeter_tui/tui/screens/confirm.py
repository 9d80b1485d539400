"""Confirmation before a screenshot with personal data is saved."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.widgets.key_hints import KeyHints

QUESTION = "Save the screen as shown?"
ANSWER_KEYS = (
    Key("", "S", "screen.answer(True)", "save", ""),
    Key("", "Esc", "screen.answer(False)", "cancel", ""),
)
REASON = """\
It shows names, e-mails and everything else on screen. For a bug report, press s instead: nothing personal \
is saved."""
PRIVATE_REASON = """\
It shows pseudonyms instead of names. For a bug report, press s instead: the same picture, and a report \
with the replies, without anything personal."""
TALL_FROM = 11
"""Lines of the terminal from which there is room for the reason and a frame."""


class ConfirmScreen(ModalScreen[bool]):
    """A dialog whose result is True if the user confirmed."""

    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; }
    ConfirmScreen > Vertical {
        width: 62; max-width: 100%; height: auto; max-height: 100%;
        padding: 1 2; background: $panel; border: round $selected;
    }
    ConfirmScreen.-short > Vertical { padding: 0 1; border: none; }
    ConfirmScreen.-ascii > Vertical { border: ascii $selected; }
    ConfirmScreen Static { width: 1fr; height: auto; }
    ConfirmScreen KeyHints { margin: 1 0; }
    ConfirmScreen.-short KeyHints { margin: 0; }
    ConfirmScreen.-short #why { display: none; }
    ConfirmScreen.-line #question { display: none; }
    ConfirmScreen ToastRack, ConfirmScreen InlineToast { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S,y,enter", "answer(True)", show=False),
        Binding("escape,n,q", "answer(False)", show=False),
    ]

    def __init__(self, *, private: bool = False, ascii_only: bool = False) -> None:
        """Ask about a private or a public screen, with an ASCII frame if requested."""
        super().__init__(classes="-ascii" if ascii_only else None)
        self._reason = PRIVATE_REASON if private else REASON

    def compose(self) -> ComposeResult:
        """Create the question, the answers and the reason."""
        with Vertical():
            yield Static(QUESTION, markup=False, id="question")
            yield KeyHints(ANSWER_KEYS)
            yield Static(self._reason, markup=False, id="why")

    def on_resize(self) -> None:
        """Hide the parts that do not fit."""
        height = self.app.size.height
        self.set_class(height < TALL_FROM, "-short")
        self.set_class(height < 2, "-line")

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - Textual passes an action's arguments by position
        """Close the dialog with the answer."""
        self.dismiss(yes)

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
ANSWER_KEYS = (
    Key("", "S", "screen.answer(True)", "save it", ""),
    Key("", "Esc", "screen.answer(False)", "do not save", ""),
)
REASON = """\
It shows names, e-mails and whatever else stands on the screen. For a bug report, s saves one without \
anything personal."""
PRIVATE_REASON = """\
It shows the pseudonyms that stand on the screen. For a bug report, s saves the same with the replies \
beside it, without anything personal."""
TALL_FROM = 11
"""Lines of the terminal from which there is room for the reason and a frame."""


class ConfirmScreen(ModalScreen[bool]):
    """Gives whether the person said yes."""

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
        """Ask about a screen that is private, or is not; with a frame that ASCII can draw if wanted."""
        super().__init__(classes="-ascii" if ascii_only else None)
        self._reason = PRIVATE_REASON if private else REASON

    def compose(self) -> ComposeResult:
        """The question, the answers, and why it is asked."""
        with Vertical():
            yield Static(QUESTION, markup=False, id="question")
            yield KeyHints(ANSWER_KEYS)
            yield Static(self._reason, markup=False, id="why")

    def on_resize(self) -> None:
        """Leave out what there is no room for."""
        height = self.app.size.height
        self.set_class(height < TALL_FROM, "-short")
        self.set_class(height < 2, "-line")

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - an action takes what the key gives
        """Close with the answer."""
        self.dismiss(yes)

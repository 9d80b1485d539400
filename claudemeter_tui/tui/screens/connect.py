"""The first run: what was looked at for a session, why it gave none, and what can be done now."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from claudemeter_tui.model.reading import Offered, Trouble
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import sessions as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.screens.viewer import Viewer
from claudemeter_tui.tui.widgets.connect_page import TALL_FROM, page
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints

DOINGS = (
    Key("", "r", "refresh", "look again", "sign in to claude.ai in a browser, then look again"),
    Key("p", "p", "screen.paste", "paste", "paste a Cookie header or sessionKey, kept in memory"),
    Key("d", "d", "screen.demo", "demo", "open the demo: a simulated day, without an account"),
    Key("", "q", "quit", "quit", "quit"),
)
"""What can be done now, and last how to leave."""
TYPING = (
    Key("", "Enter", "", "try it", "try what was pasted"),
    Key("", "Esc", "screen.give_up", "close", "close the field, and forget what is in it"),
)
"""What the keys do while the field is open."""
WHERE = (
    "Where it is: on claude.ai press F12, then Application (in Firefox: Storage), Cookies, https://claude.ai,"
    " sessionKey, and copy its value. It is tried before it is used."
)
_HOPELESS = frozenset(
    {Trouble.NO_SESSION, Trouble.EXPIRED, Trouble.TOKEN_INVALID, Trouble.TOKEN_SCOPE, Trouble.NO_ORGS}
)
"""Troubles that do not end by themselves."""


def is_wanted(store: Store) -> bool:
    """Whether everything was looked at, no org is known, and none will be unless somebody does something."""
    troubles = [{failure.trouble for failure in state.failures.values()} for state in store.sessions]
    return bool(
        store.looked is not None
        and not store.orgs
        and troubles
        and all(trouble & _HOPELESS for trouble in troubles)
    )


class Field(Input):
    """Takes a secret: shown as dots, told to nobody but the one who asks for it, and forgotten then."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "screen.give_up", show=False)]

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__(password=True, placeholder="paste it here, then Enter; Esc closes")
        self.border_title = "Cookie header or sessionKey"

    def post_message(self, message: Message) -> bool:
        """Send all messages but those that carry the text."""
        return not isinstance(message, Input.Changed | Input.Submitted) and super().post_message(message)

    async def action_submit(self) -> None:
        """Hand the text on, if there is any, and forget it."""
        if self.value:
            self.post_message(Connect.Pasted(self.value))
        self.clear()


class Connect(Viewer):
    """The dashboard's place as long as there is no session."""

    DEFAULT_CSS = """
    Connect {
        background: $background;
        layout: vertical;
        overflow: hidden;
    }
    Connect VerticalScroll {
        height: 1fr;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-color: $frame;
    }
    Connect Static {
        width: 1fr;
        height: auto;
    }
    Connect #answer {
        padding: 0 1;
    }
    Connect Field, Connect Field:focus {
        height: 1;
        padding: 0 1;
        border: none;
        background: $surface;
        background-tint: $foreground 0%;
    }
    Connect Field.-framed, Connect Field.-framed:focus {
        height: 3;
        border: round $selected;
        border-title-color: $foreground;
        border-title-style: bold;
        background: $background;
    }
    """
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in DOINGS if key.keys]

    class Pasted(Message):
        """A Cookie header or a `sessionKey` was typed in; it prints none."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self._text = text

        def take(self) -> str:
            """What was typed in, once; after that it is empty."""
            text, self._text = self._text, ""
            return text

    class Demo(Message):
        """The demo is wanted."""

    def compose(self) -> ComposeResult:
        """Header, the text, the field with the answer above it, hints."""
        yield Header()
        with VerticalScroll():
            yield Static(id="text", markup=False)
        yield Static(id="answer", classes="-hidden", markup=False)
        field = Field()
        field.add_class("-hidden")
        yield field
        yield KeyHints(DOINGS)

    def on_mount(self) -> None:
        """Draw at once."""
        self.watch_view()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.watch_view()

    def watch_view(self) -> None:
        """Draw what has changed."""
        if not self.can_draw:
            return
        view = replace(self.view, layout=Layout())
        for part in self.query(Drawing):
            part.view = view
        width, height = self.app.size
        # The last column is the scrollbar's; the footer says how to quit.
        lines = page(view.store.looked or (), DOINGS[:-1], width - 1, height)
        self._show("#text", Content("\n").join(lines))

    def on_connect_pasted(self) -> None:
        """The answer takes a moment."""
        self._say(ink.text(("Asking claude.ai …", ink.MUTED)))

    def tell(self, offered: Offered) -> None:
        """What became of what was typed in."""
        style = ink.STYLE[Severity.NORMAL if offered.trouble is None else Severity.WARNING]
        self._say(ink.text((words.answer(offered), style)))

    def action_paste(self) -> None:
        """Open the field."""
        field, tall = self.query_exactly_one(Field), self.app.size.height >= TALL_FROM
        field.set_class(tall and not self.view.ascii, "-framed")
        field.remove_class("-hidden")
        field.focus()
        self.query_exactly_one(KeyHints).show(TYPING)
        if tall:
            self._say(ink.text((WHERE, ink.MUTED)))

    def action_give_up(self) -> None:
        """Close the field and forget what is in it."""
        field = self.query_exactly_one(Field)
        field.clear()
        field.add_class("-hidden")
        self.query_exactly_one("#answer").add_class("-hidden")
        self.query_exactly_one(KeyHints).show(DOINGS)
        self.query_exactly_one(VerticalScroll).focus()

    def action_demo(self) -> None:
        """Ask for the demo."""
        self.post_message(self.Demo())

    def _say(self, line: Content) -> None:
        self.query_exactly_one("#answer").remove_class("-hidden")
        self._show("#answer", line)

    def _show(self, where: str, text: Content) -> None:
        """Put a text in its place, where it looks different."""
        text = ink.plain(text) if self.view.ascii else text
        part = self.query_exactly_one(where, Static)
        if not isinstance(part.content, Content) or not text.is_same(part.content):
            part.update(text)

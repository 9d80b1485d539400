"""The first run: what was looked at for a session, why it gave none, and what can be done now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from claudemeter_tui.model.reading import Looked, Offered, Trouble
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import sessions as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.screens.viewer import Viewer
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints

DOINGS = (
    Key(
        "", "r", "refresh", "look again", "sign in to claude.ai in a browser on this machine, then look again"
    ),
    Key("p", "p", "screen.paste", "paste", "paste a Cookie header or a sessionKey; it stays in memory"),
    Key("d", "d", "screen.demo", "demo", "open the demo: a simulated day, without an account"),
    Key("", "q", "quit", "quit", "quit"),
)
"""What can be done now; Claude Code's login needs no key, it is used where it is found."""
CLAUDE_CODE = "or run claude and sign in with /login: its login shows the windows"
WIDE_FROM, TALL_FROM = 90, 16
"""Columns from which a row is one line, lines from which every doing has one."""
_CALM = ("not signed in", "not installed")
"""Outcomes that nothing is wrong with."""
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
        super().__init__(password=True, compact=True, placeholder="Cookie header or sessionKey, then Enter")

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
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    Connect Static {
        width: 1fr;
        height: auto;
    }
    Connect #answer {
        padding: 0 1;
    }
    Connect Field {
        padding: 0 1;
        background: $surface;
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
        if not self.is_mounted:
            return
        view = replace(self.view, layout=Layout())
        for part in self.query(Drawing):
            part.view = view
        width, height = self.app.size
        text = Content("\n").join(_page(view.store.looked or (), width - 4, tall=height >= TALL_FROM))
        self._show("#text", text)

    def on_connect_pasted(self) -> None:
        """The answer takes a moment."""
        self._say(ink.text(("Asking claude.ai …", ink.MUTED)))

    def tell(self, offered: Offered) -> None:
        """What became of what was typed in."""
        style = ink.STYLE[Severity.NORMAL if offered.trouble is None else Severity.WARNING]
        self._say(ink.text((words.answer(offered), style)))

    def action_paste(self) -> None:
        """Open the field."""
        field = self.query_exactly_one(Field)
        field.remove_class("-hidden")
        field.focus()

    def action_give_up(self) -> None:
        """Close the field and forget what is in it."""
        field = self.query_exactly_one(Field)
        field.clear()
        field.add_class("-hidden")
        self.query_exactly_one("#answer").add_class("-hidden")
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


def _page(places: tuple[Looked, ...], width: int, *, tall: bool) -> Iterator[ink.Line]:
    """The text in lines of at most `width` cells; where it is not `tall`, the footer tells what to do."""
    found = any(place.outcome not in _CALM for place in places)
    head = "No session works yet" if found else "No session of claude.ai was found"
    rows = list(_rows(places, width))
    if not tall:
        yield from ink.wrapped(f"{head}: sign in to claude.ai in a browser, then press r.", width)
        yield from rows
        return
    yield from (ink.text(""), ink.text((head, ink.TITLE)), ink.text(""))
    yield from rows
    yield from (ink.text(""), ink.text(("What you can do now", ink.TITLE)), ink.text(""))
    for key in DOINGS:
        yield from _beside(ink.text((f"{key.shown}  ", "$selected")), key.purpose, width)
        if key.shown == "r":
            yield from _beside(ink.text("   "), CLAUDE_CODE, width)


def _rows(places: tuple[Looked, ...], width: int) -> Iterator[ink.Line]:
    """What was looked at: the place and its outcome, and beside them or below what it says."""
    if not places:
        yield from ink.wrapped(words.NOWHERE, width)
    names = max((len(place.session.label) for place in places), default=0)
    outcomes = max((len(place.outcome) for place in places), default=0)
    for place in places:
        calm = place.outcome in _CALM
        style = ink.MUTED if calm else ink.STYLE[Severity.WARNING]
        mark = "·" if calm else ink.MARK[Severity.WARNING]
        outcome = ink.text((f"{mark} {place.outcome}", style))
        if width + 4 >= WIDE_FROM:
            head = ink.text(
                place.session.label.ljust(names + 2), outcome, " " * (outcomes + 2 - len(place.outcome))
            )
            yield from _beside(head, place.detail, width)
        else:
            yield ink.fit(ink.spread(ink.text(place.session.label), outcome, width), width)
            yield from (ink.text("  ", line) for line in ink.wrapped(place.detail, width - 2, ink.MUTED))


def _beside(head: ink.Line, said: str, width: int) -> Iterator[ink.Line]:
    """A term, and what is said of it beside it, broken between words."""
    first, *rest = ink.wrapped(said, max(10, width - head.cell_length)) or [ink.text("")]
    yield ink.text(head, first)
    yield from (ink.text(" " * head.cell_length, line) for line in rest)

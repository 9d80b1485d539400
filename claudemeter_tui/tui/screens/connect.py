"""The first run: which sessions were looked for, why none works, and what to do now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from claudemeter_tui.formatting.problems import (
    NOTHING_SCANNED,
    describe_offered_session,
    describe_scan_result,
)
from claudemeter_tui.model.reading import ErrorKind, PasteResult, ScanResult
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui import styled_text
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import FRAMES_FROM, Layout
from claudemeter_tui.tui.screens.base import ViewScreen
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.line_widget import LineWidget

ABOUT = (
    "claudemeter reads what claude.ai says of your limits and credits, with the session of a browser that is"
    " signed in. The session stays in memory and is sent to claude.ai alone."
)
CLAUDE_CODE_HINT = "or run claude and use /login: it shows the windows"
"""What can be done without any key: Claude Code's login is used where it is found."""
BESIDE_FROM = 40
"""Cells that what a place says needs to stand beside it; with less it stands below."""
TALL_FROM, ROOMY_FROM = 16, 24
"""Lines from which every doing has one, and from which there is room to say what this is."""
_NORMAL_OUTCOMES = ("not signed in", "not installed", "none found")
"""Outcomes that nothing is wrong with."""


def build_connect_page(
    places: Sequence[ScanResult], doings: Sequence[Key], width: int, height: int
) -> list[styled_text.StyledLine]:
    """The text in lines of at most `width` cells, for a terminal of that height.

    In a low one the footer alone tells what can be done.
    """
    found = any(place.outcome not in _NORMAL_OUTCOMES for place in places)
    head = "No session works yet" if found else "No session of claude.ai was found"
    if height < TALL_FROM:
        short = styled_text.wrap_text(f"{head}: sign in to claude.ai in a browser, then press r.", width - 2)
        return _indent_lines([*short, *_build_place_lines(places, width - 2)])
    lines = [styled_text.build_line((head, styled_text.HEADING))]
    if height >= ROOMY_FROM:
        lines = [
            styled_text.build_line(""),
            *lines,
            *styled_text.wrap_text(ABOUT, width - 2, styled_text.MUTED),
            styled_text.build_line(""),
        ]
    inner = width - (4 if width >= FRAMES_FROM else 2)
    return [
        *_indent_lines(lines),
        *_build_part("What you can do now", list(_build_key_lines(doings, inner)), width),
        *_build_part("Where a session was looked for", list(_build_place_lines(places, inner)), width),
    ]


def _build_part(title: str, lines: list[styled_text.StyledLine], width: int) -> list[styled_text.StyledLine]:
    """A part of the page: in a frame, where there is room for frames."""
    head = styled_text.build_line((title, styled_text.HEADING))
    if width >= FRAMES_FROM:
        return styled_text.frame_lines(head, styled_text.build_line(""), lines, width)
    return _indent_lines([styled_text.build_line(""), head, *lines])


def _indent_lines(lines: Sequence[styled_text.StyledLine]) -> list[styled_text.StyledLine]:
    return [styled_text.build_line(" ", line) for line in lines]


def _build_key_lines(doings: Sequence[Key], width: int) -> Iterator[styled_text.StyledLine]:
    """A key and what it does, each."""
    for key in doings:
        yield from _hang_text(styled_text.build_line((f"{key.display}  ", "$selected")), key.purpose, width)
        if key.display == "r":
            yield from _hang_text(styled_text.build_line("   "), CLAUDE_CODE_HINT, width)


def _build_place_lines(places: Sequence[ScanResult], width: int) -> Iterator[styled_text.StyledLine]:
    """What was looked at: the place and its outcome, and beside them or below what it says."""
    if not places:
        yield from styled_text.wrap_text(NOTHING_SCANNED, width)
    names = max((styled_text.build_line(place.session.label).cell_length for place in places), default=0) + 2
    outcomes = max((len(place.outcome) for place in places), default=0) + 4
    for place in places:
        outcome = _format_outcome(place)
        if width - names - outcomes >= BESIDE_FROM:
            head = styled_text.build_line(
                styled_text.fit_line(styled_text.build_line(place.session.label), names),
                styled_text.fit_line(outcome, outcomes),
            )
            yield from _hang_text(head, describe_scan_result(place), width, styled_text.MUTED)
        else:
            yield from _stack_place(place, outcome, width)


def _stack_place(
    place: ScanResult, outcome: styled_text.StyledLine, width: int
) -> Iterator[styled_text.StyledLine]:
    """The place, at the line's other end or below it the outcome, and below that what it says."""
    label = styled_text.build_line(place.session.label)
    if label.cell_length + outcome.cell_length < width:
        yield styled_text.spread_line(label, outcome, width)
    else:
        yield from styled_text.wrap_text(place.session.label, width)
        yield styled_text.build_line("  ", outcome)
    yield from (
        styled_text.build_line("  ", line)
        for line in styled_text.wrap_text(describe_scan_result(place), width - 2, styled_text.MUTED)
    )


def _format_outcome(place: ScanResult) -> styled_text.StyledLine:
    """`▲ session expired`; what is nothing but so is muted."""
    calm = place.outcome in _NORMAL_OUTCOMES
    mark = "·" if calm else styled_text.SEVERITY_MARKS[Severity.WARNING]
    return styled_text.build_line(
        (
            f"{mark} {place.outcome}",
            styled_text.MUTED if calm else styled_text.SEVERITY_STYLES[Severity.WARNING],
        )
    )


def _hang_text(
    head: styled_text.StyledLine, said: str, width: int, style: str = ""
) -> Iterator[styled_text.StyledLine]:
    """A term, and what is said of it beside it, broken between words."""
    first, *rest = styled_text.wrap_text(said, max(10, width - head.cell_length), style) or [
        styled_text.build_line("")
    ]
    yield styled_text.build_line(head, first)
    yield from (styled_text.build_line(" " * head.cell_length, line) for line in rest)


CONNECT_KEYS = (
    Key("", "r", "refresh", "look again", "sign in to claude.ai in a browser, then look again"),
    Key("p", "p", "screen.paste", "paste", "paste a Cookie header or sessionKey, kept in memory"),
    Key("d", "d", "screen.demo", "demo", "open the demo: a simulated day, without an account"),
    Key("", "q", "quit", "quit", "quit"),
)
"""What can be done now, and last how to leave."""
PASTE_KEYS = (
    Key("", "Enter", "", "try it", "try what was pasted"),
    Key("", "Esc", "screen.give_up", "close", "close the field, and forget what is in it"),
)
"""What the keys do while the field is open."""
PASTE_HELP = (
    "Where it is: on claude.ai press F12, then Application (in Firefox: Storage), Cookies, https://claude.ai,"
    " sessionKey, and copy its value. It is tried before it is used."
)
_PERMANENT_ERRORS = frozenset(
    {
        ErrorKind.NO_SESSION,
        ErrorKind.EXPIRED,
        ErrorKind.TOKEN_INVALID,
        ErrorKind.TOKEN_SCOPE,
        ErrorKind.NO_ORGS,
    }
)
"""Troubles that do not end by themselves."""


def needs_connect_screen(store: Store) -> bool:
    """Whether everything was looked at, no org is known, and none will be unless somebody does something."""
    troubles = [{failure.error_kind for failure in state.failures.values()} for state in store.sessions]
    return bool(
        store.scan_results is not None
        and not store.orgs
        and troubles
        and all(trouble & _PERMANENT_ERRORS for trouble in troubles)
    )


class SecretInput(Input):
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
            self.post_message(ConnectScreen.Pasted(self.value))
        self.clear()


class ConnectScreen(ViewScreen):
    """The dashboard's place as long as there is no session."""

    DEFAULT_CSS = """
    ConnectScreen {
        background: $background;
        layout: vertical;
        overflow: hidden;
    }
    ConnectScreen VerticalScroll {
        height: 1fr;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-color: $frame;
    }
    ConnectScreen Static {
        width: 1fr;
        height: auto;
    }
    ConnectScreen #answer {
        padding: 0 1;
    }
    ConnectScreen SecretInput, ConnectScreen SecretInput:focus {
        height: 1;
        padding: 0 1;
        border: none;
        background: $surface;
        background-tint: $foreground 0%;
    }
    ConnectScreen SecretInput.-framed, ConnectScreen SecretInput.-framed:focus {
        height: 3;
        border: round $selected;
        border-title-color: $foreground;
        border-title-style: bold;
        background: $background;
    }
    """
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in CONNECT_KEYS if key.keys]

    class Pasted(Message):
        """A Cookie header or a `sessionKey` was typed in; it prints none."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self._text = text

        def take(self) -> str:
            """What was typed in, once; after that it is empty."""
            text, self._text = self._text, ""
            return text

    class DemoRequested(Message):
        """The demo is wanted."""

    def compose(self) -> ComposeResult:
        """Header, the text, the field with the answer above it, hints."""
        yield Header()
        with VerticalScroll():
            yield Static(id="text", markup=False)
        yield Static(id="answer", classes="-hidden", markup=False)
        field = SecretInput()
        field.add_class("-hidden")
        yield field
        yield KeyHints(CONNECT_KEYS)

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
        for part in self.query(LineWidget):
            part.view = view
        width, height = self.app.size
        # The last column is the scrollbar's; the footer says how to quit.
        lines = build_connect_page(view.store.scan_results or (), CONNECT_KEYS[:-1], width - 1, height)
        self._update_text("#text", Content("\n").join(lines))

    def on_connect_screen_pasted(self) -> None:
        """The answer takes a moment."""
        self._show_answer(styled_text.build_line(("Asking claude.ai …", styled_text.MUTED)))

    def show_outcome(self, offered: PasteResult) -> None:
        """What became of what was typed in."""
        style = styled_text.SEVERITY_STYLES[
            Severity.NORMAL if offered.error_kind is None else Severity.WARNING
        ]
        self._show_answer(styled_text.build_line((describe_offered_session(offered), style)))

    def action_paste(self) -> None:
        """Open the field."""
        field, tall = self.query_exactly_one(SecretInput), self.app.size.height >= TALL_FROM
        field.set_class(tall and not self.view.ascii, "-framed")
        field.remove_class("-hidden")
        field.focus()
        self.query_exactly_one(KeyHints).show(PASTE_KEYS)
        if tall:
            self._show_answer(styled_text.build_line((PASTE_HELP, styled_text.MUTED)))

    def action_give_up(self) -> None:
        """Close the field and forget what is in it."""
        field = self.query_exactly_one(SecretInput)
        field.clear()
        field.add_class("-hidden")
        self.query_exactly_one("#answer").add_class("-hidden")
        self.query_exactly_one(KeyHints).show(CONNECT_KEYS)
        self.query_exactly_one(VerticalScroll).focus()

    def action_demo(self) -> None:
        """Ask for the demo."""
        self.post_message(self.DemoRequested())

    def _show_answer(self, line: Content) -> None:
        self.query_exactly_one("#answer").remove_class("-hidden")
        self._update_text("#answer", line)

    def _update_text(self, where: str, text: Content) -> None:
        """Put a text in its place, where it looks different."""
        text = styled_text.convert_to_ascii(text) if self.view.ascii else text
        part = self.query_exactly_one(where, Static)
        if not isinstance(part.content, Content) or not text.is_same(part.content):
            part.update(text)

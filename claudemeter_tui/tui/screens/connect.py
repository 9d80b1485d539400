"""Screen of the first run: the sessions that were checked, why none works, and what to do now."""

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
    "claudemeter shows your claude.ai limits and credits using your browser's login."
    " The session stays in memory and is sent only to claude.ai."
)
CLAUDE_CODE_HINT = "or log in to Claude Code (/login) – limits only, no credits"
"""Advice that needs no key, because Claude Code's login is used if it exists."""
BESIDE_FROM = 40
"""Cells from which the text of a place is beside its name; otherwise the text is below."""
TALL_FROM, ROOMY_FROM = 16, 24
"""Lines from which the actions are listed, and from which the introduction is shown."""
_NORMAL_OUTCOMES = ("not signed in", "not installed", "none found")
"""Outcomes that are no problem."""


def build_connect_page(
    places: Sequence[ScanResult], doings: Sequence[Key], width: int, height: int
) -> list[styled_text.StyledLine]:
    """Return the text in lines of at most `width` cells, for a terminal of that height.

    In a low terminal only the footer lists the actions.
    """
    found = any(place.outcome not in _NORMAL_OUTCOMES for place in places)
    head = "No session works yet" if found else "No claude.ai session found"
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
        *_build_part("Places checked", list(_build_place_lines(places, inner)), width),
    ]


def _build_part(title: str, lines: list[styled_text.StyledLine], width: int) -> list[styled_text.StyledLine]:
    """Return a part of the page, in a frame if there is room."""
    head = styled_text.build_line((title, styled_text.HEADING))
    if width >= FRAMES_FROM:
        return styled_text.frame_lines(head, styled_text.build_line(""), lines, width)
    return _indent_lines([styled_text.build_line(""), head, *lines])


def _indent_lines(lines: Sequence[styled_text.StyledLine]) -> list[styled_text.StyledLine]:
    return [styled_text.build_line(" ", line) for line in lines]


def _build_key_lines(doings: Sequence[Key], width: int) -> Iterator[styled_text.StyledLine]:
    """Yield the lines of each key and its purpose."""
    for key in doings:
        yield from _hang_text(styled_text.build_line((f"{key.display}  ", "$selected")), key.purpose, width)
        if key.display == "r":
            yield from _hang_text(styled_text.build_line("   "), CLAUDE_CODE_HINT, width)


def _build_place_lines(places: Sequence[ScanResult], width: int) -> Iterator[styled_text.StyledLine]:
    """Yield each place that was checked, its outcome, and its text beside or below."""
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
    """Yield a place, its outcome at the end of the line or below, and its text below."""
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
    """Return an outcome such as `▲ session expired`; a normal outcome is muted."""
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
    """Yield a term with its text beside it, wrapped between words."""
    first, *rest = styled_text.wrap_text(said, max(10, width - head.cell_length), style) or [
        styled_text.build_line("")
    ]
    yield styled_text.build_line(head, first)
    yield from (styled_text.build_line(" " * head.cell_length, line) for line in rest)


CONNECT_KEYS = (
    Key("", "r", "refresh", "retry", "sign in to claude.ai in a browser, then retry"),
    Key("p", "p", "screen.paste", "paste", "paste a Cookie header or sessionKey (kept in memory)"),
    Key("d", "d", "screen.demo", "demo", "open the demo (a simulated day, no account needed)"),
    Key("", "q", "quit", "quit", "quit"),
)
"""Keys of the screen; the last one quits."""
PASTE_KEYS = (
    Key("", "Enter", "", "try it", "try the pasted text"),
    Key("", "Esc", "screen.give_up", "close", "close the field and discard the text"),
)
"""Keys while the field is open."""
PASTE_HELP = (
    "To find it: on claude.ai press F12, then Application (in Firefox: Storage), Cookies, https://claude.ai,"
    " sessionKey, and copy its value. It is checked before it is used."
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
"""Errors that do not end by themselves."""


def needs_connect_screen(store: Store) -> bool:
    """True if the scan is complete, no org is known and the user has to act."""
    troubles = [{failure.error_kind for failure in state.failures.values()} for state in store.sessions]
    return bool(
        store.scan_results is not None
        and not store.orgs
        and troubles
        and all(trouble & _PERMANENT_ERRORS for trouble in troubles)
    )


class SecretInput(Input):
    """A field for a secret: shows dots, passes the text on only once, and then clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "screen.give_up", show=False)]

    def __init__(self) -> None:
        """Create an empty field."""
        super().__init__(password=True, placeholder="paste here, then Enter (Esc closes)")
        self.border_title = "Cookie header or sessionKey"

    def post_message(self, message: Message) -> bool:
        """Send every message except those that contain the text."""
        return not isinstance(message, Input.Changed | Input.Submitted) and super().post_message(message)

    async def action_submit(self) -> None:
        """Post the text if there is any, and clear the field."""
        if self.value:
            self.post_message(ConnectScreen.Pasted(self.value))
        self.clear()


class ConnectScreen(ViewScreen):
    """Screen in place of the dashboard while no session works."""

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
        """A Cookie header or a `sessionKey` was entered; its `repr` hides the text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self._text = text

        def take(self) -> str:
            """Return the entered text once; afterwards it is empty."""
            text, self._text = self._text, ""
            return text

    class DemoRequested(Message):
        """The user asked for the demo."""

    def compose(self) -> ComposeResult:
        """Create header, text, the field with the answer above it, and hints."""
        yield Header()
        with VerticalScroll():
            yield Static(id="text", markup=False)
        yield Static(id="answer", classes="-hidden", markup=False)
        field = SecretInput()
        field.add_class("-hidden")
        yield field
        yield KeyHints(CONNECT_KEYS)

    def on_mount(self) -> None:
        """Draw the first view."""
        self.watch_view()

    def on_resize(self) -> None:
        """Wrap the lines for the new size."""
        self.watch_view()

    def watch_view(self) -> None:
        """Redraw if the view has changed."""
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
        """Show that the answer takes a moment."""
        self._show_answer(styled_text.build_line(("Checking with claude.ai …", styled_text.MUTED)))

    def show_outcome(self, offered: PasteResult) -> None:
        """Show the result for the entered session."""
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
        """Close the field and clear it."""
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
        """Update a text if it looks different."""
        text = styled_text.convert_to_ascii(text) if self.view.ascii else text
        part = self.query_exactly_one(where, Static)
        if not isinstance(part.content, Content) or not text.is_same(part.content):
            part.update(text)

"""Screen of the first run: the sessions that were checked, why none works, and what to do now."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from claudemeter_tui.formatting.problems import (
    NO_SESSION,
    NOTHING_SCANNED,
    SIGN_IN,
    SignInText,
    describe_missing_session,
    describe_offered_session,
    describe_scan_result,
)
from claudemeter_tui.model.event_log import LOGIN_ERRORS
from claudemeter_tui.model.reading import ARCHIVE_ERRORS, IGNORED_PLACE, ErrorKind, ScanResult, Session
from claudemeter_tui.model.session_search import HIDDEN_COOKIE_OUTCOMES, PasteResult
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import FRAMES_FROM
from claudemeter_tui.tui.screens.base import ViewScreen
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    build_line,
    fit_line,
    frame_lines,
    hang_text,
    spread_line,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints

ABOUT = (
    "claudemeter shows your claude.ai limits and credits using your browser's login."
    " The session stays in memory and is sent only to claude.ai."
)
CLAUDE_CODE_HINT = "or log in to Claude Code (/login) – limits only, no credits"
"""Advice that needs no key, because Claude Code's login is used if it exists."""
BESIDE_FROM = 40
"""Minimum cells for the text of a place beside its name; with fewer, the text is below."""
TALL_FROM, ROOMY_FROM = 16, 24
"""Minimum lines for the list of actions, and for the introduction."""
WARNING_STYLE = SEVERITY_STYLES[Severity.WARNING]
_NORMAL_OUTCOMES = ("not signed in", "not installed", "none found", IGNORED_PLACE)
"""Outcomes that are not problems."""


def build_connect_page(
    case: SignInText, places: Sequence[ScanResult], keys: Sequence[Key], width: int, height: int
) -> list[Content]:
    """Return the text in lines of at most `width` cells, for a terminal of that height.

    In a low terminal only the footer lists the actions.
    """
    found = any(place.outcome not in _NORMAL_OUTCOMES for place in places)
    head, cure = case.title, case.cure
    if case is NO_SESSION:
        head = head if found else "No claude.ai session found"
        cure = f"{head}: {SIGN_IN}, then press r."
    if height < TALL_FROM:
        short = wrap_text(cure, width - 2)
        return _indent_lines([*short, *_build_place_lines(places, width - 2)])
    lines = [Content.styled(head, HEADING)]
    if case is not NO_SESSION:
        lines += wrap_text(cure, width - 2)
    if height >= ROOMY_FROM:
        lines = [Content(""), *lines, *wrap_text(ABOUT, width - 2, MUTED), Content("")]
    keys = [key._replace(purpose=case.retry) if key.action == "refresh" else key for key in keys]
    inner = width - (4 if width >= FRAMES_FROM else 2)
    return [
        *_indent_lines(lines),
        *_build_part("What you can do now", _build_key_lines(keys, inner), width),
        *_build_part("Places checked", _build_place_lines(places, inner), width),
    ]


def _build_part(title: str, lines: Iterable[Content], width: int) -> list[Content]:
    """Return a part of the page, in a frame if there is room."""
    head = Content.styled(title, HEADING)
    if width >= FRAMES_FROM:
        return frame_lines(head, Content(""), list(lines), width)
    return _indent_lines([Content(""), head, *lines])


def _indent_lines(lines: Iterable[Content]) -> list[Content]:
    return [build_line(" ", line) for line in lines]


def _build_key_lines(keys: Sequence[Key], width: int) -> Iterator[Content]:
    """Yield the lines of each key and its purpose."""
    for key in keys:
        yield from hang_text(Content.styled(f"{key.display}  ", "$selected"), key.purpose, width)
        if key.purpose == NO_SESSION.retry:
            yield from hang_text(Content("   "), CLAUDE_CODE_HINT, width)


def _build_place_lines(places: Sequence[ScanResult], width: int) -> Iterator[Content]:
    """Yield each place that was checked with its outcome, and its text beside or below."""
    if not places:
        yield from wrap_text(NOTHING_SCANNED, width)
    names = max((Content(place.session.label).cell_length for place in places), default=0) + 2
    outcomes = max((len(place.outcome) for place in places), default=0) + 4
    for place in places:
        calm = place.is_working or place.outcome in _NORMAL_OUTCOMES
        mark, style = ("·", MUTED) if calm else (SEVERITY_MARKS[Severity.WARNING], WARNING_STYLE)
        label = Content(place.session.label)
        outcome = Content.styled(f"{mark} {place.outcome}", style)
        text = describe_scan_result(place)
        if width - names - outcomes >= BESIDE_FROM:
            head = build_line(fit_line(label, names), fit_line(outcome, outcomes))
            yield from hang_text(head, text, width, MUTED)
            continue
        if label.cell_length + outcome.cell_length < width:
            yield spread_line(label, outcome, width)
        else:
            yield from wrap_text(place.session.label, width)
            yield build_line("  ", outcome)
        yield from (build_line("  ", line) for line in wrap_text(text, width - 2, MUTED))


# The app binds the keys whose `keys` is empty.
CONNECT_KEYS = (
    Key("", "r", "refresh", "retry", NO_SESSION.retry),
    Key("x", "x", "screen.extension", "extension", "read through a browser extension (needs no cookie)"),
    Key("p", "p", "screen.paste", "paste", "paste a Cookie header or sessionKey (kept in memory)"),
    Key("d", "d", "app.demo", "demo", "open the demo (a simulated day, no account needed)"),
    Key("", "q", "quit", "quit", "quit"),
)
"""Keys of the screen; the last one quits."""
_REFRESH_KEY, _EXTENSION_KEY, _PASTE_KEY, _DEMO_KEY, _QUIT_KEY = CONNECT_KEYS
EVERY_HINT_FROM = 46
"""Columns of the terminal from which the footer has room for all of them; with fewer, not for the demo."""
NOT_HELPFUL = "The browser extension would not help here."
"""Message of the key, which the help always lists, if the extension is not offered."""
EXTENSION_KEYS = (
    Key("", "Esc", "screen.back", "back", "return to the sessions"),
    Key("", "↑↓", "", "scroll", ""),
    Key("", "q", "quit", "quit", "quit"),
)
"""Keys while the page about the extension is open."""
PASTE_KEYS = (
    Key("", "Enter", "", "try it", "try the pasted text"),
    Key("", "Esc", "screen.give_up", "close", "close the field and discard the text"),
)
"""Keys while the field is open."""
PASTE_HELP = (
    "To find it: on claude.ai press F12, then Application (in Firefox: Storage), Cookies, https://claude.ai,"
    " sessionKey, and copy its value. It is checked before it is used."
)
_PERMANENT_ERRORS = (
    LOGIN_ERRORS
    | {ErrorKind.NO_SESSION, ErrorKind.TOKEN_SCOPE, ErrorKind.NO_ORGS, ErrorKind.CHALLENGE}
    | {ErrorKind.BROWSER_CLOSED}
    | ARCHIVE_ERRORS
)
"""Errors that do not end without an action by the user."""


def needs_connect_screen(store: Store) -> bool:
    """True if the scan is complete, no org is known and the user has to act."""
    return (
        store.scan_results is not None
        and not store.orgs
        and bool(store.sessions)
        and all(
            state.ignored_orgs
            or any(failure.error_kind in _PERMANENT_ERRORS for failure in state.failures.values())
            for state in store.sessions
        )
    )


def list_session_failures(store: Store) -> list[tuple[Session, ErrorKind]]:
    """Return the failures of all sessions."""
    return [
        (state.session, failure.error_kind) for state in store.sessions for failure in state.failures.values()
    ]


def needs_extension(
    places: Iterable[ScanResult], failures: Iterable[tuple[Session, ErrorKind]], browsers: Collection[str]
) -> bool:
    """Return True if the browser extension can read what this program cannot.

    Args:
        places: the places that were searched for sessions.
        failures: the failure of each session.
        browsers: the browsers that the extension can be loaded into; none if it cannot be installed.
    """
    hidden = (place for place in places if place.outcome in HIDDEN_COOKIE_OUTCOMES)
    is_challenged = any(error_kind is ErrorKind.CHALLENGE for _, error_kind in failures)
    return any(place.session.browser in browsers for place in hidden) or (is_challenged and bool(browsers))


_ITEM = re.compile(r"( *(?:[0-9]+\. )?)(.*)")


def build_extension_page(text: str, width: int, height: int) -> list[Content]:
    """Return a text in lines of at most `width` cells, with the first one as heading; keep its indents."""
    first, *others = text.split("\n")
    lines = wrap_text(first, width - 2, HEADING)
    for line in others:
        if (item := _ITEM.fullmatch(line)) is not None:
            lines += hang_text(Content(item[1]), item[2], width - 2)
    return _indent_lines([*[Content("")] * (height >= ROOMY_FROM), *lines])


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
    ConnectScreen VerticalScroll { height: 1fr; scrollbar-gutter: stable; }
    ConnectScreen Static { width: 1fr; height: auto; }
    ConnectScreen #answer { padding: 0 1; }
    ConnectScreen SecretInput, ConnectScreen SecretInput:focus {
        height: 1;
        padding: 0 1;
        border: none;
        background: $surface;
        background-tint: $foreground 0%;
    }
    ConnectScreen SecretInput > .input--placeholder { color: $muted; }
    ConnectScreen SecretInput.-framed, ConnectScreen SecretInput.-framed:focus {
        height: 3;
        border: round $selected;
        border-title-color: $foreground;
        border-title-style: bold;
        background: $background;
    }
    """
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(key.build_binding() for key in CONNECT_KEYS if key.keys),
        Binding("escape", "screen.back", show=False),
    ]

    def __init__(self, view: View, extension_browsers: Collection[str] = ()) -> None:
        """Start with this view.

        Args:
            view: the state to show.
            extension_browsers: the browsers that the extension can be loaded into; none if it cannot be
                installed.
        """
        super().__init__(view)
        self._extension_browsers = extension_browsers
        self._extension_text = ""
        """Text of the page about the extension. Empty while the sessions are shown."""

    class ExtensionWanted(Message):
        """The user wants to read through the browser extension."""

    class Pasted(Message):
        """A Cookie header or a `sessionKey` was entered; its `repr` hides the text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self._text = text

        def take(self) -> str:
            """Return the entered text once; afterwards it is empty."""
            text, self._text = self._text, ""
            return text

    def compose(self) -> ComposeResult:
        """Create header, text, the field with the answer above it, and hints."""
        yield Header()
        with VerticalScroll():
            yield Static(id="text", markup=False)
        yield Static(id="answer", classes="-hidden", markup=False)
        field = SecretInput()
        field.add_class("-hidden")
        yield field
        yield KeyHints(())

    def watch_view(self) -> None:
        """Draw every second, because the header shows the time."""
        self._draw()

    def draw_view(self) -> None:
        """Draw header and text; a single line has the text only."""
        self.show_view(self.view)
        width, height = self.app.size
        for part in self.query("Header, KeyHints"):
            if part.display != (height > 1):  # setting it would lay out everything again
                part.display = height > 1
        # The last column is the scrollbar's; the footer says how to quit.
        build = self._build_extension_page if self._extension_text else self._build_connect_page
        text = Content("\n").join(build(width - 1, height))
        self.update_text(self.query_exactly_one("#text", Static), text)
        self._show_hints()

    def _build_connect_page(self, width: int, height: int) -> list[Content]:
        failures = list_session_failures(self.view.store)
        # A session that the user provided is in no browser that was scanned.
        places = self.view.store.scan_results or [
            ScanResult(session, kind.value, error_kind=kind) for session, kind in failures if session.browser
        ]
        case = describe_missing_session(failures, places, self.view.store.ignored_org_count)
        hidden = (_QUIT_KEY,) if self._offers_extension else (_QUIT_KEY, _EXTENSION_KEY)
        keys = [key for key in CONNECT_KEYS if key not in hidden]
        return build_connect_page(case, places, keys, width, height)

    def _build_extension_page(self, width: int, height: int) -> list[Content]:
        return build_extension_page(self._extension_text, width, height)

    @property
    def _offers_extension(self) -> bool:
        store = self.view.store
        return needs_extension(
            store.scan_results or (), list_session_failures(store), self._extension_browsers
        )

    def _show_hints(self) -> None:
        """Show the keys of what is open: the field, the page about the extension, or the sessions."""
        if not self.query_exactly_one(SecretInput).has_class("-hidden"):
            keys: Sequence[Key] = PASTE_KEYS
        elif self._extension_text:
            keys = EXTENSION_KEYS
        else:
            has_room = self.app.size.width >= EVERY_HINT_FROM
            hidden = _EXTENSION_KEY if not self._offers_extension else None if has_room else _DEMO_KEY
            keys = [key for key in CONNECT_KEYS if key is not hidden]
        self.query_exactly_one(KeyHints).show(keys)

    def action_extension(self) -> None:
        """Ask for the browser extension, if it helps, and show that the answer takes a moment."""
        if not self._offers_extension:
            self.notify(NOT_HELPFUL, markup=False)
        elif not self._extension_text:
            self.post_message(self.ExtensionWanted())
            self._show_page("Installing the browser extension …")

    def show_installed(self, text: str) -> None:
        """Show the result, unless the user has left the page."""
        if self._extension_text:
            self._show_page(text)

    def action_back(self) -> None:
        """Return from the page about the extension to the sessions."""
        self._show_page("")

    def _show_page(self, text: str) -> None:
        """Show a text about the extension, from its beginning; an empty one shows the sessions."""
        self._extension_text = text
        self.query_exactly_one(VerticalScroll).scroll_home(animate=False)
        self._draw()

    def on_connect_screen_pasted(self) -> None:
        """Show that the answer takes a moment."""
        self._show_answer("Checking with claude.ai …", MUTED)

    def show_outcome(self, offered: PasteResult) -> None:
        """Show the result for the entered session."""
        style = SEVERITY_STYLES[Severity.NORMAL] if offered.error_kind is None else WARNING_STYLE
        self._show_answer(describe_offered_session(offered), style)

    def action_paste(self) -> None:
        """Open the field for the session."""
        self._extension_text = ""
        field, tall = self.query_exactly_one(SecretInput), self.app.size.height >= TALL_FROM
        field.set_class(tall and not self.view.ascii, "-framed")
        field.remove_class("-hidden")
        field.focus()
        if tall:
            self._show_answer(PASTE_HELP, MUTED)
        self._draw()

    def action_give_up(self) -> None:
        """Close the field and clear it."""
        field = self.query_exactly_one(SecretInput)
        field.clear()
        field.add_class("-hidden")
        self.query_exactly_one("#answer").add_class("-hidden")
        self.query_exactly_one(VerticalScroll).focus()
        self._draw()

    def _show_answer(self, text: str, style: str) -> None:
        answer = self.query_exactly_one("#answer", Static)
        answer.remove_class("-hidden")
        self.update_text(answer, Content.styled(text, style))

"""The connect screen: the scanned places, the available actions, and a field that keeps its secret."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from rich.console import Console
from rich.traceback import Traceback
from textual.color import Color
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from claudemeter_tui import tui
from claudemeter_tui.formatting.extension import describe_install
from claudemeter_tui.formatting.problems import NOTHING_SCANNED
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.extension_setup import BrowserSetup, CopyState, ExtensionSetup, ManifestState
from claudemeter_tui.model.reading import (
    IGNORED_PLACE,
    ErrorKind,
    Failure,
    Reading,
    Reply,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.session_search import PasteResult, ScanOutcome
from claudemeter_tui.tui.app import Claudemeter, Options
from claudemeter_tui.tui.screens.connect import CONNECT_KEYS, ConnectScreen, SecretInput, needs_connect_screen
from tests.model.readings import folded
from tests.scenes import NOW
from tests.tui.app_harness import Stage, finish_workers, screen, text

PLANTED = "sk-ant-sid01-PLANTED-MARKER"
CHROME, NOBODY = Session("Chrome", "Default"), Session("")
PLACES = (
    ScanResult(CHROME, "not signed in", "claude.ai was visited, but no one is signed in"),
    ScanResult(
        Session("Chrome", "Work"), "could not decrypt", "the keyring gave no key that fits: look again"
    ),
    ScanResult(
        Session("Firefox", "default"), "session expired", "Sign in to claude.ai in Firefox (default)."
    ),
    ScanResult(Session("Firefox", "default-release, Work container"), "not signed in", "never visited"),
    ScanResult(Session("Claude Code"), "not signed in", "no login in the home folder's .claude: run claude"),
)
SIZES = [(120, 36), (60, 20), (40, 8)]


def failed(trouble: ErrorKind, session: Session = NOBODY) -> Reading:
    """Return a poll that a problem ended."""
    wait = timedelta(seconds=42)
    return Reading(session, NOW, Failure(trouble, Endpoint.ACCOUNT, NOW), schedule=Schedule(NOW + wait, wait))


def looked(*places: ScanResult) -> Reading:
    """Return scan results."""
    return Reading(Session(""), NOW, scan_results=places)


class Asked(Claudemeter):
    """The app with the connect screen over it, and its requests."""

    CSS_PATH = str(Path(tui.__file__).with_name("app.tcss"))

    def __init__(self, scene: Stage, *, ascii_only: bool = False, **options: Any) -> None:
        options |= {"ascii": ascii_only}
        super().__init__(scene, now=lambda: scene.now, options=Options(**options))
        self.scene = scene
        self.pasted: list[ConnectScreen.Pasted] = []
        self.demos = 0

    def on_connect_screen_pasted(self, message: ConnectScreen.Pasted) -> None:  # type: ignore[override]
        """Keep the message from the application."""
        message.prevent_default()
        self.pasted.append(message)

    def action_demo(self) -> None:
        """Count the request; the application would quit."""
        self.demos += 1


@contextlib.asynccontextmanager
async def shown(
    *places: ScanResult,
    size: tuple[int, int] = (120, 36),
    ascii_only: bool = False,
    error_kind: ErrorKind = ErrorKind.NO_SESSION,
    **options: Any,
) -> AsyncIterator[Pilot[Any]]:
    """Return the connect screen after these places were scanned."""
    scene = Stage((looked(*places), failed(error_kind)))
    async with Asked(scene, ascii_only=ascii_only, **options).run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


def connect(pilot: Pilot[Any]) -> ConnectScreen:
    """Return the screen itself."""
    assert isinstance(pilot.app.screen, ConnectScreen)
    return pilot.app.screen


def asked(pilot: Pilot[Any]) -> Asked:
    """Return the app below it."""
    assert isinstance(pilot.app, Asked)
    return pilot.app


GOOD = Reading(CHROME, NOW, Reply(Endpoint.ACCOUNT, NOW, Account("a")), (Org("o", "Personal"),))


IGNORED = GOOD._replace(orgs=(), ignored_orgs=frozenset({"o", "p"}))


async def test_settings_that_ignore_every_org_are_named() -> None:
    """The screen says so and what to do, at every size, and lists the working session without a warning."""
    place = ScanResult(CHROME, "session found", is_working=True)
    for size in SIZES:
        async with Asked(Stage((looked(place), IGNORED))).run_test(size=size) as pilot:
            await pilot.pause()
            assert connect(pilot)
            shown_words = " ".join(text(pilot).split())
            assert "The setting `ignore` covers all 2 orgs. Remove a name from it" in shown_words
            assert "▲" not in shown_words


async def test_one_line_shows_what_to_do() -> None:
    """A pane with one line shows the beginning of the cure; the other parts return with more lines."""
    async with shown(*PLACES, size=(120, 1)) as pilot:
        assert screen(pilot)[0].startswith(" No session works yet: sign in to claude.ai in a browser")
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert "claudemeter" in screen(pilot)[0]
        assert "q quit" in screen(pilot)[-1]


async def test_ignored_browsers_are_named() -> None:
    """If no other browser has a session, the ignored ones are listed, with the setting as the cure."""
    async with shown(ScanResult(CHROME, IGNORED_PLACE, "by the setting `ignore`")) as pilot:
        assert "No session in a browser that is not ignored" in text(pilot)
        assert "Chrome, Default  · ignored  by the setting `ignore`" in text(pilot)


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        (False, []),
        (True, [looked(*PLACES), IGNORED]),
        (False, [looked(*PLACES), IGNORED, GOOD]),
        (False, [looked(*PLACES)]),
        (True, [looked(*PLACES), failed(ErrorKind.NO_SESSION)]),
        (True, [failed(ErrorKind.NO_SESSION), looked()]),
        (False, [failed(ErrorKind.NO_SESSION)]),
        (True, [looked(*PLACES), failed(ErrorKind.EXPIRED, CHROME)]),
        (False, [looked(*PLACES), failed(ErrorKind.DNS, CHROME)]),
        (True, [looked(*PLACES), failed(ErrorKind.CHALLENGE, CHROME)]),
        (False, [looked(*PLACES), failed(ErrorKind.EXPIRED, CHROME), Reading(Session("Edge"), NOW)]),
        (False, [looked(*PLACES), GOOD, failed(ErrorKind.EXPIRED, CHROME)]),
        (False, [looked(*PLACES), failed(ErrorKind.NO_SESSION), GOOD]),
    ],
)
def test_screen_opens_if_the_user_has_to_act(expected: bool, readings: list[Reading]) -> None:  # noqa: FBT001 - a table
    """The screen opens once the scan is complete, no session works or may soon, and no figures are left."""
    assert expected is needs_connect_screen(folded(*readings))


@pytest.mark.parametrize("size", SIZES)
async def test_screen_fits_every_terminal(size: tuple[int, int]) -> None:
    """The cause, the first places and the keys fit; no word is cut, with the field open or not."""
    async with shown(*PLACES, size=size) as pilot:
        for keys in (" r retry  p paste  d demo  q quit", " Enter try it  Esc close"):
            lines = screen(pilot)
            assert "No session works yet" in text(pilot)
            assert "checks again in 42s" in lines[0]
            assert keys == lines[-1]
            assert "sign in to" in text(pilot)
            assert "Chrome, Default" in text(pilot)
            assert "…" not in text(pilot)
            assert any(line.rstrip(" ▁▂▃▄▅▆▇█│").endswith("not signed in") for line in lines) or size[0] > 90
            await pilot.press("p")
            await pilot.pause()


@pytest.mark.parametrize("size", [(120, 36), (60, 36), (50, 40)])
async def test_screen_explains_each_place(size: tuple[int, int]) -> None:
    """Every place has its outcome, a mark if something is wrong, and a sentence."""
    async with shown(*PLACES, size=size) as pilot:
        words = " ".join(text(pilot).replace("│", " ").split())
        for place in PLACES:
            mark = "·" if place.outcome == "not signed in" else "▲"
            assert f"{place.session.label} {mark} {place.outcome}" in words
            assert place.detail in words


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("given", "cure"),
    [
        (
            "CLAUDEMETER_COOKIE",
            "CLAUDEMETER_COOKIE is set, so no browser is read, and its session has expired",
        ),
        ("cookie file", "A cookie file is set, so no browser is read, and its session has expired"),
    ],
)
async def test_screen_explains_an_expired_session_of_the_user(
    given: str, cure: str, size: tuple[int, int]
) -> None:
    """No browser is read then, so signing in to one would not help."""
    scene = Stage((looked(), failed(ErrorKind.EXPIRED, Session(given))))
    async with Asked(scene).run_test(size=size) as pilot:
        await pilot.pause()
        words = " ".join(text(pilot).replace("│", " ").split())
        assert cure in words
        assert "sign in to claude.ai" not in words
        assert "No browser was scanned" not in words
        assert (
            size[1] < 20 or f"r try the session of {'the ' * (given == 'cookie file')}{given} again" in words
        )


async def test_screen_without_any_browser_lists_the_searched_places() -> None:
    """The lack of a browser is no error, and has no mark."""
    none = ScanResult(Session("Browsers"), "none found", "looked for Chrome in the home folder's .config")
    async with shown(none) as pilot:
        assert "No claude.ai session found" in text(pilot)
        assert f"· none found  {none.detail}" in text(pilot)


async def test_screen_without_any_place_says_so() -> None:
    """Without a place there is no empty table."""
    async with shown() as pilot:
        assert NOTHING_SCANNED in text(pilot)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20)])
async def test_screen_shows_the_actions_first(size: tuple[int, int]) -> None:
    """With any number of profiles the actions need no scrolling, and no line is broken."""
    many = [ScanResult(Session("Chrome", f"Profile {number}"), "not signed in") for number in range(50)]
    async with shown(*many, size=size) as pilot:
        for key in CONNECT_KEYS[:-1]:
            assert (key.action != "screen.extension") is (f"{key.display}  {key.purpose}" in text(pilot))


@pytest.mark.parametrize(("size", "expected"), [((120, 36), True), ((60, 20), True), ((40, 8), False)])
async def test_field_explains_where_the_cookie_is(size: tuple[int, int], expected: bool) -> None:  # noqa: FBT001 - a table
    """If there is room, the way through the browser's tools is shown until the field is closed."""
    async with shown(*PLACES, size=size) as pilot:
        await pilot.press("p")
        await pilot.pause()
        assert expected is ("press F12" in text(pilot))
        await pilot.press("escape")
        await pilot.pause()
        assert "press F12" not in text(pilot)
        assert screen(pilot)[-1] == " r retry  p paste  d demo  q quit"


async def test_text_of_the_empty_field_is_as_readable_as_any_other() -> None:
    """It has the colour of muted text, whose contrast is tested, instead of Textual's weaker one."""
    async with shown(*PLACES, size=(120, 36)) as pilot:
        await pilot.press("p")
        await pilot.pause()
        field = pilot.app.screen.query_exactly_one(SecretInput)
        muted = Color.parse(pilot.app.theme_variables["muted"])
        assert muted == field.get_component_styles("input--placeholder").color


@pytest.mark.parametrize("size", SIZES)
async def test_screen_in_ascii_has_no_other_character(size: tuple[int, int]) -> None:
    """Frames, marks and the field are drawn in ASCII."""
    async with shown(*PLACES, size=size, ascii_only=True) as pilot:
        await pilot.press("p")
        await pilot.pause()
        words = text(pilot).translate(dict.fromkeys(map(ord, "▁▂▃▄▅▆▇█")))
        assert words.isascii()


INSTALLED = describe_install(
    ExtensionSetup(
        Path(),
        CopyState.CURRENT,
        "1",
        (
            BrowserSetup("Chrome", "Chrome", "", "chrome://extensions", ManifestState.INSTALLED),
            BrowserSetup("Chromium", "Chromium", "snap", "chrome://extensions", ManifestState.UNSUPPORTED),
        ),
    ),
    "~/.local/share/claudemeter-tui/browser-extension",
)
LOCKED = ScanResult(Session("Chrome", "Work"), "could not decrypt", "no matching key in the keyring")
EXTENSION_SIZES = [(120, 36), (80, 24), (60, 20), (40, 8), (120, 1)]


def can_install(text: str = INSTALLED) -> dict[str, Any]:
    """Return the options of an app that can install the browser extension with this result."""
    return {"list_extension_browsers": lambda: {"Chrome", "Edge"}, "install_extension": lambda: text}


async def wait_for_layout(pilot: Pilot[Any]) -> None:
    """Wait until the text and the scrollbar that it may need are on screen."""
    before: list[str] = []
    while (seen := screen(pilot)) != before:
        before = seen
        await pilot.pause()
        for _ in range(3):
            is_drawn = asyncio.Event()
            pilot.app.screen.call_after_refresh(is_drawn.set)
            await is_drawn.wait()


async def open_extension(pilot: Pilot[Any]) -> None:
    """Press `x`, and wait until the result is on screen."""
    await pilot.press("x")
    await finish_workers(pilot.app)
    await wait_for_layout(pilot)


@pytest.mark.parametrize(
    ("expected", "browser", "outcome", "error_kind"),
    [
        *(
            (
                outcome.value in ("could not decrypt", "not supported", "locked", "not readable"),
                "Chrome",
                outcome.value,
                ErrorKind.NO_SESSION,
            )
            for outcome in ScanOutcome
        ),
        (False, "Firefox", "could not decrypt", ErrorKind.NO_SESSION),
        (False, "Chrome", IGNORED_PLACE, ErrorKind.NO_SESSION),
        (True, "Firefox", "not signed in", ErrorKind.CHALLENGE),
    ],
)
async def test_extension_is_offered_if_it_helps(
    expected: bool,  # noqa: FBT001 - a table
    browser: str,
    outcome: str,
    error_kind: ErrorKind,
) -> None:
    """It is offered if a Chromium-based browser's cookies cannot be read, or if Cloudflare challenges."""
    place = ScanResult(Session(browser, "Default"), outcome)
    async with shown(place, error_kind=error_kind, **can_install()) as pilot:
        assert expected is ("x  read through a browser extension" in text(pilot))
        assert expected is ("x extension" in screen(pilot)[-1])
        await open_extension(pilot)
        assert expected is ("The extension is ready." in text(pilot))


async def test_extension_is_not_offered_where_it_cannot_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the function, as in the demo, the key is not shown, and only says that it cannot help."""
    async with shown(LOCKED) as pilot:
        said: list[str] = []
        monkeypatch.setattr(ConnectScreen, "notify", lambda _screen, message, **_: said.append(message))
        await wait_for_layout(pilot)
        before = screen(pilot)
        assert "extension" not in text(pilot)
        await pilot.press("x", "escape")
        await wait_for_layout(pilot)
        assert screen(pilot) == before
        assert said == ["The browser extension would not help here."]


@pytest.mark.parametrize("size", EXTENSION_SIZES)
async def test_extension_page_can_be_read_at_every_size(size: tuple[int, int]) -> None:
    """Each word of the result can be scrolled to, the keys are shown, and Escape returns."""
    async with shown(LOCKED, *PLACES, size=size, **can_install()) as pilot:
        await wait_for_layout(pilot)
        before = screen(pilot)
        hints = " r retry  x extension  p paste  d demo  q quit"
        assert size[1] == 1 or before[-1] == (hints if size[0] > 40 else hints.replace("  d demo", ""))
        await open_extension(pilot)
        assert size[1] == 1 or screen(pilot)[-1] == " Esc back  ↑↓ scroll  q quit"
        seen = text(pilot)
        assert "The extension is ready." in seen
        scroll = connect(pilot).query_exactly_one(VerticalScroll)
        while scroll.scroll_y < scroll.max_scroll_y:
            await pilot.press("down")
            await pilot.wait_for_animation()
            seen += text(pilot)
        missing = [word for word in INSTALLED.split() if word not in seen and len(word) < size[0] - 4]
        assert missing == []
        await pilot.press("escape")
        await wait_for_layout(pilot)
        assert screen(pilot) == before


async def test_extension_page_is_ascii_on_request() -> None:
    """Without UTF-8 the page has ASCII characters only."""
    async with shown(LOCKED, ascii_only=True, **can_install()) as pilot:
        await open_extension(pilot)
        assert "The extension is ready." in text(pilot)
        assert text(pilot).translate(dict.fromkeys(map(ord, "▁▂▃▄▅▆▇█"))).isascii()


async def test_late_answer_does_not_return_to_the_page() -> None:
    """The sessions stay on screen if the user returns to them before the installation ends."""
    proceed = threading.Event()

    def install() -> str:
        proceed.wait(10)
        return INSTALLED

    options = can_install() | {"install_extension": install}
    async with shown(LOCKED, **options) as pilot:
        await wait_for_layout(pilot)
        before = screen(pilot)
        await pilot.press("x")
        await pilot.pause()
        assert "Installing the browser extension" in text(pilot)
        await pilot.press("escape")
        proceed.set()
        await finish_workers(pilot.app)
        await wait_for_layout(pilot)
        assert screen(pilot) == before


async def test_pasting_leaves_the_extension_page() -> None:
    """`p` opens the field with the sessions above it."""
    async with shown(LOCKED, **can_install()) as pilot:
        await open_extension(pilot)
        await pilot.press("p")
        await pilot.pause()
        assert "Places checked" in text(pilot)
        assert screen(pilot)[-1] == " Enter try it  Esc close"


async def test_screen_follows_the_store() -> None:
    """New scan results replace the table."""
    async with shown(*PLACES[:1]) as pilot:
        await asked(pilot).scene.post(pilot, looked(*PLACES))
        assert "Firefox, default" in text(pilot)


async def test_demo_can_be_requested() -> None:
    """`d` sends the request to the application."""
    async with shown(*PLACES) as pilot:
        await pilot.press("d")
        await pilot.pause()
        assert asked(pilot).demos == 1


async def test_pasted_text_is_sent_once() -> None:
    """Enter sends the text, empties the field and shows the check; then the result is shown."""
    async with shown(*PLACES) as pilot:
        await pilot.press("p", *"drq", "enter")
        await pilot.pause()
        (message,) = asked(pilot).pasted
        assert (message.take(), message.take()) == ("drq", "")
        assert connect(pilot).query_exactly_one(SecretInput).value == ""
        assert asked(pilot).demos == 0
        assert "Checking with claude.ai" in text(pilot)
        connect(pilot).show_outcome(PasteResult(Account("a", "pat@example.com"), 2))
        await pilot.pause()
        assert "Signed in as pat@example.com." in text(pilot)


async def test_enter_in_the_empty_field_does_nothing() -> None:
    """Enter in the empty field sends no message."""
    async with shown(*PLACES) as pilot:
        await pilot.press("p", "enter")
        await pilot.pause()
        assert asked(pilot).pasted == []


async def test_escape_discards_the_text() -> None:
    """The field is closed and empty, and keys are commands again."""
    async with shown(*PLACES) as pilot:
        await pilot.press("p", *"abc", "escape", "d")
        await pilot.pause()
        field = connect(pilot).query_exactly_one(SecretInput)
        assert (field.value, field.display) == ("", False)
        assert asked(pilot).demos == 1


async def test_field_shows_nothing_of_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    """The secret is in no screen, picture, log or message, and in no traceback with all variables."""
    caplog.set_level(logging.DEBUG)
    async with shown(*PLACES) as pilot:
        await pilot.press("p")
        connect(pilot).query_exactly_one(SecretInput).insert_text_at_cursor(PLANTED)
        await pilot.pause()
        seen = (
            text(pilot) + pilot.app.export_screenshot() + repr(connect(pilot).query_exactly_one(SecretInput))
        )
        assert "•••" in seen
        await pilot.press("enter")
        await pilot.pause()
        (message,) = asked(pilot).pasted
        seen += repr(message) + str(message) + text(pilot) + pilot.app.export_screenshot() + caplog.text
        page = io.StringIO()
        try:
            _fail(message)
        except ZeroDivisionError as error:
            trace = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
            trace.trace.stacks[0].frames.pop(0)  # The test's own frame.
            Console(file=page, width=300).print(trace)
        assert "message" in page.getvalue()
        assert PLANTED not in seen + page.getvalue()
        assert message.take() == PLANTED


def _fail(message: ConnectScreen.Pasted) -> NoReturn:
    """Raise an unexpected exception with the message among the locals."""
    raise ZeroDivisionError(type(message).__name__)

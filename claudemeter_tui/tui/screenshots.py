"""Take, confirm and save screenshots with or without personal data."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from claudemeter_tui.feed import Feed
from claudemeter_tui.formatting.org_choice import OrgChoiceError
from claudemeter_tui.formatting.values import to_local
from claudemeter_tui.interruption import InterruptDelay
from claudemeter_tui.model.day import Today
from claudemeter_tui.model.past import PastFigures
from claudemeter_tui.model.problems import ProblemCause
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.privacy import bug_report
from claudemeter_tui.privacy.archive_rows import RowRedactor
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.storage import make_readable
from claudemeter_tui.tui.closing import ClosesOnlyItself
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.screens.base import ViewScreen
from claudemeter_tui.tui.theme import DASHBOARD_THEMES
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.key_hints import KeyHints

if TYPE_CHECKING:  # the app imports this module
    from claudemeter_tui.tui.app import Claudemeter

SCREENSHOT_TITLE = "claudemeter-tui"
"""Title in the picture's frame."""
NO_PNG_MESSAGE = (
    "a PNG needs one more library: run pip install resvg-py in this program's environment,"
    " or use a name that ends in .svg"
)
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
"""Minimum lines of the terminal for the reason and a frame."""

_MAX_NAMES = 1_000
"""Maximum number of screenshots in the same second."""
_OVERLAYS = "ToastRack, Tooltip, InlineToast"
"""Classes of temporary widgets over a screen."""
PNG_FONT = "DejaVu Sans Mono"
"""Font of a PNG if Fira Code is not installed."""
_PNG_FONTS = {"darwin": "Menlo", "win32": "Consolas"}
"""Fonts of systems that lack `PNG_FONT`."""

_WEB_FONT = re.compile(r",?\s*url\([^)]*\)(?:\s*format\([^)]*\))?")
_FONT_FACE = re.compile(r"@font-face\s*\{[^{}]*\}")


class ScreenshotError(Exception):
    """Raised if a screenshot cannot be made or saved; the text explains why to the user."""


def redact_view(view: View, redaction: RowRedactor) -> View:
    """Return the view without personal data; a private view stays unchanged."""
    store = redaction.redact_store(view.store)
    if store is view.store:
        return view
    key = redaction.redact_key(view.key) if view.key else None
    past = view.past_figures
    figures = past and redaction.redact_once(past, partial(redact_past_figures, redaction=redaction))
    machine = view.machine and redaction.redact_once(view.machine, redaction.redact_machine)
    today = view.today and redaction.redact_once(view.today, partial(redact_today, redaction=redaction))
    return replace(
        view,
        store=store,
        key=key,
        events=redaction.redact_events(view.events),
        earlier_events=redaction.redact_events(view.earlier_events),
        dismissed=frozenset(redact_cause(cause, redaction) for cause in view.dismissed),
        past_figures=figures,
        today=today,
        machine=machine,
        transcript_folders=(),
    )


def redact_cause(cause: ProblemCause, redaction: RowRedactor) -> ProblemCause:
    """Return the cause of a problem with a pseudonym for its session."""
    return cause._replace(session=cause.session and redaction.redact_session(cause.session))


def redact_today(today: Today, redaction: RowRedactor) -> Today:
    """Return the figures of the day under the redacted keys of their orgs."""
    return replace(today, series={redaction.redact_key(key): one for key, one in today.series.items()})


def redact_past_figures(figures: PastFigures, redaction: RowRedactor) -> PastFigures:
    """Return the figures of a past moment without personal data."""
    rows = tuple(redaction.redact_row(row) for row in figures.rows)
    owner = redaction.redact_owner(figures.owner)
    return figures._replace(key=redaction.redact_key(figures.key), owner=owner, rows=rows)


def export_svg(app: App[Any], redaction: RowRedactor | None = None) -> str:
    """Return the app's screen as an SVG without toasts; with a redaction also without personal data.

    The terminal shows none of the changes, and all of them are undone on return. Therefore nothing is awaited
    here, and the screens draw in the watcher of `view`.
    """
    with app.batch_update(), _prepare_screens(app, redaction):
        return remove_web_fonts(app.export_screenshot(title=SCREENSHOT_TITLE, simplify=True))


def remove_web_fonts(picture: str) -> str:
    """Return the picture without web fonts; the names of installed fonts stay."""
    style, end, rest = picture.partition("</style>")
    return _FONT_FACE.sub(lambda face: _WEB_FONT.sub("", face[0]), style) + end + rest


def render_png(picture: str) -> bytes:
    """Return the SVG as a PNG.

    Raises:
        ScreenshotError: if the library is not installed or rejects the picture.
    """
    try:
        import resvg_py  # noqa: PLC0415 - optional and slow to load
    except ImportError:
        raise ScreenshotError(NO_PNG_MESSAGE) from None
    font = _PNG_FONTS.get(sys.platform, PNG_FONT)
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=picture, monospace_family=font))
    except ValueError as error:
        raise ScreenshotError(f"cannot draw the PNG: {error}") from None


def save_screenshot(
    folder: Path, moment: datetime, picture: str, report: str = "", zone: tzinfo | None = None
) -> Path:
    """Save a picture and a report under a new dated name, and return the picture's path.

    Args:
        folder: Folder to save in; it must exist.
        moment: Moment of the picture; the name contains it as local time.
        picture: An SVG.
        report: JSON. Empty to save none.
        zone: Time zone of the name. None for the system's zone.

    Raises:
        ScreenshotError: if it cannot be saved; then no file is left.
    """
    name = f"claudemeter-{to_local(moment, zone):%Y-%m-%d-%H%M%S}"
    contents = {".svg": picture} | ({".json": report} if report else {})
    with _translate_errors(folder):
        if not folder.is_dir():
            raise ScreenshotError(f"there is no folder {str(folder)!r}")
        with InterruptDelay(), contextlib.ExitStack() as undone:
            # A name from a reply may hold a lone surrogate, which UTF-8 cannot encode: hence "replace".
            drafts = {
                suffix: _write_draft(folder, text.encode("utf-8", "replace"), undone)
                for suffix, text in contents.items()
            }
            stem = _reserve_stem(folder, name, tuple(contents), undone)
            for suffix, draft in drafts.items():
                draft.replace(folder / f"{stem}{suffix}")
            undone.pop_all()
    return folder / f"{stem}.svg"


def write_screenshot(path: Path, picture: str) -> None:
    """Save a picture under this name and replace any file there: PNG if the name ends in .png, else SVG.

    Raises:
        ScreenshotError: if it cannot be saved; an existing file stays unchanged.
    """
    content = render_png(picture) if path.suffix.lower() == ".png" else picture.encode("utf-8", "replace")
    with _translate_errors(path), InterruptDelay(), contextlib.ExitStack() as undone:
        _write_draft(path.parent, content, undone).replace(path)
        undone.pop_all()


@contextlib.contextmanager
def _prepare_screens(app: App[Any], redaction: RowRedactor | None) -> Iterator[None]:
    """Hide toasts, tooltips and, with a redaction, personal data; undo everything afterwards."""
    screens = list(app.screen_stack)
    parts = [part for screen in screens for part in screen.query("*").results(Widget)]
    scrolled = [(part, part.scroll_offset) for part in parts if part.scroll_offset]
    overlays = [part for screen in screens for part in screen.query(_OVERLAYS).results(Widget)]
    overlays = [part for part in overlays if part.display]
    views = {one: one.view for one in screens if redaction and isinstance(one, ViewScreen)}
    typed = [(part, part.value) for part in parts if redaction and isinstance(part, Input)]
    try:
        for part in overlays:
            part.display = False
        _set_inputs((part, "") for part, _ in typed)
        _set_views({one: redact_view(view, redaction) for one, view in views.items() if redaction})
        _lay_out_screens(screens)
        yield
    finally:
        _set_inputs(typed)
        _set_views(views)
        for part in overlays:
            part.display = True
    _lay_out_screens(screens)
    for part, place in scrolled:
        part.scroll_to(*place, animate=False, force=True, immediate=True)
    app.screen.refresh()  # Textual dropped its pending repaints while it took the picture


def _set_views(views: Mapping[ViewScreen, View]) -> None:
    for screen, view in views.items():
        screen.view = view


def _set_inputs(typed: Iterable[tuple[Input, str]]) -> None:
    """Set the text of fields without sending messages."""
    for part, words in typed:
        with part.prevent(Input.Changed):
            part.value = words


def _lay_out_screens(screens: Sequence[Screen[Any]]) -> None:
    """Lay out every widget now, as Textual does when idle; no public method does it."""
    for screen in (*screens, *screens):  # the first pass decides which scroll bars are shown
        for part in screen.walk_children(Widget, with_self=True):
            part._clear_arrangement_cache()  # noqa: SLF001
            part._layout_updates += 1  # noqa: SLF001
        screen._refresh_layout()  # noqa: SLF001


@contextlib.contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Translate an error of a file into a `ScreenshotError`."""
    try:
        yield
    except OSError as error:
        raise ScreenshotError(f"{str(path)!r}: {(error.strerror or 'cannot be written').lower()}") from None


def _write_draft(folder: Path, content: bytes, undone: contextlib.ExitStack) -> Path:
    """Write the content to a temporary file that only the user can read; remove it on an error."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".claudemeter-")
    draft = Path(name)
    undone.callback(draft.unlink, missing_ok=True)
    make_readable(handle)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return draft


def _reserve_stem(folder: Path, name: str, suffixes: Iterable[str], undone: contextlib.ExitStack) -> str:
    """Reserve an unused stem by creating empty files: `name`, `name-2`, and so on."""
    for stem in (name, *(f"{name}-{turn}" for turn in range(2, _MAX_NAMES))):
        with contextlib.ExitStack() as taken, contextlib.suppress(FileExistsError):
            for suffix in suffixes:
                path = folder / f"{stem}{suffix}"
                path.touch(mode=0o600, exist_ok=False)
                taken.callback(path.unlink, missing_ok=True)
            undone.enter_context(taken.pop_all())
            return stem
    raise FileExistsError(errno.EEXIST, "too many screenshots in the same second")


class ConfirmScreen(ClosesOnlyItself, ModalScreen[bool]):
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


def save_private_screenshot(app: Claudemeter, redaction: RowRedactor) -> None:
    """Save a screenshot and a report, both without personal data."""
    picture = export_svg(app, redaction)
    past = app.find_shown_past()
    figures = past.figures if past is not None else None
    redacted_figures = redact_past_figures(figures, redaction) if figures is not None else None
    report = bug_report.build_report(
        past.store if past is not None else app.store,
        past.at if past is not None else app.now,
        redaction,
        past_figures=redacted_figures,
        size=(app.size.width, app.size.height),
        terminal=os.environ,
        settings={key: one.value for key, one in app.options.resolved.items()},
        choices={key: one.setting.choices for key, one in app.options.resolved.items()},
        versions=bug_report.collect_versions(),
        events=past.events if past is not None else app.list_events(),
    )
    _save_and_notify(app, picture, report)


def save_visible_screenshot(app: Claudemeter) -> None:
    """Save the screen as shown, after a confirmation."""
    picture = export_svg(app)
    app.push_screen(
        ConfirmScreen(private=app.private, ascii_only=app.options.ascii),
        lambda yes: _save_and_notify(app, picture) if yes else None,
    )


def _save_and_notify(app: Claudemeter, picture: str, report: str = "") -> None:
    options = app.options
    try:
        path = save_screenshot(options.pictures, app.now, picture, report, options.zone)
    except ScreenshotError as error:
        app.notify(f"Not saved: {error}", severity="error", markup=False)
        return
    app.copy_to_clipboard(str(path))
    shown = str(path) if app.has_toasts and not app.private else path.name
    beside = f" and {path.with_suffix('.json').name}" if report else ""
    app.show_message(f"Saved, path copied: {shown}{beside}")


class LimitedFeed:
    """A feed that ends after a number of polls."""

    def __init__(self, feed: Feed, polls: int) -> None:
        """Pass on the readings of the first `polls` polls of `feed`."""
        self._feed = feed
        self._polls_left = polls
        self.finished = asyncio.Event()
        """Set when the last poll is complete."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until the last poll is over."""

        def count(reading: Reading) -> None:
            post(reading)
            self._polls_left -= reading.schedule is not None
            if self._polls_left == 0:
                running.cancel()

        if self._polls_left == 1:
            await self._feed.poll_once(post)
            self.finished.set()
            return
        running = asyncio.create_task(self._feed.run(count))
        with contextlib.suppress(asyncio.CancelledError):
            await running
        self.finished.set()

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Run the feed; it ends by itself."""
        await self.run(post)

    def poll_now(self) -> None:
        """Do nothing, because no user asks for a poll."""


def capture_svg(
    build_app: Callable[[Feed], Claudemeter], feed: Feed, polls: int, *, size: tuple[int, int]
) -> str:
    """Return the dashboard as an SVG of the given size, after a number of polls of a feed.

    Raises:
        SettingsError: the org of `--org` does not exist.
    """

    async def take() -> str:
        from claudemeter_tui.tui.app import ARCHIVE_WORKERS  # noqa: PLC0415 - the app imports this module

        rehearsal = LimitedFeed(feed, polls)
        app = build_app(rehearsal)
        for theme in DASHBOARD_THEMES:  # a picture has all colours, even if the terminal does not
            app.register_theme(theme)
        pictures: list[str] = []
        faults: list[OrgChoiceError | None] = []

        async def look(pilot: Pilot[object]) -> None:
            await rehearsal.finished.wait()
            await pilot.pause()
            faults.append(app.finish_first_selection())
            await pilot.pause()
            for worker in [one for one in app.workers if one.group == ARCHIVE_WORKERS]:
                await worker.wait()
            await pilot.pause()
            pictures.append(export_svg(app))
            app.exit()

        await app.run_async(headless=True, size=size, auto_pilot=look)
        if faults[0] is not None:
            raise SettingsError(f"--org: {faults[0]}")
        return pictures[0]

    return asyncio.run(take())

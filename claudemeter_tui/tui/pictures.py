"""Pictures for a bug report: what is on screen, with or without what is personal, and how it is saved."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from claudemeter_tui.text import format as form
from claudemeter_tui.text.redact import Redaction
from claudemeter_tui.tui.view import View

TITLE = "claudemeter-tui"
"""Stands in the picture's frame."""
NO_PNG = (
    "a PNG needs one more library: pip install resvg-py into the environment of this program,"
    " or give a name that ends in .svg"
)
_MOST_TRIES = 1_000
"""Pictures of one second that get a name of their own."""
_OVERLAYS = "ToastRack, Tooltip, Remark"
"""What lies over a screen for a moment only, by its class."""
MONOSPACE = "DejaVu Sans Mono"
"""The font of a PNG where Fira Code is not installed."""
_MONOSPACE = {"darwin": "Menlo", "win32": "Consolas"}
"""The same on systems that come without that one."""

_WEB_FONT = re.compile(r",?\s*url\([^)]*\)(?:\s*format\([^)]*\))?")
_FONT_FACE = re.compile(r"@font-face\s*\{[^{}]*\}")


class PictureError(Exception):
    """A picture that could not be made or saved. Its text says why, for people."""


def private_view(view: View, redaction: Redaction) -> View:
    """The same view without anything personal; one that is so already stays as it is."""
    store = redaction.store(view.store)
    if store is view.store:
        return view
    key = redaction.key(view.key) if view.key else None
    return replace(view, store=store, key=key, events=redaction.events(view.events))


def svg(app: App[Any], redaction: Redaction | None = None) -> str:
    """What the app shows, without toasts; with a redaction also without anything personal.

    Nothing of it reaches the terminal, and everything is as it was when it returns: nothing may be
    awaited here, and the screens draw in the watcher of their `view`.
    """
    with app.batch_update(), _posed(app, redaction):
        return clean_svg(app.export_screenshot(title=TITLE, simplify=True))


def clean_svg(picture: str) -> str:
    """The picture without the fonts that it would load from the web; installed ones stay named."""
    style, end, rest = picture.partition("</style>")
    return _FONT_FACE.sub(lambda face: _WEB_FONT.sub("", face[0]), style) + end + rest


def png(picture: str) -> bytes:
    """The SVG as a PNG.

    Raises:
        PictureError: the library for it is not installed, or does not take the picture.
    """
    try:
        draw = import_module("resvg_py").svg_to_bytes  # an extra, and slow to load
    except ImportError:
        raise PictureError(NO_PNG) from None
    try:
        return bytes(draw(svg_string=picture, monospace_family=_MONOSPACE.get(sys.platform, MONOSPACE)))
    except ValueError as error:
        raise PictureError(f"the PNG could not be drawn: {error}") from None


def save(folder: Path, moment: datetime, picture: str, report: str = "", zone: tzinfo | None = None) -> Path:
    """Save a picture, and a report beside it, under a dated name that is new; gives the picture's path.

    Args:
        folder: Where to; it has to be there.
        moment: The moment of the picture, in the name as local time.
        picture: An SVG.
        report: JSON. Empty: none is saved.
        zone: The time zone of the name. None: the system's.

    Raises:
        PictureError: it cannot be saved; then nothing is.
    """
    name = f"claudemeter-{form.local(moment, zone):%Y-%m-%d-%H%M%S}"
    contents = {".svg": picture} | ({".json": report} if report else {})
    with _told(folder):
        if not folder.is_dir():
            raise PictureError(f"there is no folder {str(folder)!r}")
        with contextlib.ExitStack() as undone:
            drafts = {
                suffix: _draft(folder, text.encode("utf-8", "replace"), undone)
                for suffix, text in contents.items()
            }
            stem = _reserved(folder, name, tuple(contents), undone)
            for suffix, draft in drafts.items():
                draft.replace(folder / f"{stem}{suffix}")
            undone.pop_all()
    return folder / f"{stem}.svg"


def save_as(path: Path, picture: str) -> None:
    """Save a picture under this very name, over what is there: a PNG where the name says so, else the SVG.

    Raises:
        PictureError: it cannot be saved; what was there before is still there.
    """
    content = png(picture) if path.suffix.lower() == ".png" else picture.encode("utf-8", "replace")
    with _told(path), contextlib.ExitStack() as undone:
        _draft(path.parent, content, undone).replace(path)
        undone.pop_all()


@contextlib.contextmanager
def _posed(app: App[Any], redaction: Redaction | None) -> Iterator[None]:
    """Every screen as it is to be seen in the picture, and then as it was."""
    screens = list(app.screen_stack)
    parts = [part for screen in screens for part in screen.query("*").results(Widget)]
    scrolled = [(part, part.scroll_offset) for part in parts if part.scroll_offset]
    with _without_overlays(screens), _private(screens, redaction) if redaction else contextlib.nullcontext():
        _lay_out(screens)
        yield
    _lay_out(screens)
    for part, place in scrolled:
        part.scroll_to(*place, animate=False, force=True, immediate=True)
    app.screen.refresh()  # taking the picture made Textual forget what was still to be painted


@contextlib.contextmanager
def _without_overlays(screens: Iterable[Screen[Any]]) -> Iterator[None]:
    """Nothing lies over the screens."""
    shown = [part for screen in screens for part in screen.query(_OVERLAYS).results(Widget) if part.display]
    for part in shown:
        part.display = False
    try:
        yield
    finally:
        for part in shown:
            part.display = True


@contextlib.contextmanager
def _private(screens: Iterable[Screen[Any]], redaction: Redaction) -> Iterator[None]:
    """Every view is private, and what was typed is not there."""
    views = {screen: view for screen in screens if isinstance(view := getattr(screen, "view", None), View)}
    typed = [(part, part.value) for screen in screens for part in screen.query(Input)]
    try:
        _type((part, "") for part, _ in typed)
        _put({screen: private_view(view, redaction) for screen, view in views.items()})
        yield
    finally:
        _type(typed)
        _put(views)


def _put(views: Mapping[Screen[Any], View]) -> None:
    for screen, view in views.items():
        setattr(screen, "view", view)  # noqa: B010 - dashboard and pages have it, their common class has not


def _type(typed: Iterable[tuple[Input, str]]) -> None:
    """Put words into fields, without anybody acting on them."""
    for part, words in typed:
        with part.prevent(Input.Changed):
            part.value = words


def _lay_out(screens: Sequence[Screen[Any]]) -> None:
    """Give every part its place now, by what Textual does in its next idle moment: nothing public does."""
    for screen in (*screens, *screens):  # the first time tells which scroll bars there are
        for part in screen.walk_children(Widget, with_self=True):
            part._clear_arrangement_cache()  # noqa: SLF001
            part._layout_updates += 1  # noqa: SLF001
        screen._refresh_layout()  # noqa: SLF001


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in words why a file could not be written."""
    try:
        yield
    except OSError as error:
        raise PictureError(f"{str(path)!r}: {(error.strerror or 'it cannot be written').lower()}") from None


def _draft(folder: Path, content: bytes, undone: contextlib.ExitStack) -> Path:
    """A file of its own with the content, for nobody else to read; gone if anything goes wrong."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".claudemeter-")
    draft = Path(name)
    undone.callback(_remove, draft)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return draft


def _reserved(folder: Path, name: str, suffixes: Iterable[str], undone: contextlib.ExitStack) -> str:
    """A stem under which there is no file yet, taken with empty ones: `name`, `name-2`, and on."""
    for stem in (name, *(f"{name}-{turn}" for turn in range(2, _MOST_TRIES))):
        with contextlib.ExitStack() as taken, contextlib.suppress(FileExistsError):
            for suffix in suffixes:
                path = folder / f"{stem}{suffix}"
                path.touch(mode=0o600, exist_ok=False)
                taken.callback(_remove, path)
            undone.enter_context(taken.pop_all())
            return stem
    raise FileExistsError(errno.EEXIST, "there are too many pictures of this second")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()

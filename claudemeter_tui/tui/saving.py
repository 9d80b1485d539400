"""Saving a picture of the dashboard, and the report beside it."""

from __future__ import annotations

import os

from claudemeter_tui.text import bug_report
from claudemeter_tui.text.redact import Redaction
from claudemeter_tui.tui import pictures
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.confirm import Confirm


def save_private(app: Claudemeter, redaction: Redaction) -> None:
    """Save a picture for a bug report and the report beside it, both without anything personal."""
    _save(app, pictures.svg(app, redaction), _report(app, redaction))


def save_seen(app: Claudemeter) -> None:
    """Save what is seen, after asking."""
    picture = pictures.svg(app)
    app.push_screen(
        Confirm(private=app.private, ascii_only=app.options.ascii),
        lambda yes: _save(app, picture) if yes else None,
    )


def _save(app: Claudemeter, picture: str, report: str = "") -> None:
    options = app.options
    try:
        path = pictures.save(options.pictures, app.now, picture, report, options.zone)
    except pictures.PictureError as error:
        app.notify(f"Not saved: {error}", severity="error", markup=False)
        return
    app.copy_to_clipboard(str(path))
    shown = str(path) if app.has_toasts and not app.private else path.name
    app.say(f"Saved; the path is on the clipboard: {shown}")


def _report(app: Claudemeter, redaction: Redaction) -> str:
    return bug_report.document(
        app.store,
        app.now,
        redaction,
        size=(app.size.width, app.size.height),
        terminal=os.environ,
        settings=app.options.settings,
        versions=bug_report.versions(),
    )

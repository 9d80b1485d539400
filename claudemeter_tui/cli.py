"""Arguments and wiring: the one place that builds everything.

What a status bar runs every few seconds comes through here: each branch imports what it needs.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from claudemeter_tui import gc_control
from claudemeter_tui.config.actions import Action
from claudemeter_tui.config.parsers import SettingsError
from claudemeter_tui.config.resolution import Settings, format_settings, load_settings
from claudemeter_tui.model.sanitize import replace_unprintable
from claudemeter_tui.storage import locate_config_file, locate_state_folder

if TYPE_CHECKING:  # At run time these would load asyncio, of which a kept answer has no need.
    from claudemeter_tui.clock import Clock
    from claudemeter_tui.model.store import OrgKey, Store
    from claudemeter_tui.tui.options import Options
    from claudemeter_tui.wiring import DeferredFeed


USAGE_ERROR = 2
"""Exit status for arguments and surroundings that cannot be used."""
INTERRUPTED = 130
"""Exit status after Ctrl+C, as shells give it."""
DEMO_SCREENSHOT_POLLS = 45
"""Polls of the demo, a simulated minute apart, before its picture is taken."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; gives the exit status."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        return _run_action(load_settings(given, os.environ, locate_config_file()), given)
    except SettingsError as error:
        _print_error(str(error))
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


def _run_action(chosen: Settings, arguments: Sequence[str]) -> int:
    match chosen.action:
        case Action.ONCE | Action.JSON:
            with gc_control.pause_collection():
                return _run_once(chosen)
        case Action.WATCH:
            return _run_watch(chosen)
        case Action.CHECK | Action.LINE:
            return _run_status(chosen, arguments)
        case Action.SCREENSHOT:
            return _run_screenshot(chosen)
        case Action.SESSIONS:
            return _run_sessions(chosen)
        case Action.CONFIG:
            return _run_config(chosen)
    return _run_dashboard(chosen)


def _print_error(text: str) -> None:
    """Say it in one line on standard error, which may be closed; nothing in it reaches the terminal raw."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"claudemeter-tui: {replace_unprintable(text)}", file=sys.stderr, flush=True)  # noqa: T201 - its one place


def _run_once(chosen: Settings) -> int:
    from claudemeter_tui.commands.once import run_once  # noqa: PLC0415 - the dashboard does without it

    clock = _build_clock(chosen, skipping=True)
    feed = _build_feed(chosen, clock)
    return run_once(
        feed, clock.now, as_json=chosen.action is Action.JSON, org=chosen.org, print_reason=_print_error
    )


def _run_watch(chosen: Settings) -> int:
    from claudemeter_tui.commands.watch import run_watch  # noqa: PLC0415 - everything else does without it

    clock = _build_clock(chosen)
    feed = _build_feed(chosen, clock)
    return run_watch(feed, clock.now, thresholds=chosen.thresholds, org=chosen.org, print_reason=_print_error)


def _run_status(chosen: Settings, arguments: Sequence[str]) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415 - everything else does without it

    from claudemeter_tui.commands import answer_cache, status  # noqa: PLC0415
    from claudemeter_tui.commands.once import write_line  # noqa: PLC0415
    from claudemeter_tui.formatting.status_line import DEFAULT_TEMPLATE, check_template  # noqa: PLC0415

    form = chosen.line_format if chosen.line_format is not None else DEFAULT_TEMPLATE
    try:
        check_template(form)
    except ValueError as error:
        raise SettingsError(f"--format: {error}") from None
    asked = status.StatusRequest(
        now=_build_clock(chosen, skipping=True).now if chosen.demo else lambda: datetime.now(UTC),
        poll=lambda known: _poll_feed(chosen, known),
        interval=chosen.interval,
        org=chosen.org,
        line_format=form if chosen.action is Action.LINE else None,
    )
    place = None if chosen.demo else status.build_snapshot_path(chosen, locate_state_folder())
    answer = status.answer_request(asked, place, _print_error)
    if answer.text:
        write_line(answer.text)
    if answer.valid_until is not None and place is not None:
        answer_cache.save_answer(arguments, answer.text, answer.status, answer.valid_until)
    return answer.status


def _poll_feed(chosen: Settings, known: Store) -> tuple[Store, Store]:
    """Poll once; gives what is known then, and what the poll alone gave."""
    from claudemeter_tui.commands.once import poll_onto_store  # noqa: PLC0415 - kept figures do without it

    return poll_onto_store(_build_feed(chosen, _build_clock(chosen, skipping=True)), known)


def _run_config(chosen: Settings) -> int:
    from claudemeter_tui.commands.once import write_line  # noqa: PLC0415 - most do without it

    write_line(format_settings(chosen.resolved, os.environ, locate_config_file()))
    return 0


def _run_sessions(chosen: Settings) -> int:
    """The table of what was looked at, browser by browser; 0 where a session works, else 3."""
    from claudemeter_tui import wiring  # noqa: PLC0415 - loads asyncio
    from claudemeter_tui.commands.once import write_line  # noqa: PLC0415 - most do without it
    from claudemeter_tui.commands.sessions import report_sessions  # noqa: PLC0415 - the same

    return report_sessions(wiring.build_session_providers(chosen, _build_clock(chosen)), write_line)


def _run_dashboard(chosen: Settings) -> int:
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        raise SettingsError(
            "the dashboard needs a terminal: its keys come from standard input and it draws on standard"
            " error, so neither may be redirected; --once and --screenshot FILE.svg need none"
        )
    gc_control.stop_collection()  # until the first frame
    from claudemeter_tui.tui.app import DEMO, Claudemeter  # noqa: PLC0415 - scripts do without it

    clock = _build_clock(chosen)
    app = Claudemeter(_build_feed(chosen, clock), now=clock.now, options=_build_options(chosen))
    if app.run() == DEMO:
        return _run_dashboard(replace(chosen, demo=True))
    return app.return_code or 0


def _build_options(chosen: Settings) -> Options:
    """How the dashboard is wanted: what was set, else what is remembered."""
    from claudemeter_tui import storage  # noqa: PLC0415 - scripts and errors do without all of these
    from claudemeter_tui.storage import locate_pictures_folder  # noqa: PLC0415
    from claudemeter_tui.tui.options import Options  # noqa: PLC0415

    folder = locate_state_folder()
    last = storage.load_ui_state(folder)

    def remember(theme: str, org: OrgKey | None) -> None:
        """Keep what a person chose: a theme that was set is none, nor is an org of the demo."""
        kept_theme = last.theme if theme == chosen.theme else theme
        storage.save_ui_state(
            folder, storage.UiState(kept_theme, last.org if chosen.demo or org is None else org)
        )

    return Options(
        note="demo: a minute a second" if chosen.demo else "",
        theme=chosen.theme or last.theme or "",
        org=last.org,
        ascii=chosen.ascii,
        privacy=chosen.privacy,
        pictures=chosen.pictures or locate_pictures_folder(),
        thresholds=chosen.thresholds,
        alerts=not chosen.demo,
        toast=chosen.toast,
        bell=chosen.bell,
        desktop=chosen.desktop,
        on_event=chosen.on_event,
        settings={key: one.value for key, one in chosen.resolved.items()},
        save_state=remember,
    )


def _run_screenshot(chosen: Settings) -> int:
    from claudemeter_tui.tui.app import Claudemeter  # noqa: PLC0415 - scripts do without it
    from claudemeter_tui.tui.screenshots import (  # noqa: PLC0415
        ScreenshotError,
        capture_svg,
        write_screenshot,
    )

    assert chosen.screenshot is not None  # noqa: S101 - for the type checker
    polls = DEMO_SCREENSHOT_POLLS if chosen.demo else 1
    clock = _build_clock(chosen, skipping=True)
    feed = _build_feed(chosen, clock)
    options = replace(_build_options(chosen), alerts=False, save_state=lambda *_: None)
    build_app = partial(Claudemeter, now=clock.now, options=options)
    picture = capture_svg(build_app, feed, polls, size=chosen.size)
    try:
        write_screenshot(chosen.screenshot, picture)
    except ScreenshotError as error:
        raise SettingsError(f"--screenshot: {error}") from None
    return 0


def _build_clock(chosen: Settings, *, skipping: bool = False) -> Clock:
    from claudemeter_tui import wiring  # noqa: PLC0415 - loads asyncio

    return wiring.build_clock(chosen, skipping=skipping)


def _build_feed(chosen: Settings, clock: Clock) -> DeferredFeed:
    from claudemeter_tui import wiring  # noqa: PLC0415 - loads asyncio

    return wiring.build_feed(chosen, clock)

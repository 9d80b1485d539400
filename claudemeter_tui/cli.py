"""Select the command for the arguments and run it.

A status bar runs this every few seconds, so each command imports only what it needs.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from claudemeter_tui import gc_control
from claudemeter_tui.commands.stdout import EXIT_USAGE, print_line
from claudemeter_tui.config.actions import Action
from claudemeter_tui.config.resolution import (
    Invocation,
    build_org_rules,
    format_settings,
    load_settings,
)
from claudemeter_tui.interruption import EXIT_INTERRUPTED
from claudemeter_tui.model.sanitize import replace_unprintable
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.storage import locate_config_file, locate_state_folder

if TYPE_CHECKING:  # these load asyncio, which figures from the archive do not need
    from claudemeter_tui.clock import Clock
    from claudemeter_tui.commands.archive_access import RowsRequest
    from claudemeter_tui.commands.once import LoadUses
    from claudemeter_tui.commands.status import StatusPlace
    from claudemeter_tui.model.reading import Reading
    from claudemeter_tui.model.store import OrgKey
    from claudemeter_tui.tui.app import Options
    from claudemeter_tui.wiring import DeferredFeed


DEMO_SCREENSHOT_POLLS = 45
"""Polls of the demo before its picture is taken, a simulated minute apart."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        chosen = load_settings(given, os.environ, locate_config_file())
        return _COMMANDS[chosen.action](chosen, given)
    except SettingsError as error:
        if Action.STATUSLINE in given:
            # Claude Code hides standard error, and a command that fails.
            with contextlib.suppress(OSError):
                print_line(_format_error(str(error)))
                return 0
        _print_error(str(error))
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _print_error(text: str) -> None:
    """Print one line to standard error, without control characters; do nothing if it is closed."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(_format_error(text), file=sys.stderr, flush=True)  # noqa: T201 - the one place


def _format_error(text: str) -> str:
    return f"claudemeter-tui: {replace_unprintable(text)}"


def _run_once(chosen: Invocation, _: Sequence[str]) -> int:
    from claudemeter_tui.commands.once import run_once

    with gc_control.pause_collection():
        feed, clock = _build_feed(chosen, skipping=True)
        return run_once(
            feed,
            clock.now,
            as_json=chosen.action is Action.JSON,
            org=chosen.org,
            print_reason=_print_error,
            load_uses=_build_load_uses(chosen, feed),
        )


def _build_load_uses(chosen: Invocation, feed: DeferredFeed) -> LoadUses | None:
    """Return the source of this machine's use. None if its transcripts are not read."""
    reader = feed.reader
    if reader is None or not chosen.transcripts:
        return None
    if not chosen.has_privacy_flag:
        return reader.load_uses
    from claudemeter_tui.privacy.redact import Redactor

    redactor = Redactor()
    return lambda keys, now: redactor.hide_projects(reader.load_uses(keys, now))


def _run_watch(chosen: Invocation, _: Sequence[str]) -> int:
    from claudemeter_tui.commands.watch import run_watch

    feed, clock = _build_feed(chosen)
    return run_watch(feed, clock.now, thresholds=chosen.thresholds, org=chosen.org, print_reason=_print_error)


def _run_metrics(chosen: Invocation, _: Sequence[str]) -> int:
    from claudemeter_tui.commands import metrics, metrics_server
    from claudemeter_tui.config.actions import ListenAddress

    metrics.check_library()
    target, token_file = chosen.metrics, chosen.metrics_token_file
    if not isinstance(target, ListenAddress):
        assert target is not None  # noqa: S101 - for the type checker
        feed, clock = _build_feed(chosen, skipping=True)
        # Every user of this machine can read the file.
        return metrics.write_metrics(
            target, feed, metrics.MetricsRenderer(clock.now, shows_names=False), _print_error
        )
    place = chosen.resolved["metrics_token_file"].place
    token = metrics_server.read_token(place, token_file) if token_file is not None else None
    feed, clock = _build_feed(chosen)
    shows_names = token is not None and not chosen.has_privacy_flag
    renderer = metrics.MetricsRenderer(clock.now, shows_names=shows_names)
    return metrics.serve_metrics(target, feed, renderer, token)


def _run_status(chosen: Invocation, arguments: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from claudemeter_tui.commands import archived_status, status
    from claudemeter_tui.commands.once import poll_readings, write_line
    from claudemeter_tui.formatting.status_line import PLACEHOLDERS
    from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE, check_template

    template = chosen.line_format if chosen.line_format is not None else DEFAULT_TEMPLATE
    try:
        check_template(template, PLACEHOLDERS)
    except ValueError as error:
        raise SettingsError(f"--format: {error}") from None

    def poll() -> list[Reading]:
        """Build the feed only for a poll: the figures in the archive need none."""
        feed, _ = _build_feed(chosen, skipping=True)
        return poll_readings(feed)

    start = datetime.now(UTC)
    asked = status.StatusRequest(
        # The demo's time does not pass within a run.
        now=lambda: start if chosen.demo else datetime.now(UTC),
        poll=poll,
        interval=chosen.interval,
        org=chosen.org,
        line_format=template if chosen.action is Action.LINE else None,
        style=chosen.line_style,
        rules=build_org_rules(chosen),
    )
    answer = status.answer_request(asked, None if chosen.demo else _locate_status(chosen), _print_error)
    if answer.text:
        write_line(answer.text)
    if not chosen.demo:
        archived_status.remember_request(arguments, chosen, asked.line_format, asked.style)
    return answer.status


def _locate_status(chosen: Invocation) -> StatusPlace:
    from claudemeter_tui.commands.status import StatusPlace
    from claudemeter_tui.history.database import locate_archive

    lock = locate_state_folder() / f"status-{chosen.sources_key}"
    archive = locate_archive(or_temporary=True)
    return StatusPlace(archive, chosen.base_url, chosen.sources_key, lock, chosen.transcripts)


def _run_statusline(chosen: Invocation, arguments: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from claudemeter_tui.commands import archived_status, statusline
    from claudemeter_tui.commands.once import find_org, write_line
    from claudemeter_tui.commands.status import load_stored
    from claudemeter_tui.history.database import to_millis

    seen = statusline.read_input()
    if seen is None:
        write_line(statusline.describe_setup(arguments))
        return 0
    now = datetime.now(UTC)
    status = load_stored(_locate_status(chosen), now)
    if status is None:
        write_line(statusline.NO_FIGURES)
    elif status.no_org is not None:
        write_line(" ".join(status.no_org.verdict.split()))
    else:
        orgs = status.orgs
        if chosen.org is not None:
            orgs = (orgs[find_org([org.names for org in orgs], chosen.org)],)
        write_line(statusline.format_line(orgs, chosen.org, seen, to_millis(now)))
    archived_status.remember_request(arguments, chosen, None, "")
    return 0


def _run_config(chosen: Invocation, _: Sequence[str]) -> int:
    from claudemeter_tui.commands.once import write_line

    write_line(format_settings(chosen.resolved, os.environ, locate_config_file()))
    return 0


def _run_json_schema(_: Invocation, __: Sequence[str]) -> int:
    import json

    from claudemeter_tui.commands.once import write_line
    from claudemeter_tui.formatting.json_schema import build_schema

    write_line(json.dumps(build_schema(), indent=2))
    return 0


def _run_completion(chosen: Invocation, _: Sequence[str]) -> int:
    from claudemeter_tui.commands.completion import format_completion
    from claudemeter_tui.commands.once import write_line

    write_line(format_completion(chosen.shell))
    return 0


def _run_extension(chosen: Invocation, _: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from claudemeter_tui.commands import extension
    from claudemeter_tui.formatting.extension import HISTORY_OFF
    from claudemeter_tui.history.database import locate_archive
    from claudemeter_tui.history.hosts import add_missing_polls
    from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
    from claudemeter_tui.wiring import locate_extension

    installation, archive = locate_extension(chosen), locate_archive()
    note = "" if chosen.history_enabled else HISTORY_OFF
    if chosen.extension_step == "install":
        return extension.install_extension(installation, note)
    folder = locate_state_folder()
    if chosen.extension_step == "remove":
        return extension.remove_extension(installation, archive, folder)
    now = datetime.now(UTC)
    hosts = extension.load_hosts(archive, folder)
    if chosen.history_enabled:  # else no process holds a lease
        hosts = add_missing_polls(archive, CLAUDE_AI_ORIGIN, hosts, now)
    return extension.show_extension(installation, hosts, now, note)


def _run_forget(chosen: Invocation, _: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from claudemeter_tui.commands.forget import ForgetRequest, forget
    from claudemeter_tui.history.database import locate_archive

    assert chosen.forget is not None  # noqa: S101 - for the type checker
    asked = ForgetRequest(chosen.forget, chosen.base_url, chosen.yes, build_org_rules(chosen))
    return forget(asked, locate_archive(), locate_state_folder(), datetime.now(UTC))


def _run_export(chosen: Invocation, _: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from claudemeter_tui.commands.export import ExportRequest, run_export
    from claudemeter_tui.formatting.export import ExportKind

    assert chosen.export is not None  # noqa: S101 - for the type checker
    request = ExportRequest(chosen.export, ExportKind(chosen.export_rows), _build_rows_request(chosen))
    return run_export(request, lambda: datetime.now(UTC), _print_error)


def _run_history(chosen: Invocation, _: Sequence[str]) -> int:
    from datetime import UTC, datetime

    from claudemeter_tui.commands.history import run_history

    request = _build_rows_request(chosen)
    return run_history(request, lambda: datetime.now(UTC), _print_error, as_json=chosen.as_json)


def _build_rows_request(chosen: Invocation) -> RowsRequest:
    from claudemeter_tui.commands.archive_access import RowsRequest
    from claudemeter_tui.history.database import locate_archive

    return RowsRequest(
        locate_archive(),
        chosen.base_url,
        chosen.org,
        chosen.since,
        chosen.until,
        chosen.has_privacy_flag,
        build_org_rules(chosen),
    )


def _run_sessions(chosen: Invocation, _: Sequence[str]) -> int:
    """Print the table of sessions; return 0 if one works, else 3."""
    from claudemeter_tui.clock import WallClock
    from claudemeter_tui.commands.once import write_line
    from claudemeter_tui.commands.sessions import report_sessions
    from claudemeter_tui.wiring import build_session_providers, list_unmatched_names

    providers = build_session_providers(chosen, WallClock())
    return report_sessions(providers, write_line, partial(list_unmatched_names, chosen))


def _run_dashboard(chosen: Invocation, arguments: Sequence[str]) -> int:
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        raise SettingsError(
            "the dashboard needs a terminal (stdin and stderr must not be redirected);"
            " --once and --screenshot FILE.svg work without one"
        )
    gc_control.stop_collection()  # until the first figures
    from claudemeter_tui.tui.app import DEMO, Claudemeter

    feed, clock = _build_feed(chosen)
    app = Claudemeter(feed, now=clock.now, options=_build_options(chosen, feed))
    if app.run() == DEMO:  # no session was found, and the user chose the demo instead
        return _run_dashboard(replace(chosen, demo=True), arguments)
    return app.return_code or 0


def _build_options(chosen: Invocation, feed: DeferredFeed) -> Options:
    """Return the dashboard's options: the settings, else the remembered values."""
    from claudemeter_tui import storage, wiring
    from claudemeter_tui.demo import DEMO_SPEED
    from claudemeter_tui.tui.app import Options

    folder = locate_state_folder()
    last = storage.load_ui_state(folder)

    def remember(theme: str, org: OrgKey | None) -> None:
        """Save the user's choices, except a theme that the settings name; the demo saves nothing."""
        if not chosen.demo:
            kept_theme = last.theme if theme == chosen.theme else theme
            storage.save_ui_state(folder, storage.UiState(kept_theme, last.org if org is None else org))

    return Options.build(
        chosen,
        theme=chosen.theme or last.theme or "",
        pictures=chosen.pictures or storage.locate_pictures_folder(),
        note=f"demo · {DEMO_SPEED:.0f}x speed" if chosen.demo else "",
        speed=DEMO_SPEED if chosen.demo else 1.0,
        org=None if chosen.demo else last.org,
        wanted_org=chosen.org,
        alerts=not chosen.demo,
        save_state=remember,
        transcript_folders=() if chosen.demo else wiring.list_transcript_folders(),
        **({} if chosen.demo else wiring.build_extension_options(chosen)),
        **wiring.build_archive_options(feed),
    )


def _run_screenshot(chosen: Invocation, _: Sequence[str]) -> int:
    from claudemeter_tui.tui.app import Claudemeter
    from claudemeter_tui.tui.screenshots import ScreenshotError, capture_svg, write_screenshot

    assert chosen.screenshot is not None  # noqa: S101 - for the type checker
    polls = DEMO_SCREENSHOT_POLLS if chosen.demo else 1
    feed, clock = _build_feed(chosen, skipping=True)
    options = replace(_build_options(chosen, feed), alerts=False, save_state=lambda *_: None)
    build_app = partial(Claudemeter, now=clock.now, options=options)
    picture = capture_svg(build_app, feed, polls, size=chosen.size)
    try:
        write_screenshot(chosen.screenshot, picture)
    except ScreenshotError as error:
        raise SettingsError(f"--screenshot: {error}") from None
    return 0


def _build_feed(chosen: Invocation, *, skipping: bool = False) -> tuple[DeferredFeed, Clock]:
    """Return the feed and its clock; with `skipping`, the demo's clock never waits."""
    from claudemeter_tui import wiring

    clock = wiring.build_clock(chosen, skipping=skipping)
    return wiring.build_feed(chosen, clock), clock


_COMMANDS: Mapping[Action, Callable[[Invocation, Sequence[str]], int]] = {
    Action.DASHBOARD: _run_dashboard,
    Action.ONCE: _run_once,
    Action.JSON: _run_once,
    Action.WATCH: _run_watch,
    Action.CHECK: _run_status,
    Action.LINE: _run_status,
    Action.STATUSLINE: _run_statusline,
    Action.SCREENSHOT: _run_screenshot,
    Action.SESSIONS: _run_sessions,
    Action.FORGET: _run_forget,
    Action.CONFIG: _run_config,
    Action.HISTORY: _run_history,
    Action.EXPORT: _run_export,
    Action.METRICS: _run_metrics,
    Action.JSON_SCHEMA: _run_json_schema,
    Action.COMPLETION: _run_completion,
    Action.EXTENSION: _run_extension,
}
"""The function that runs each action with the settings and the arguments; it returns the exit status."""

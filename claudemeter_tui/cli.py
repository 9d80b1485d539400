"""Arguments and wiring: the one place that builds everything.

What a status bar runs every few seconds comes through here: each branch imports what it needs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from claudemeter_tui.config import Action, Settings, SettingsError, listing, settings
from claudemeter_tui.folders import config_file, state_folder

if TYPE_CHECKING:  # At run time these would load asyncio, of which a kept answer has no need.
    from claudemeter_tui.clock import Clock
    from claudemeter_tui.deferred import Deferred
    from claudemeter_tui.model.store import OrgKey, Store
    from claudemeter_tui.tui.options import Options

USAGE_ERROR = 2
"""Exit status for arguments and surroundings that cannot be used."""
INTERRUPTED = 130
"""Exit status after Ctrl+C, as shells give it."""
REHEARSED_POLLS = 45
"""Polls of the demo, a simulated minute apart, before its picture is taken."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; gives the exit status."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        return _run(settings(given, os.environ, config_file()), given)
    except SettingsError as error:
        _complain(str(error))
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(chosen: Settings, arguments: Sequence[str]) -> int:
    match chosen.action:
        case Action.ONCE | Action.JSON:
            with _no_collecting():
                return _report(chosen)
        case Action.WATCH:
            return _watch(chosen)
        case Action.CHECK | Action.LINE:
            return _bar(chosen, arguments)
        case Action.PICTURE:
            return _picture(chosen)
        case Action.SESSIONS:
            return _sessions(chosen)
        case Action.CONFIG:
            return _config(chosen)
    return _dashboard(chosen)


def _complain(text: str) -> None:
    """Say it in one line on standard error, which may be closed; nothing in it reaches the terminal raw."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            shown = "".join(char if char.isprintable() else " " for char in text)
            print(f"claudemeter-tui: {shown}", file=sys.stderr, flush=True)  # noqa: T201 - its one place


@contextlib.contextmanager
def _no_collecting() -> Iterator[None]:
    """Leave garbage where it is: what is over in a second spends a tenth of it on looking for some."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _report(chosen: Settings) -> int:
    from claudemeter_tui.scripts.once import once  # noqa: PLC0415 - the dashboard does without it

    clock = _clock(chosen, skipping=True)
    feed = _feed(chosen, clock)
    return once(feed, clock.now, as_json=chosen.action is Action.JSON, org=chosen.org, tell=_complain)


def _watch(chosen: Settings) -> int:
    from claudemeter_tui.scripts.watch import watch  # noqa: PLC0415 - everything else does without it

    clock = _clock(chosen)
    feed = _feed(chosen, clock)
    return watch(feed, clock.now, thresholds=chosen.thresholds, org=chosen.org, tell=_complain)


def _bar(chosen: Settings, arguments: Sequence[str]) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415 - everything else does without it

    from claudemeter_tui.scripts import bars, recent  # noqa: PLC0415
    from claudemeter_tui.scripts.output import write  # noqa: PLC0415
    from claudemeter_tui.text import line  # noqa: PLC0415

    form = chosen.form if chosen.form is not None else line.USUAL
    try:
        line.check(form)
    except ValueError as error:
        raise SettingsError(f"--format: {error}") from None
    asked = bars.Asked(
        now=_clock(chosen, skipping=True).now if chosen.demo else lambda: datetime.now(UTC),
        poll=lambda known: _polled(chosen, known),
        interval=chosen.interval,
        org=chosen.org,
        form=form if chosen.action is Action.LINE else None,
    )
    place = None if chosen.demo else bars.place(chosen, state_folder())
    answer = bars.answer(asked, place, _complain)
    if answer.text:
        write(answer.text)
    if answer.until is not None and place is not None:
        recent.remember(arguments, answer.text, answer.status, answer.until)
    return answer.status


def _polled(chosen: Settings, known: Store) -> tuple[Store, Store]:
    """Poll once; gives what is known then, and what the poll alone gave."""
    from claudemeter_tui.scripts.once import polled  # noqa: PLC0415 - kept figures do without it

    return polled(_feed(chosen, _clock(chosen, skipping=True)), known)


def _config(chosen: Settings) -> int:
    from claudemeter_tui.scripts.output import write  # noqa: PLC0415 - most do without it

    write(listing(chosen.given, os.environ, config_file()))
    return 0


def _sessions(chosen: Settings) -> int:
    """The table of what was looked at, browser by browser; 0 where a session works, else 3."""
    from claudemeter_tui import opening  # noqa: PLC0415 - loads asyncio
    from claudemeter_tui.scripts.output import write  # noqa: PLC0415 - most do without it
    from claudemeter_tui.sessions.checking import sessions_report  # noqa: PLC0415 - the same

    return sessions_report(opening.ways(chosen, _clock(chosen)), write)


def _dashboard(chosen: Settings) -> int:
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        raise SettingsError(
            "the dashboard needs a terminal: its keys come from standard input and it draws on standard"
            " error, so neither may be redirected; --once and --screenshot FILE.svg need none"
        )
    gc.disable()  # until the first frame: what is loaded until then stays, so looking for garbage is vain
    from claudemeter_tui.tui.app import DEMO, Claudemeter  # noqa: PLC0415 - scripts do without it

    clock = _clock(chosen)
    app = Claudemeter(_feed(chosen, clock), now=clock.now, options=_options(chosen))
    if app.run() == DEMO:
        return _dashboard(replace(chosen, demo=True))
    return app.return_code or 0


def _options(chosen: Settings) -> Options:
    """How the dashboard is wanted: what was set, else what is remembered."""
    from claudemeter_tui import memory  # noqa: PLC0415 - scripts and errors do without all of these
    from claudemeter_tui.folders import pictures_folder  # noqa: PLC0415
    from claudemeter_tui.tui.options import Options  # noqa: PLC0415

    folder = state_folder()
    last = memory.load(folder)

    def remember(theme: str, org: OrgKey | None) -> None:
        """Keep what a person chose: a theme that was set is none, nor is an org of the demo."""
        kept_theme = last.theme if theme == chosen.theme else theme
        memory.save(folder, memory.Memory(kept_theme, last.org if chosen.demo or org is None else org))

    return Options(
        note="demo: a minute a second" if chosen.demo else "",
        theme=chosen.theme or last.theme or "",
        org=last.org,
        ascii=chosen.ascii,
        privacy=chosen.privacy,
        pictures=chosen.pictures or pictures_folder(),
        thresholds=chosen.thresholds,
        alerts=not chosen.demo,
        toast=chosen.toast,
        bell=chosen.bell,
        desktop=chosen.desktop,
        on_event=chosen.on_event,
        settings={key: one.value for key, one in chosen.given.items()},
        remember=remember,
    )


def _picture(chosen: Settings) -> int:
    from claudemeter_tui.tui.picture import svg  # noqa: PLC0415 - scripts and errors do without it
    from claudemeter_tui.tui.pictures import PictureError, save_as  # noqa: PLC0415

    assert chosen.screenshot is not None  # noqa: S101 - for the type checker
    polls = REHEARSED_POLLS if chosen.demo else 1
    clock = _clock(chosen, skipping=True)
    feed = _feed(chosen, clock)
    options = replace(_options(chosen), alerts=False, remember=lambda *_: None)
    picture = svg(feed, polls, now=clock.now, size=chosen.size, options=options)
    try:
        save_as(chosen.screenshot, picture)
    except PictureError as error:
        raise SettingsError(f"--screenshot: {error}") from None
    return 0


def _clock(chosen: Settings, *, skipping: bool = False) -> Clock:
    from claudemeter_tui import opening  # noqa: PLC0415 - loads asyncio

    return opening.clock(chosen, skipping=skipping)


def _feed(chosen: Settings, clock: Clock) -> Deferred:
    from claudemeter_tui import opening  # noqa: PLC0415 - loads asyncio

    return opening.feed(chosen, clock)

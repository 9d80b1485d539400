"""Arguments and wiring: the one place that builds everything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from claudemeter_tui.config import Settings, SettingsError, settings
from claudemeter_tui.model.reading import Session
from claudemeter_tui.polling import Clock, NoSessionError, Poller, Source, WallClock
from claudemeter_tui.sources.cookies import Cookies

USAGE_ERROR = 2
"""Exit status for arguments and surroundings that cannot be used."""
INTERRUPTED = 130
"""Exit status after Ctrl+C, as shells give it."""
REHEARSED_POLLS = 45
"""Polls of the demo, a simulated minute apart, before its picture is taken."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; gives the exit status."""
    try:
        chosen = settings(sys.argv[1:] if arguments is None else arguments)
        return _run(chosen)
    except SettingsError as error:
        _complain(str(error))
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(chosen: Settings) -> int:
    if chosen.once:
        return _report(chosen)
    return _picture(chosen) if chosen.screenshot is not None else _dashboard(chosen)


def _complain(text: str) -> None:
    """Say it in one line on standard error, which may be closed; nothing in it reaches the terminal raw."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            shown = "".join(char if char.isprintable() else " " for char in text)
            print(f"claudemeter-tui: {shown}", file=sys.stderr, flush=True)  # noqa: T201 - its one place


def _report(chosen: Settings) -> int:
    from claudemeter_tui.once import once  # noqa: PLC0415 - the dashboard does without it

    clock = _clock(chosen, skipping=True)
    feed = _poller(chosen, clock)
    return once(feed, clock.now, as_json=chosen.as_json, org=chosen.org, tell=_complain)


def _dashboard(chosen: Settings) -> int:
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        raise SettingsError(
            "the dashboard needs a terminal: its keys come from standard input and it draws on standard"
            " error, so neither may be redirected; --once and --screenshot FILE.svg need none"
        )
    from claudemeter_tui.tui.app import Claudemeter  # noqa: PLC0415 - scripts and errors do without it

    clock = _clock(chosen)
    app = Claudemeter(_poller(chosen, clock), now=clock.now, note=_note(chosen))
    app.run()
    return app.return_code or 0


def _picture(chosen: Settings) -> int:
    from claudemeter_tui.tui.picture import svg  # noqa: PLC0415 - scripts and errors do without it

    assert chosen.screenshot is not None  # noqa: S101 - for the type checker
    polls = REHEARSED_POLLS if chosen.demo else 1
    clock = _clock(chosen, skipping=True)
    feed = _poller(chosen, clock)
    _save(chosen.screenshot, svg(feed, polls, now=clock.now, size=chosen.size, note=_note(chosen)))
    return 0


def _note(chosen: Settings) -> str:
    return "demo: a minute a second" if chosen.demo else ""


def _clock(chosen: Settings, *, skipping: bool = False) -> Clock:
    if not chosen.demo:
        return WallClock()
    from claudemeter_tui.sources.demo.clock import DemoClock, SkippingClock  # noqa: PLC0415 - demo only

    start = datetime.now(UTC)
    return SkippingClock(start) if skipping else DemoClock(start)


def _poller(chosen: Settings, clock: Clock) -> Poller:
    opening = _open_demo if chosen.demo else _open
    return Poller(lambda: opening(chosen, clock), interval=chosen.interval, clock=clock)


async def _open_demo(chosen: Settings, clock: Clock) -> Source:
    """The simulated claude.ai, behind the real client."""
    await asyncio.to_thread(import_module, "claudemeter_tui.sources.demo")
    from claudemeter_tui.sources import demo  # noqa: PLC0415 - just loaded, in a thread

    transport = demo.transport(clock.now, clock.now())
    session, none = Session("simulated"), Cookies([])
    return await asyncio.to_thread(_source, session, none, chosen, clock, transport=transport)


async def _open(chosen: Settings, clock: Clock) -> Source:
    """claude.ai, with the cookies given by hand or those of the first browser that has a session."""
    session, cookies, agent = Session(chosen.cookies_from), chosen.cookies, None
    if cookies is None:
        session, cookies, agent = await _first_session()
    return await asyncio.to_thread(_source, session, cookies, chosen, clock, user_agent=agent)


async def _first_session() -> tuple[Session, Cookies, str | None]:
    browsers = await asyncio.to_thread(import_module, "claudemeter_tui.sources.browsers")
    looks = await browsers.look()
    for look in looks:
        if look.cookies is not None:
            return look.session, look.cookies, look.user_agent
    raise NoSessionError("; ".join(f"{look.session.label}: {look.outcome}" for look in looks))


def _source(
    session: Session,
    cookies: Cookies,
    chosen: Settings,
    clock: Clock,
    *,
    transport: Any = None,
    user_agent: str | None = None,
) -> Source:
    """A source for one session. Slow: it loads the libraries and builds the TLS context."""
    from claudemeter_tui.sources.claude_ai.client import Client  # noqa: PLC0415 - loads httpx
    from claudemeter_tui.sources.claude_ai.source import ClaudeAi  # noqa: PLC0415 - loads pydantic

    client = Client(
        cookies, base_url=chosen.base_url, user_agent=user_agent, now=clock.now, transport=transport
    )
    return ClaudeAi(session, client, clock.now)


def _save(path: Path, text: str) -> None:
    """Write the whole file or none of it."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        reason = error.strerror or "it cannot be written"
        raise SettingsError(f"--screenshot: {str(path)!r}: {reason}") from None

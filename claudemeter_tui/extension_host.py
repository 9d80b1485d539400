"""Entry point of `claudemeter-tui-host`, which a browser starts for the extension.

Standard input and output belong to the browser, so nothing else may be printed. The process ends when its
standard input does, so with the browser.
"""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from claudemeter_tui import interruption, wiring
from claudemeter_tui.clock import WallClock
from claudemeter_tui.config.actions import Action
from claudemeter_tui.config.resolution import Invocation, load_settings
from claudemeter_tui.extension.host import ExtensionHost, Greeting, build_fault, read_greeting
from claudemeter_tui.extension.identity import EXTENSION_ORIGIN
from claudemeter_tui.extension.messages import Message, MessageError, read_message, write_message
from claudemeter_tui.extension.names import claim_name
from claudemeter_tui.extension.toolbar import POPUP
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
from claudemeter_tui.model.store import Store
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.storage import locate_config_file, locate_state_folder

EXIT_FOREIGN_CALLER = 2
"""Exit status if another program than the extension starts the host."""


def main() -> int:
    """Serve the extension until the browser ends; return the exit status."""
    if EXTENSION_ORIGIN not in sys.argv[1:]:
        print(  # noqa: T201 - a person has started it
            "claudemeter-tui-host: only the browser extension may start this program;"
            " see claudemeter-tui --extension status",
            file=sys.stderr,
        )
        return EXIT_FOREIGN_CALLER
    with suppress(MessageError, OSError):
        source, target = _take_streams()
        first = read_message(source)
        if first is not None:
            _serve(read_greeting(first), source, target)
    interruption.leave_threads_behind(0)
    return 0


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return standard input and output in binary mode; what is printed later goes to standard error."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - exists on Windows only

        for stream in (sys.stdin, sys.stdout):
            msvcrt.setmode(stream.fileno(), os.O_BINARY)
    source, target = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return source, target


def _serve(greeting: Greeting, source: BinaryIO, target: BinaryIO) -> None:
    """Poll until the browser closes the pipe."""
    chosen = _wait_for_settings(greeting.browser, source, target)
    if chosen is None:
        return
    if not greeting.is_current:
        from claudemeter_tui.extension.install import renew_copy  # noqa: PLC0415 - slow, and rarely needed

        renew_copy()  # before the host asks the extension to reload its files
    clock = WallClock()
    with claim_name(locate_state_folder(), greeting.browser) as session:

        async def serve() -> None:
            streams = _Streams(source, target)
            keep_record = wiring.build_record_keeper(chosen)
            redact = _build_redaction() if chosen.privacy else None
            host = ExtensionHost(greeting, session, streams.send, clock.now, keep_record, redact=redact)
            feed = wiring.build_extension_feed(chosen, clock, session, host.client)
            polling = asyncio.ensure_future(host.run(feed))
            ending = asyncio.ensure_future(streams.connect(host.receive))
            await asyncio.wait((polling, ending), return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling

        asyncio.run(serve())


def _wait_for_settings(browser: str, source: BinaryIO, target: BinaryIO) -> Invocation | None:
    """Return the settings as soon as they allow a poll. None at the end of the browser.

    Ending the host because of a fault would only make the browser start it again.
    """
    while True:
        try:
            return _load_settings(browser)
        except SettingsError as error:
            write_message(target, build_fault(f"{error}. Correct it, then {POPUP.refresh}."))
        while (message := read_message(source)) is not None and message.get("type") != "refresh":
            pass
        if message is None:
            return None


def _load_settings(browser: str) -> Invocation:
    """Return the user's settings, except a cookie and another server, which the extension does not use.

    Raises:
        SettingsError: A setting is invalid, or the browser is ignored.
    """
    chosen = load_settings((Action.CONFIG,), os.environ, locate_config_file())  # reads no cookie
    if browser in wiring.list_ignored_browsers(chosen):
        raise SettingsError(f"the setting `ignore` names {browser}, so nothing is read")
    return replace(chosen, action=Action.WATCH, base_url=CLAUDE_AI_ORIGIN)


class _Streams:
    """The browser's two pipes, each with a thread of its own: a full pipe must not stop the polls."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source = source
        self._target = target
        self._to_send: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def send(self, message: Message) -> None:
        """Send a message soon."""
        self._to_send.put(message)

    async def connect(self, receive: Callable[[Message], object]) -> None:
        """Pass each message to `receive`; return when the browser ends, or at SIGTERM."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def run(work: Callable[[], None]) -> None:
            with suppress(MessageError, OSError):
                work()
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(ended.set)

        def read() -> None:
            while (message := read_message(self._source)) is not None:
                loop.call_soon_threadsafe(receive, message)

        for work in (read, self._write):
            threading.Thread(target=run, args=(work,), daemon=True).start()
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()

    def _write(self) -> None:
        while True:
            write_message(self._target, self._to_send.get())


def _build_redaction() -> Callable[[Store], Store]:
    from claudemeter_tui.privacy.redact import Redactor  # noqa: PLC0415 - slow, and rarely needed

    return Redactor().redact_store


if __name__ == "__main__":
    sys.exit(main())

"""The native messaging host: polls claude.ai through the extension, and words what the toolbar shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from claudemeter_tui import __version__
from claudemeter_tui.browsers.folders import CHROMIUM_BROWSERS
from claudemeter_tui.extension.client import ExtensionClient
from claudemeter_tui.extension.identity import EXTENSION_VERSION
from claudemeter_tui.extension.messages import Message
from claudemeter_tui.extension.toolbar import UNKNOWN_BADGE, UNKNOWN_LEVEL, Toolbar, build_toolbar
from claudemeter_tui.feed import Feed
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.reading import Failure, Reading, Reply, Session
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.store import Store

MAX_NAME_LENGTH = 40
"""Characters of a name or a version from the extension."""
UNKNOWN_BROWSER = "Chromium"
"""Name of a browser that the program does not know; all of them are based on Chromium."""
REDRAW_SECONDS = 15.0
"""Seconds between two updates of the toolbar without a reading, because countdowns and verdicts change."""
SETTLE_SECONDS = 0.2
"""Seconds from a reading to the update: the orgs of a poll arrive one after the other."""
OLD_COPY = (
    "The extension in this browser is of another version than claudemeter. If this text stays, reload it on"
    " the browser's page of extensions."
)


class Greeting(NamedTuple):
    """The extension's first message."""

    browser: str
    """Name of the browser, as everywhere in the program."""
    version: str
    """Version of the extension in the browser; empty if it named none."""

    @property
    def is_current(self) -> bool:
        """True if the extension belongs to this version of the program."""
        return self.version == EXTENSION_VERSION


def read_greeting(message: Message) -> Greeting:
    """Return browser and version from the extension's first message."""
    names, version = _read_text(message.get("browser")).casefold().split(), message.get("version")
    known = (one.name for one in CHROMIUM_BROWSERS)
    browser = next((name for name in known if name.casefold() in names), UNKNOWN_BROWSER)
    return Greeting(browser, _read_text(version))


def _read_text(value: object) -> str:
    return sanitize_text(value)[:MAX_NAME_LENGTH] if isinstance(value, str) else ""


class ExtensionHost:
    """One run of the host, from the first message to the end of the browser."""

    def __init__(
        self,
        greeting: Greeting,
        session: Session,
        send: Callable[[Message], object],
        now: Callable[[], datetime],
        keep_record: Callable[[HostRecord], object],
        *,
        redact: Callable[[Store], Store] | None = None,
    ) -> None:
        """Nothing is sent before `run`.

        Args:
            greeting: the extension's first message.
            session: name of the session.
            send: passes a message to the extension; it must not block.
            now: the clock.
            keep_record: keeps the entry of this host. Called in a thread, because it may block.
            redact: replaces the names in what is shown. None to show them.
        """
        self.client = ExtensionClient(send, now)
        """Client whose requests the extension sends."""
        self.session = session
        self._greeting = greeting
        self._send = send
        self._now = now
        self._keep_record = keep_record
        self._redact = redact
        self._record = HostRecord(session, None, __version__, greeting.version, now(), None, None, True)
        self._store = Store()
        self._feed: Feed | None = None
        self._changed = asyncio.Event()
        self._polled = asyncio.Event()
        self._shown: Message = {}

    def receive(self, message: Message) -> None:
        """Handle a message of the extension; one of an unknown type is ignored."""
        match message.get("type"):
            case "reply":
                self.client.receive(message)
            case "refresh" if self._feed is not None:
                self._shown = {}  # The popup waits for the next contents, even if they are the same.
                self._feed.poll_now()

    async def run(self, feed: Feed) -> None:
        """Poll, show and keep the results until cancelled."""
        self._feed = feed
        if not self._greeting.is_current:
            self._send({"type": "reload"})
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(feed.run(self._add_reading))
                tasks.create_task(self._show_changes())
                tasks.create_task(self._keep_records())
        finally:
            self._record = self._record._replace(seen_at=self._now(), is_running=False)
            self._keep_record(self._record)

    def _add_reading(self, reading: Reading) -> None:
        """Add a reading to the store and to the entry of this host."""
        self._store = self._store.apply_safely(reading)
        if reading.session == self.session:
            self._update_record(reading)
        if reading.schedule is not None:
            self._polled.set()
        self._changed.set()

    def _update_record(self, reading: Reading) -> None:
        parts = [part for report in reading.org_readings for part in report.parts.values()]
        parts += [reading.account] if reading.account is not None else []
        replies = [part for part in parts if isinstance(part, Reply)]
        if replies and not reading.is_archived:  # another process may poll the account
            at = max(part.at for part in replies)
            self._record = self._record._replace(replied_at=at, error_kind=None)
        if isinstance(reading.account, Failure):
            self._record = self._record._replace(error_kind=reading.account.error_kind)
        account = self._store.find_session_state(self.session).account
        if account.key:
            self._record = self._record._replace(account=account)

    async def _show_changes(self) -> None:
        """Update the toolbar after each reading, and from time to time because of the clock."""
        while True:
            shown = self._store if self._redact is None else self._redact(self._store)
            toolbar = build_toolbar(shown, self._now())
            if not self._greeting.is_current:
                toolbar = toolbar._replace(lines=(*toolbar.lines, "", OLD_COPY))
            message = toolbar.build_message()
            if message != self._shown:
                self._shown = message
                self._send(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(REDRAW_SECONDS):
                    await self._changed.wait()
                await asyncio.sleep(SETTLE_SECONDS)
            self._changed.clear()

    async def _keep_records(self) -> None:
        """Keep the entry of this host at its start and after each poll."""
        while True:
            self._polled.clear()
            self._record = self._record._replace(seen_at=self._now())
            await asyncio.to_thread(self._keep_record, self._record)
            await self._polled.wait()


def build_fault(text: str) -> Message:
    """Return the message that shows why the host cannot poll."""
    return Toolbar(UNKNOWN_BADGE, UNKNOWN_LEVEL, f"claudemeter: {text}", (text,)).build_message()

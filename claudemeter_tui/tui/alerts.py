"""The events of one run, alerts for some of them, and the user's command for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from textual.notifications import SeverityLevel

from claudemeter_tui.formatting.events import describe_event, format_event_json
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.settings import remove_own_variables
from claudemeter_tui.tui.terminal import TerminalWriter

if TYPE_CHECKING:  # the app imports this module
    from claudemeter_tui.privacy.archive_rows import RowRedactor
    from claudemeter_tui.tui.app import Options

COMMAND_TIMEOUT = 5.0
"""Seconds until the command is stopped."""
MAX_QUEUED_EVENTS = 100
"""Maximum number of events that wait for the command; newer ones are dropped."""

ALERT_KINDS = {
    EventKind.BLOCKED,
    EventKind.CREDITS_BLOCKED,
    EventKind.LIFTED,
    EventKind.ON_CREDITS,
    EventKind.WAIT,
    EventKind.SPENDING,
    EventKind.BALANCE_FELL,
    EventKind.AUTO_RELOAD_STOPPED,
    EventKind.THRESHOLD,
    EventKind.WINDOW_FILLED,
    EventKind.ALLOWANCE_USED_UP,
    EventKind.WINDOW_RESET,
    EventKind.WINDOW_RESET_EARLY,
    EventKind.BACK_IN_PLAN,
    EventKind.SESSION_ENDS,
}
"""Kinds of events that can raise an alert; a reset raises one only if the window was full."""
_TOAST_SEVERITIES: Mapping[Severity, SeverityLevel] = {
    Severity.NORMAL: "information",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "warning",
    Severity.FULL: "error",
}
"""Textual's severity for each severity of the program."""
_FREED_KINDS = frozenset({EventKind.WINDOW_RESET, EventKind.WINDOW_RESET_EARLY, EventKind.BACK_IN_PLAN})
"""Kinds that raise an alert only if a full window has room again."""


class Alert(NamedTuple):
    """One alert."""

    event: Event
    title: str
    """Name of the org or session, as shown to the user."""
    text: str
    """Text of the event."""
    severity: SeverityLevel
    """Severity of a toast."""


def select_alerts(fresh: Iterable[Event], zone: tzinfo | None = None) -> Iterator[Alert]:
    """Yield the alerts for the events of one step, in a time zone; None for the system's."""
    for event in fresh:
        if event.kind in ALERT_KINDS and (event.is_freed or event.kind not in _FREED_KINDS):
            severity = _TOAST_SEVERITIES[event.severity]
            yield Alert(event, event.owner_name, describe_event(event, zone), severity)


class EventCommand:
    """Runs the user's command for each event in turn, with the event as JSON on standard input."""

    def __init__(
        self,
        argv: Sequence[str],
        complain: Callable[[str], object],
        *,
        environment: Mapping[str, str] = os.environ,
        within: float = COMMAND_TIMEOUT,
    ) -> None:
        """Prepare to run `argv`; report only the first failure.

        Args:
            argv: Program and arguments.
            complain: Called with the error, at most once.
            environment: The command's environment; variables of this program are removed from it.
            within: Maximum seconds for one run.
        """
        self._argv = tuple(argv)
        self._on_failure = complain
        self._environment = remove_own_variables(environment)
        self._timeout = within
        self._queue: asyncio.Queue[Event] = asyncio.Queue(MAX_QUEUED_EVENTS)
        self._has_failed = False

    def enqueue(self, events: Iterable[Event]) -> None:
        """Queue these events for the command without blocking."""
        for event in events:
            try:
                self._queue.put_nowait(event)
            except asyncio.QueueFull:
                self._report_failure("is too slow: some events were dropped")

    async def run(self) -> None:
        """Run the command for every event until cancelled; a running command is then stopped."""
        while True:
            event = await self._queue.get()
            try:
                await self._run_once(event)
            finally:
                self._queue.task_done()

    async def wait_until_idle(self) -> None:
        """Wait until the command has run for every queued event."""
        await self._queue.join()

    async def _run_once(self, event: Event) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,  # so that its child processes can be killed, too
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            self._report_failure(f"could not be started: {reason or 'the name is invalid'}")
            return
        try:
            async with asyncio.timeout(self._timeout):
                await process.communicate(format_event_json(event).encode() + b"\n")
        except TimeoutError:
            self._report_failure(f"took longer than {self._timeout:g} s and was stopped")
        else:
            if process.returncode:
                self._report_failure(f"failed with status {process.returncode}")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if sys.platform == "win32":
                        process.kill()
                    else:
                        os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    def _report_failure(self, what: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._on_failure(f"on_event: {self._argv[0]} {what}")


class DashboardRun:
    """Events, alerts and pseudonyms of the run; created after the first frame, which needs none of them."""

    def __init__(self, options: Options, outlet: TerminalWriter, complain: Callable[[str], object]) -> None:
        """Start without events; call `complain` once if the user's command fails."""
        self._options = options
        self._terminal = outlet
        self.command = EventCommand(options.on_event, complain) if options.on_event else None
        """The command to run for every event. None if none is set."""
        self.event_log = EventLog(options.thresholds)

    @cached_property
    def redaction(self) -> RowRedactor:
        """Pseudonyms; loaded when the first ones are needed, because the first figures need none."""
        from claudemeter_tui.privacy.archive_rows import RowRedactor  # noqa: PLC0415

        return RowRedactor()

    def collect_events(self, store: Store, now: datetime) -> Sequence[Event]:
        """Return the new events since the last call."""
        self.event_log = self.event_log.observe(store, now)
        return self.event_log.new_events

    def send_alerts(self, fresh: Sequence[Event], store: Store, *, private: bool) -> list[Alert]:
        """Send notifications outside the screen and return the alerts that need a toast.

        In private mode all alerts have pseudonyms; the user's command gets the events unchanged, except the
        names of this machine's projects.
        """
        options = self._options
        if self.command is not None:
            self.command.enqueue(map(self.redaction.hide_project, fresh) if private else fresh)
        if private:
            # Redact the events first, because the alerts quote them.
            self.redaction.redact_store(store)
            fresh = self.redaction.redact_events(tuple(fresh))
        found = list(select_alerts(fresh, options.zone))
        # The other kinds concern work or money, so a toast alone is not enough.
        urgent = [alert for alert in found if alert.event.kind is not EventKind.SESSION_ENDS]
        if options.alerts_desktop != "off":
            for alert in urgent:
                self._terminal.notify(alert.title, alert.text)
        if urgent and options.alerts_bell:
            self._terminal.ring_bell()
        return found if options.alerts_toast else []

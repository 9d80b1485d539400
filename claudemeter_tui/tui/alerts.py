"""Which events call for attention, and the person's own command that is told of all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

from claudemeter_tui.formatting.events import describe_event, format_event_json
from claudemeter_tui.model.events import SUBJECT_EXTRA_USAGE, SUBJECT_POOL, Event, EventKind
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.windows import FULL_FROM, Severity

COMMAND_TIMEOUT = 5.0
"""Seconds after which the command is ended."""
MAX_QUEUED_EVENTS = 100
"""Events that wait for the command; beyond them the newest are dropped."""
OWN_VARIABLE_PREFIX = "CLAUDEMETER_"
"""Variables of this name are not handed on to the command: one can hold the cookie."""

ToastSeverity = Literal["information", "warning", "error"]
"""How a toast looks, in Textual's words."""

BLOCKED_KINDS = frozenset({EventKind.BLOCKED, EventKind.CREDITS_BLOCKED})
ALERT_KINDS = BLOCKED_KINDS | {
    EventKind.LIFTED,
    EventKind.ON_CREDITS,
    EventKind.WAIT,
    EventKind.THRESHOLD,
    EventKind.WINDOW_FILLED,
    EventKind.WINDOW_RESET,
    EventKind.WINDOW_RESET_EARLY,
    EventKind.SESSION_ENDS,
}
"""Kinds that can call for attention; of the resets only those of a window that was full."""
_TOAST_SEVERITIES: Mapping[Severity, ToastSeverity] = {
    Severity.NORMAL: "information",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "warning",
    Severity.FULL: "error",
}
"""What Textual calls it."""
_RESET_KINDS = frozenset({EventKind.WINDOW_RESET, EventKind.WINDOW_RESET_EARLY})


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How to call for attention, and for what."""

    toast: bool = True
    bell: bool = True
    desktop: bool = True
    """A desktop notification through the terminal."""
    kinds: frozenset[EventKind] = ALERT_KINDS
    """What for; a kind that is not among `ALERTED` never does."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One call for attention."""

    event: Event
    title: str
    """Whose it is: the org's name, as the caller wants it shown."""
    text: str
    """What happened."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.event.severity

    @property
    def toast_severity(self) -> ToastSeverity:
        """How its toast looks."""
        return _TOAST_SEVERITIES[self.severity]

    @property
    def is_urgent(self) -> bool:
        """Whether it is worth more than a note on the screen: it concerns work or money."""
        return self.event.kind is not EventKind.SESSION_ENDS


def select_alerts(
    fresh: Iterable[Event],
    settings: AlertSettings,
    name: Callable[[Event], str],
    zone: tzinfo | None = None,
) -> Iterator[Alert]:
    """The alerts that the events of one step call for.

    What follows from another event of the same org and step is not told beside it: the window that
    filled where work is blocked or goes on credits, the reset that lifts a lock, the credits on which
    work goes on once the lock is lifted.

    Args:
        fresh: The events of one step.
        settings: What calls for attention.
        name: How the org or the session of an event is called.
        zone: For times in the text. None: the system's.
    """
    events = [event for event in fresh if event.kind in settings.kinds and _can_alert(event)]
    kinds: dict[OrgKey | None, set[EventKind]] = {}
    for event in events:
        kinds.setdefault(event.org_key, set()).add(event.kind)
    for event in events:
        if not _is_implied(event, kinds[event.org_key]):
            yield Alert(event, name(event), describe_event(event, zone))


def _can_alert(event: Event) -> bool:
    return event.kind in ALERT_KINDS and (event.kind not in _RESET_KINDS or event.is_freed)


def _is_implied(event: Event, beside: set[EventKind]) -> bool:
    """Whether one of these kinds says it already."""
    match event.kind:
        case EventKind.WINDOW_FILLED:
            return bool(beside & {EventKind.BLOCKED, EventKind.ON_CREDITS})
        case EventKind.ON_CREDITS:
            return EventKind.LIFTED in beside
        case EventKind.WINDOW_RESET | EventKind.WINDOW_RESET_EARLY:
            return EventKind.LIFTED in beside
        case EventKind.THRESHOLD if event.subject in (SUBJECT_EXTRA_USAGE, SUBJECT_POOL):
            return event.threshold == FULL_FROM and bool(beside & BLOCKED_KINDS)
    return False


class EventCommand:
    """The person's own command: each event as JSON on its standard input, one after the other."""

    def __init__(
        self,
        argv: Sequence[str],
        complain: Callable[[str], object],
        *,
        environment: Mapping[str, str] = os.environ,
        within: float = COMMAND_TIMEOUT,
    ) -> None:
        """Run `argv`; the first failure of the run is told to `complain` in one sentence.

        Args:
            argv: Program and arguments.
            complain: Is called once at most.
            environment: The command's, without this program's own variables.
            within: Seconds that one run of it may take.
        """
        self._argv = tuple(argv)
        self._on_failure = complain
        self._environment = {
            key: value for key, value in environment.items() if not key.startswith(OWN_VARIABLE_PREFIX)
        }
        self._timeout = within
        self._queue: asyncio.Queue[Event] = asyncio.Queue(MAX_QUEUED_EVENTS)
        self._has_failed = False

    def enqueue(self, events: Iterable[Event]) -> None:
        """Let the command know of these events, soon; it never blocks."""
        for event in events:
            try:
                self._queue.put_nowait(event)
            except asyncio.QueueFull:
                self._report_failure("is too slow: some events are lost")

    async def run(self) -> None:
        """Run the command for every event, until cancelled; what then runs is ended."""
        while True:
            event = await self._queue.get()
            try:
                await self._run_once(event)
            finally:
                self._queue.task_done()

    async def wait_until_idle(self) -> None:
        """Wait until the command has run for everything it was told of."""
        await self._queue.join()

    async def _run_once(self, event: Event) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            self._report_failure(f"could not be started: {reason or 'its name cannot be used'}")
            return
        try:
            async with asyncio.timeout(self._timeout):
                await process.communicate(format_event_json(event).encode() + b"\n")
        except TimeoutError:
            self._report_failure(f"took longer than {self._timeout:g} s, and was ended")
        else:
            if process.returncode:
                self._report_failure(f"failed with status {process.returncode}")
        finally:
            await _kill_process(process)

    def _report_failure(self, what: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._on_failure(f"on_event: {self._argv[0]} {what}")


async def _kill_process(process: asyncio.subprocess.Process) -> None:
    """End a command that goes on, with all that it has started."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()

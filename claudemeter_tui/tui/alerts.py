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

from claudemeter_tui.model.events import EXTRA_USAGE, POOL, Event, Kind
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.usage import FULL_FROM, Severity
from claudemeter_tui.text.events import as_json, words

COMMAND_WITHIN = 5.0
"""Seconds after which the command is ended."""
MOST_WAITING = 100
"""Events that wait for the command; beyond them the newest are dropped."""
OWN_VARIABLES = "CLAUDEMETER_"
"""Variables of this name are not handed on to the command: one can hold the cookie."""

Loudness = Literal["information", "warning", "error"]
"""How a toast looks, in Textual's words."""

BLOCKED = frozenset({Kind.BLOCKED, Kind.CREDITS_BLOCKED})
ALERTED = BLOCKED | {
    Kind.LIFTED,
    Kind.ON_CREDITS,
    Kind.WAIT,
    Kind.THRESHOLD,
    Kind.WINDOW_FILLED,
    Kind.WINDOW_RESET,
    Kind.WINDOW_RESET_EARLY,
    Kind.SESSION_ENDS,
}
"""Kinds that can call for attention; of the resets only those of a window that was full."""
_LOUDNESS: Mapping[Severity, Loudness] = {
    Severity.NORMAL: "information",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "warning",
    Severity.FULL: "error",
}
"""What Textual calls it."""
_RESETS = frozenset({Kind.WINDOW_RESET, Kind.WINDOW_RESET_EARLY})


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How to call for attention, and for what."""

    toast: bool = True
    bell: bool = True
    desktop: bool = True
    """A desktop notification through the terminal."""
    kinds: frozenset[Kind] = ALERTED
    """What for; a kind that is not among `ALERTED` never does."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One call for attention."""

    event: Event
    head: str
    """Whose it is: the org's name, as the caller wants it shown."""
    text: str
    """What happened."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.event.severity

    @property
    def loudness(self) -> Loudness:
        """How its toast looks."""
        return _LOUDNESS[self.severity]

    @property
    def is_urgent(self) -> bool:
        """Whether it is worth more than a note on the screen: it concerns work or money."""
        return self.event.kind is not Kind.SESSION_ENDS


def alerts(
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
    events = [event for event in fresh if event.kind in settings.kinds and _calls(event)]
    kinds: dict[OrgKey | None, set[Kind]] = {}
    for event in events:
        kinds.setdefault(event.key, set()).add(event.kind)
    for event in events:
        if not _follows(event, kinds[event.key]):
            yield Alert(event, name(event), words(event, zone))


def _calls(event: Event) -> bool:
    return event.kind in ALERTED and (event.kind not in _RESETS or event.freed)


def _follows(event: Event, beside: set[Kind]) -> bool:
    """Whether one of these kinds says it already."""
    match event.kind:
        case Kind.WINDOW_FILLED:
            return bool(beside & {Kind.BLOCKED, Kind.ON_CREDITS})
        case Kind.ON_CREDITS:
            return Kind.LIFTED in beside
        case Kind.WINDOW_RESET | Kind.WINDOW_RESET_EARLY:
            return Kind.LIFTED in beside
        case Kind.THRESHOLD if event.subject in (EXTRA_USAGE, POOL):
            return event.threshold == FULL_FROM and bool(beside & BLOCKED)
    return False


class EventCommand:
    """The person's own command: each event as JSON on its standard input, one after the other."""

    def __init__(
        self,
        argv: Sequence[str],
        complain: Callable[[str], object],
        *,
        environment: Mapping[str, str] = os.environ,
        within: float = COMMAND_WITHIN,
    ) -> None:
        """Run `argv`; the first failure of the run is told to `complain` in one sentence.

        Args:
            argv: Program and arguments.
            complain: Is called once at most.
            environment: The command's, without this program's own variables.
            within: Seconds that one run of it may take.
        """
        self._argv = tuple(argv)
        self._complain = complain
        self._environment = {
            key: value for key, value in environment.items() if not key.startswith(OWN_VARIABLES)
        }
        self._within = within
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)
        self._complained = False

    def tell(self, events: Iterable[Event]) -> None:
        """Let the command know of these events, soon; it never blocks."""
        for event in events:
            try:
                self._waiting.put_nowait(event)
            except asyncio.QueueFull:
                self._say("is too slow: some events are lost")

    async def run(self) -> None:
        """Run the command for every event, until cancelled; what then runs is ended."""
        while True:
            event = await self._waiting.get()
            try:
                await self._run(event)
            finally:
                self._waiting.task_done()

    async def settled(self) -> None:
        """Wait until the command has run for everything it was told of."""
        await self._waiting.join()

    async def _run(self, event: Event) -> None:
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
            self._say(f"could not be started: {reason or 'its name cannot be used'}")
            return
        try:
            async with asyncio.timeout(self._within):
                await process.communicate(as_json(event).encode() + b"\n")
        except TimeoutError:
            self._say(f"took longer than {self._within:g} s, and was ended")
        else:
            if process.returncode:
                self._say(f"failed with status {process.returncode}")
        finally:
            await _ended(process)

    def _say(self, what: str) -> None:
        if not self._complained:
            self._complained = True
            self._complain(f"on_event: {self._argv[0]} {what}")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a command that goes on, with all that it has started."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()

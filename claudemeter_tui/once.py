"""One poll, printed for scripts: blocks or JSON on standard output, reasons on standard error."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from io import TextIOWrapper
from typing import Protocol

from claudemeter_tui.config import SettingsError
from claudemeter_tui.model.reading import Endpoint, Failure, Reading, Trouble
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.text import problems, report

NO_SESSION, NOTHING_READ = 3, 4
"""Exit status without a session or with an expired one, and where nothing else could be read."""
SIGN_IN = (
    "Sign in to claude.ai in a browser on this machine, or give the session with --cookie-file"
    " or CLAUDEMETER_COOKIE."
)
_WITHOUT_SESSION = frozenset({Trouble.NO_SESSION, Trouble.EXPIRED, Trouble.TOKEN_INVALID})
_NOBODY_READS = (errno.EPIPE, errno.EINVAL)
"""What writing into a closed pipe gives; the second one is Windows'."""


class Feed(Protocol):
    """Where readings come from."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled; each poll's last one carries the schedule."""


def once(
    feed: Feed, now: Callable[[], datetime], *, as_json: bool, org: str | None, tell: Callable[[str], None]
) -> int:
    """Poll once and print what was read; gives the exit status.

    Args:
        feed: What is polled.
        now: The clock that it runs by.
        as_json: A JSON array instead of a block for each org.
        org: The one to print, by number, name or uuid. None: all.
        tell: Called with each reason, a line, where nothing was read.

    Raises:
        SettingsError: no org is the one asked for, or standard output takes nothing.
    """
    store = asyncio.run(one_poll(feed))
    states = chosen(store.orgs, org) if store.orgs else ()
    if as_json:
        write(report.array(store, states, now()))
    elif states:
        write("\n\n".join(report.block(store, state, now()) for state in states))
    status = _status(store, states)
    for reason in _reasons(store) if status else ():
        tell(reason)
    return status


async def one_poll(feed: Feed) -> Store:
    """What the first poll of a feed gives."""
    store = Store()

    def fold(reading: Reading) -> None:
        nonlocal store
        store = _after(store, reading)
        if reading.schedule is not None:
            polling.cancel()

    polling = asyncio.create_task(feed.run(fold))
    await asyncio.wait((polling,))  # Unlike awaiting the task, it tells our own cancelling from Ctrl+C.
    if not polling.cancelled():
        polling.result()
    return store


def chosen(orgs: Sequence[OrgState], wanted: str | None) -> tuple[OrgState, ...]:
    """The org of that number, name or uuid, alone; all where none is asked for.

    Raises:
        SettingsError: there is none, or several have that name; it names those there are.
    """
    if wanted is None:
        return tuple(orgs)
    numbered = [state for number, state in enumerate(orgs, 1) if str(number) == wanted]
    exact = [state for state in orgs if wanted in (state.org.uuid, state.org.name)]
    folded = [state for state in orgs if wanted.casefold() in (state.org.uuid, state.org.name.casefold())]
    found = numbered or exact or folded
    if len(found) == 1:
        return tuple(found)
    what = "several orgs are called" if found else "there is no org"
    raise SettingsError(f"--org: {what} {wanted!r}; there are: {_named(orgs)}")


def write(text: str) -> None:
    """Print it; a closed pipe is nobody's mistake.

    Raises:
        SettingsError: standard output takes nothing, its disk is full for example.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # A terminal without UTF-8 shows the card's dots as `??`.
    try:
        print(text, flush=True)  # noqa: T201 - what the program is run for
    except OSError as error:
        _silence()
        if error.errno not in _NOBODY_READS:
            raise SettingsError(f"standard output: {error.strerror or 'it cannot be written'}") from None


def _silence() -> None:
    """Let what is left in the buffer go nowhere: the interpreter's end would complain about it."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - the null device is no path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _after(store: Store, reading: Reading) -> Store:
    """The store after one more reading; what nobody foresaw becomes a problem, not a crash."""
    try:
        return store.after(reading)
    except Exception as error:  # noqa: BLE001 - the boundary for what nobody foresaw
        bug = Failure.bug(error, Endpoint.ACCOUNT, reading.at)
        return store.after(Reading(reading.session, reading.at, account=bug, schedule=reading.schedule))


def _status(store: Store, states: Iterable[OrgState]) -> int:
    if any(reply.status == 200 for state in states for reply in state.replies.values()):
        return 0
    signed_out = any(problem.trouble in _WITHOUT_SESSION for problem in store.problems)
    return NO_SESSION if signed_out else NOTHING_READ


def _reasons(store: Store) -> Iterable[str]:
    """Why nothing was read, each reason once."""
    met = [problem for problem in store.problems if not problems.is_remark(problem)]
    lines = dict.fromkeys(f"{problems.title(one)}: {problems.TABLE[one.trouble].what}" for one in met)
    hint = [SIGN_IN] if any(one.trouble in _WITHOUT_SESSION for one in met) else []
    return *lines, *hint


def _named(orgs: Sequence[OrgState]) -> str:
    """`1 Personal (bbbbbbbb-…), 2 …`."""
    return ", ".join(f"{number} {state.org.name} ({state.org.uuid})" for number, state in enumerate(orgs, 1))

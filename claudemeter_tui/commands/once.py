"""`--once` and `--json`: one poll, printed as blocks or JSON, reasons on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from claudemeter_tui.commands.stdout import print_line
from claudemeter_tui.config.parsers import SettingsError
from claudemeter_tui.feed import OneShotFeed
from claudemeter_tui.formatting import problems, report
from claudemeter_tui.model.reading import ErrorKind, Reading
from claudemeter_tui.model.store import OrgState, Store

EXIT_NO_SESSION, EXIT_NOTHING_READ = 3, 4
"""Exit status without a session or with an expired one, and where nothing else could be read."""
SIGN_IN_HINT = (
    "Sign in to claude.ai in a browser on this machine, or give the session with --cookie-file"
    " or CLAUDEMETER_COOKIE."
)
NO_SESSION_ERRORS = frozenset({ErrorKind.NO_SESSION, ErrorKind.EXPIRED, ErrorKind.TOKEN_INVALID})


def choose_orgs(orgs: Sequence[OrgState], wanted: str | None) -> tuple[OrgState, ...]:
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
    raise SettingsError(f"--org: {what} {wanted!r}; there are: {_format_org_names(orgs)}")


def write_line(text: str) -> bool:
    """Print it as a line; gives whether anybody still reads.

    Raises:
        SettingsError: standard output takes nothing, its disk is full for example.
    """
    try:
        return print_line(text)
    except OSError as error:
        raise SettingsError(f"standard output: {error.strerror or 'it cannot be written'}") from None


def explain_empty_store(store: Store) -> Iterable[str]:
    """Why nothing was read, each reason once."""
    met = [problem for problem in store.problems if not problems.is_informational(problem)]
    lines = dict.fromkeys(
        f"{problems.format_problem_title(one)}: {problems.PROBLEM_TEXTS[one.error_kind].summary}"
        for one in met
    )
    hint = [SIGN_IN_HINT] if any(one.error_kind in NO_SESSION_ERRORS for one in met) else []
    return *lines, *hint


def _format_org_names(orgs: Sequence[OrgState]) -> str:
    """`1 Personal (bbbbbbbb-…), 2 …`."""
    return ", ".join(f"{number} {state.org.name} ({state.org.uuid})" for number, state in enumerate(orgs, 1))


def run_once(
    feed: OneShotFeed,
    now: Callable[[], datetime],
    *,
    as_json: bool,
    org: str | None,
    tell: Callable[[str], None],
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
    import asyncio  # noqa: PLC0415 - a status bar with fresh figures needs none

    store = asyncio.run(poll_store(feed))
    states = choose_orgs(store.orgs, org) if store.orgs else ()
    if as_json:
        write_line(report.format_json_array(store, states, now()))
    elif states:
        write_line("\n\n".join(report.format_report(store, state, now()) for state in states))
    status = _compute_status(store, states)
    for reason in explain_empty_store(store) if status else ():
        tell(reason)
    return status


async def poll_store(feed: OneShotFeed) -> Store:
    """What the first poll of a feed gives."""
    store = Store()

    def fold(reading: Reading) -> None:
        nonlocal store
        store = store.apply_safely(reading)

    await feed.poll_once(fold)
    return store


def poll_onto_store(feed: OneShotFeed, known: Store) -> tuple[Store, Store]:
    """Poll once, on top of what is known; gives what is known then, and what the poll alone gave."""
    import asyncio  # noqa: PLC0415 - a status bar with fresh figures needs none

    poll = Store()

    def fold(reading: Reading) -> None:
        nonlocal known, poll
        known, poll = known.apply_safely(reading), poll.apply_safely(reading)

    asyncio.run(feed.poll_once(fold))
    return known, poll


def _compute_status(store: Store, states: Iterable[OrgState]) -> int:
    if any(reply.status == 200 for state in states for reply in state.replies.values()):
        return 0
    signed_out = any(problem.error_kind in NO_SESSION_ERRORS for problem in store.problems)
    return EXIT_NO_SESSION if signed_out else EXIT_NOTHING_READ

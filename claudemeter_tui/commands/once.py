"""Run `--once` and `--json`: poll once and print blocks or JSON; the reasons for failures go to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from claudemeter_tui.commands.stdout import print_line
from claudemeter_tui.feed import OneShotFeed
from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, format_problem_title, is_informational
from claudemeter_tui.formatting.report import format_json_array, format_report
from claudemeter_tui.model.reading import ErrorKind, Reading
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.settings import SettingsError

EXIT_NO_SESSION, EXIT_NOTHING_READ = 3, 4
"""Exit status without a working session (none found, or expired), and if nothing could be read."""
SIGN_IN_HINT = (
    "Sign in to claude.ai in a browser on this machine, or provide a session with --cookie-file"
    " or CLAUDEMETER_COOKIE."
)
NO_SESSION_ERRORS = frozenset({ErrorKind.NO_SESSION, ErrorKind.EXPIRED, ErrorKind.TOKEN_INVALID})


def choose_orgs(orgs: Sequence[OrgState], wanted: str | None) -> tuple[OrgState, ...]:
    """Return the org with this number, name or UUID; all orgs if `wanted` is None.

    Raises:
        SettingsError: no org or several orgs match; the text lists the existing ones.
    """
    if wanted is None:
        return tuple(orgs)
    # An exact match wins, so that one of two orgs whose names differ only by case can be selected.
    numbered = [state for number, state in enumerate(orgs, 1) if str(number) == wanted]
    exact = [state for state in orgs if wanted in (state.org.uuid, state.org.name)]
    folded = [state for state in orgs if wanted.casefold() in (state.org.uuid, state.org.name.casefold())]
    matches = numbered or exact or folded
    if len(matches) == 1:
        return tuple(matches)
    fault = "several orgs match" if matches else "unknown org"
    raise SettingsError(f"--org: {fault} {wanted!r}; choose from {_format_org_names(orgs)}")


def write_line(text: str) -> bool:
    """Print a line; return False if the reader has closed the pipe.

    Raises:
        SettingsError: standard output fails, for example because its disk is full.
    """
    try:
        return print_line(text)
    except OSError as error:
        raise SettingsError(f"standard output: {error.strerror or 'cannot be written'}") from None


def explain_empty_store(store: Store) -> Iterable[str]:
    """Return the reasons why nothing was read, each once."""
    relevant = [problem for problem in store.problems if not is_informational(problem)]
    lines = dict.fromkeys(
        f"{format_problem_title(problem)}: {PROBLEM_TEXTS[problem.error_kind].summary}"
        for problem in relevant
    )
    hint = [SIGN_IN_HINT] if any(problem.error_kind in NO_SESSION_ERRORS for problem in relevant) else []
    return *lines, *hint


def _format_org_names(orgs: Sequence[OrgState]) -> str:
    """Format the orgs as `1 Personal (bbbbbbbb-…), 2 …`."""
    return ", ".join(f"{number} {state.org.name} ({state.org.uuid})" for number, state in enumerate(orgs, 1))


def run_once(
    feed: OneShotFeed,
    now: Callable[[], datetime],
    *,
    as_json: bool,
    org: str | None,
    print_reason: Callable[[str], None],
) -> int:
    """Poll once and print the result; return the exit status.

    Args:
        feed: The feed to poll.
        now: The feed's clock.
        as_json: True for a JSON array instead of one block per org.
        org: The only org to print, by number, name or UUID. None for all.
        print_reason: Called with each reason, one line, if nothing was read.

    Raises:
        SettingsError: no org matches, or standard output fails.
    """
    import asyncio  # noqa: PLC0415 - a status bar with fresh figures needs none

    store = asyncio.run(poll_store(feed))
    states = choose_orgs(store.orgs, org) if store.orgs else ()
    if as_json:
        write_line(format_json_array(store, states, now()))
    elif states:
        write_line("\n\n".join(format_report(store, state, now()) for state in states))
    status = _compute_status(store, states)
    for reason in explain_empty_store(store) if status else ():
        print_reason(reason)
    return status


async def poll_store(feed: OneShotFeed) -> Store:
    """Return the store after the first poll of a feed."""
    store = Store()

    def fold(reading: Reading) -> None:
        nonlocal store
        store = store.apply_safely(reading)

    await feed.poll_once(fold)
    return store


def poll_onto_store(feed: OneShotFeed, known: Store) -> tuple[Store, Store]:
    """Poll once on top of `known`; return the updated store and a store of this poll alone."""
    import asyncio  # noqa: PLC0415 - a status bar with fresh figures needs none

    poll = Store()

    def fold(reading: Reading) -> None:
        nonlocal known, poll
        known, poll = known.apply_safely(reading), poll.apply_safely(reading)

    asyncio.run(feed.poll_once(fold))
    return known, poll


def _compute_status(store: Store, states: Iterable[OrgState]) -> int:
    # One good reply is a success, whatever else failed.
    if any(reply.status == 200 for state in states for reply in state.replies.values()):
        return 0
    signed_out = any(problem.error_kind in NO_SESSION_ERRORS for problem in store.problems)
    return EXIT_NO_SESSION if signed_out else EXIT_NOTHING_READ

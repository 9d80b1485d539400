"""Run `--once` and `--json`: poll once and print text blocks or JSON; errors go to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from claudemeter_tui.commands.stdout import EXIT_NO_SESSION, EXIT_NOTHING_READ, print_line
from claudemeter_tui.feed import OneShotFeed
from claudemeter_tui.formatting import org_choice
from claudemeter_tui.formatting.problems import (
    NO_SESSION,
    PROBLEM_TEXTS,
    describe_missing_session,
    format_problem_title,
    is_informational,
)
from claudemeter_tui.formatting.report import format_json_array, format_report
from claudemeter_tui.model.org_names import OrgName
from claudemeter_tui.model.reading import NO_SESSION_ERRORS, ErrorKind, Reading
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.settings import SettingsError

if TYPE_CHECKING:
    from claudemeter_tui.model.machine import OrgUse

LoadUses = Callable[[Sequence[OrgKey], datetime], "Mapping[OrgKey, OrgUse]"]
"""Returns the use of this machine by some orgs at a time."""
SIGN_IN_HINT = (
    "Sign in to claude.ai in a browser on this machine, or provide a session with --cookie-file"
    " or CLAUDEMETER_COOKIE."
)


def choose_orgs(orgs: Sequence[OrgState], wanted: str | None) -> tuple[OrgState, ...]:
    """Return the org with this number, name or UUID; all orgs if `wanted` is None.

    Raises:
        SettingsError: no org or several orgs match; the text lists the existing ones.
    """
    if wanted is None:
        return tuple(orgs)
    return (orgs[find_org([state.org.names for state in orgs], wanted)],)


def find_org(orgs: Sequence[OrgName], wanted: str) -> int:
    """Return the place of the org that `--org` names, in the order of the screen.

    Raises:
        SettingsError: no org or several orgs match; the text lists the existing ones.
    """
    try:
        return org_choice.find_org(orgs, wanted)
    except org_choice.OrgChoiceError as error:
        raise SettingsError(f"--org: {error}") from None


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
    from claudemeter_tui.formatting.extension import (  # noqa: PLC0415 - not needed if something was read
        describe_extension_cure,
    )

    problems = [problem for problem in store.problems if not is_informational(problem)]
    lines = [
        f"{format_problem_title(problem)}: {PROBLEM_TEXTS[problem.error_kind].summary}"
        for problem in problems
        if problem.error_kind is not ErrorKind.ALL_IGNORED  # the text below says more
    ]
    failures = [(problem.session, problem.error_kind) for problem in problems if problem.org is None]
    places = store.scan_results or ()
    text = describe_missing_session(failures, places, store.ignored_org_count)
    if text is not NO_SESSION or any(problem.error_kind in NO_SESSION_ERRORS for problem in problems):
        lines.append(SIGN_IN_HINT if text is NO_SESSION else text.cure)
        lines.append("" if store.ignored_org_count else describe_extension_cure(failures, places))
    return dict.fromkeys(filter(None, lines))


def run_once(
    feed: OneShotFeed,
    now: Callable[[], datetime],
    *,
    as_json: bool,
    org: str | None,
    print_reason: Callable[[str], None],
    load_uses: LoadUses | None = None,
) -> int:
    """Poll once and print the result; return the exit status.

    Args:
        feed: The feed to poll.
        now: The feed's clock.
        as_json: True for a JSON array instead of one block per org.
        org: The only org to print, by number, name or UUID. None for all.
        print_reason: Called with each reason, one line, if nothing was read.
        load_uses: Returns the use of this machine by org. None if its transcripts are not read.

    Raises:
        SettingsError: no org matches, or standard output fails.
    """
    store = apply_readings(poll_readings(feed), Store())
    states = choose_orgs(store.orgs, org) if store.orgs else ()
    if as_json:
        at = now()
        uses = load_uses([state.key for state in states], at) if load_uses is not None else {}
        write_line(format_json_array(store, states, at, uses=uses))
    elif states:
        write_line("\n\n".join(format_report(store, state, now()) for state in states))
    return find_status(store, states, print_reason)


def find_status(store: Store, states: Iterable[OrgState], print_reason: Callable[[str], None]) -> int:
    """Return the exit status after one poll of these orgs; print the reasons if nothing was read."""
    # One good reply is a success, even if others failed.
    if any(reply.status == 200 for state in states for reply in state.replies.values()):
        return 0
    for reason in explain_empty_store(store):
        print_reason(reason)
    signed_out = any(problem.error_kind in NO_SESSION_ERRORS for problem in store.problems)
    return EXIT_NO_SESSION if signed_out else EXIT_NOTHING_READ


def poll_readings(feed: OneShotFeed) -> list[Reading]:
    """Poll a feed once and return all readings."""
    import asyncio  # noqa: PLC0415 - a status bar with fresh figures needs none

    readings: list[Reading] = []
    asyncio.run(feed.poll_once(readings.append))
    return readings


def apply_readings(readings: Iterable[Reading], store: Store) -> Store:
    """Return the store after these readings; an unexpected exception becomes a problem in it."""
    return reduce(Store.apply_safely, readings, store)

"""What everything that prints has in common: which org, why there is none, and a pipe that may be closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from claudemeter_tui.config import SettingsError
from claudemeter_tui.model.reading import Trouble
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.scripts.printing import put
from claudemeter_tui.text import problems

NO_SESSION, NOTHING_READ = 3, 4
"""Exit status without a session or with an expired one, and where nothing else could be read."""
SIGN_IN = (
    "Sign in to claude.ai in a browser on this machine, or give the session with --cookie-file"
    " or CLAUDEMETER_COOKIE."
)
WITHOUT_SESSION = frozenset({Trouble.NO_SESSION, Trouble.EXPIRED, Trouble.TOKEN_INVALID})


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


def write(text: str) -> bool:
    """Print it as a line; gives whether anybody still reads.

    Raises:
        SettingsError: standard output takes nothing, its disk is full for example.
    """
    try:
        return put(text)
    except OSError as error:
        raise SettingsError(f"standard output: {error.strerror or 'it cannot be written'}") from None


def reasons(store: Store) -> Iterable[str]:
    """Why nothing was read, each reason once."""
    met = [problem for problem in store.problems if not problems.is_remark(problem)]
    lines = dict.fromkeys(f"{problems.title(one)}: {problems.TABLE[one.trouble].what}" for one in met)
    hint = [SIGN_IN] if any(one.trouble in WITHOUT_SESSION for one in met) else []
    return *lines, *hint


def _named(orgs: Sequence[OrgState]) -> str:
    """`1 Personal (bbbbbbbb-…), 2 …`."""
    return ", ".join(f"{number} {state.org.name} ({state.org.uuid})" for number, state in enumerate(orgs, 1))

"""Choose the org on screen at the start of the program."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first frame does not wait for them
    from claudemeter_tui.formatting.org_choice import OrgChoiceError
    from claudemeter_tui.model.store import OrgKey, OrgState, Store

PATIENCE = timedelta(seconds=2)
"""Time after the first figures until the worst org so far is on screen, however slow the others are."""
TIMEOUT = timedelta(seconds=30)
"""Time after the first figures in which the sessions that have not answered yet can still move the selection.

A poll ends after 20 seconds, but the search for sessions may wait for a password.
"""


class FirstSelection:
    """The org to select until the user chooses one, or until this choice is final.

    The org of `--org` comes first, then the one of the last run, then the worst one. The first org is on
    screen for two seconds at most, then the worst one of those that were read, in this run or in earlier
    ones. Until all sessions have answered, the selection still moves to an org with a worse state, and then a
    last time if another org is worse.
    """

    def __init__(self, remembered: OrgKey | None, wanted: str | None) -> None:
        """Start with the org of the last run and the value of `--org`; None for none."""
        self.is_over = False
        """True if only the user moves the selection from now on."""
        self.fault: OrgChoiceError | None = None
        """Why the org of `--org` cannot be selected, once all sessions have answered. None if it can."""
        self._remembered, self._wanted = remembered, wanted
        self._begun_at: datetime | None = None
        """Time of the first figures. None before them."""
        self._is_provisional = False
        """True if the worst org of some sessions is on screen, and others have not answered."""

    def end(self) -> None:
        """Leave the selection to the user from now on."""
        self.is_over = True

    def restart(self) -> None:
        """Choose again."""
        self.is_over = False

    def choose(
        self, store: Store, selected: OrgKey | None, now: datetime, *, is_complete: bool = False
    ) -> OrgKey | None:
        """Return the org to select; None without orgs.

        Args:
            store: everything known.
            selected: the selected org, which stays if nothing better is known.
            now: the time.
            is_complete: True to wait for no session.
        """
        if not store.orgs:
            return selected
        known = store.find_org_state(selected) or store.orgs[0]
        if self.is_over:
            return known.key
        polled = all(session.schedule is not None for session in store.sessions)
        is_complete = is_complete or (store.has_everyone_answered and polled)
        if self._wanted is not None and self.fault is None:
            wanted = self._find_wanted(store, self._wanted, is_complete=is_complete)
            if self.fault is None:
                self.is_over = is_complete
                return wanted or known.key
        remembered = store.find_org_state(self._remembered)
        read = [state for state in store.orgs if state.read_at is not None]
        if read and self._begun_at is None:
            self._begun_at = now
        waited = now - self._begun_at if self._begun_at is not None else timedelta(0)
        if remembered is not None:
            self.is_over, known = True, remembered
        elif is_complete or waited >= TIMEOUT:
            self.is_over = True
            known = _find_worst(read, known, now)
        elif waited >= PATIENCE:
            worst = _find_worst(read, known, now)
            # A higher percentage alone is no reason to move the screen again.
            if not self._is_provisional or _rank(worst, now)[0] < _rank(known, now)[0]:
                known = worst
            self._is_provisional = True
        return known.key

    def _find_wanted(self, store: Store, wanted: str, *, is_complete: bool) -> OrgKey | None:
        """Return the org of `--org`, a number only once all sessions have answered; None if not known yet."""
        from claudemeter_tui.formatting.org_choice import OrgChoiceError, find_org  # noqa: PLC0415 - rare

        if wanted.isdecimal() and not is_complete:
            return None
        try:
            return store.orgs[find_org([state.org.names for state in store.orgs], wanted)].key
        except OrgChoiceError as error:
            self.fault = error if is_complete else None
            return None


def _find_worst(read: Sequence[OrgState], known: OrgState, now: datetime) -> OrgState:
    """Return the worst of the orgs that were read; `known` if no other is worse."""
    return min(read, key=lambda state: (_rank(state, now), state.key != known.key), default=known)


def _rank(state: OrgState, now: datetime) -> tuple[int, float]:
    """Return the sort key of an org, worst first, by the last known verdict if it is UNKNOWN."""
    from claudemeter_tui.model.verdict import judge, rank_verdict  # noqa: PLC0415 - slow to load

    verdict = judge(state, now)
    return rank_verdict(verdict.last_known or verdict)

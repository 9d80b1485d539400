"""Distinguish the seats of an org: one org can be reached through several accounts.

On Team and Enterprise each account has windows and a cap of its own. Two accounts are therefore two seats,
and each is an org on screen. An org whose accounts read the same figures is on screen once, because it would
otherwise be shown, counted and reported twice. The figures decide, because no reply says whose they are; and
once they have differed, the seats stay apart for the rest of the run, so that no tab comes and goes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, count
from typing import TYPE_CHECKING

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint

if TYPE_CHECKING:  # the store imports this module
    from claudemeter_tui.model.credits import Meter
    from claudemeter_tui.model.store import OrgState
    from claudemeter_tui.model.windows import Window

MAX_READ_GAP = timedelta(minutes=10)
"""Time between two readings above which a rise says nothing."""
RESET_TOLERANCE = timedelta(minutes=2)
"""Difference between two reports of the same reset: it jitters around the full minute."""
START_TOLERANCE = timedelta(hours=1)
"""Time before its first use at which a window may start, because starts are rounded."""
PERCENT_TOLERANCE, PERCENT_PER_MINUTE = 2.0, 5.0
"""Percent by which one window may differ between two readings, at once and for each minute between them."""
MIN_UUID_PART = 4
"""Least number of characters of a uuid in a label."""
SHARE_PER_MINUTE = 0.02
"""Part of the cap, or without one of the use, that may be spent in a minute between two readings."""


def has_shared_orgs(orgs: Sequence[OrgState]) -> bool:
    """Return True if several accounts reach one org."""
    return len({state.org.uuid for state in orgs}) < len(orgs)


def find_separate_orgs(orgs: Sequence[OrgState], known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the uuids of the orgs whose accounts have figures of their own, and those known before."""
    if not has_shared_orgs(orgs):
        return known
    groups: dict[str, list[OrgState]] = defaultdict(list)
    for state in orgs:
        groups[state.org.uuid].append(state)
    found = {
        uuid
        for uuid, states in groups.items()
        if uuid not in known and any(differ_by_seat(*pair) for pair in combinations(states, 2))
    }
    return known | found if found else known


def select_shown_orgs(orgs: Sequence[OrgState], separate: frozenset[str]) -> tuple[OrgState, ...]:
    """Return the orgs on screen: each seat once, in the user's order, then in that of the accounts.

    Of several accounts with the same figures, the first one that works is shown.
    """
    if not has_shared_orgs(orgs) and all(state.org.place is None for state in orgs):
        return tuple(orgs)
    shown: dict[object, OrgState] = {}
    for state in orgs:
        key = (state.org.uuid, state.account.key) if state.org.uuid in separate else state.org.uuid
        known = shown.get(key)
        shown[key] = state if known is None or _rank_source(state) < _rank_source(known) else known
    return tuple(sorted(shown.values(), key=lambda state: state.org.sort_key))


def list_also_via(
    orgs: Iterable[OrgState], shown: OrgState, separate: frozenset[str]
) -> tuple[OrgState, ...]:
    """Return the states of the other accounts that have read the same figures as the org on screen."""
    if shown.org.uuid in separate:
        return ()
    return tuple(
        state
        for state in orgs
        if state.org.uuid == shown.org.uuid and state.key != shown.key and state.read_at is not None
    )


def _rank_source(state: OrgState) -> tuple[bool, bool, bool]:
    """Return the sort key of the accounts of one org: those that work come first."""
    is_read = Endpoint.USAGE in state.replies
    return not is_read, state.session_error is not None, Endpoint.USAGE in state.failures


def differ_by_seat(one: OrgState, other: OrgState) -> bool:
    """Return True if two accounts of one org cannot have read the figures of the same seat."""
    if one.read_at is None or other.read_at is None:
        unread = one if one.read_at is None else other
        # It may be blocked where the other one can work, so its failure must be seen.
        return unread.org.is_shared and bool(unread.failures)
    earlier, later = (one, other) if one.read_at <= other.read_at else (other, one)
    then, now = sorted((one.read_at, other.read_at))
    before = {window.key: window for window in earlier.plan.windows} if earlier.plan else {}
    after = {window.key: window for window in later.plan.windows} if later.plan else {}
    shared = before.keys() & after.keys()
    if any(_do_windows_differ(before[key], after[key], then, now) for key in shared):
        return True
    old_meters = {meter.origin: meter for meter in earlier.credits.meters}
    return any(
        _do_meters_differ(old_meters[meter.origin], meter, then, now)
        for meter in later.credits.meters
        if meter.origin in old_meters
    )


def _do_windows_differ(before: Window, after: Window, then: datetime, now: datetime) -> bool:
    """Return True if a reading of a window at `now` cannot follow one at `then`."""
    if before.is_due(now) or after.is_due(now):
        return False
    if before.resets_at is not None and after.resets_at is not None:
        if abs(before.resets_at - after.resets_at) > RESET_TOLERANCE:
            return True
    elif before.resets_at is not None:
        return bool(before.percent)
    elif after.resets_at is not None and after.length is not None:
        start = after.resets_at - after.length
        if start < then - START_TOLERANCE:
            return True
    if before.percent is None or after.percent is None:
        return False
    rise = PERCENT_TOLERANCE + PERCENT_PER_MINUTE * _count_minutes(now - then)
    is_faster = now - then <= MAX_READ_GAP and after.percent > before.percent + rise
    return after.percent < before.percent - PERCENT_TOLERANCE or is_faster


def _do_meters_differ(before: Meter, after: Meter, then: datetime, now: datetime) -> bool:
    """Return True if a reading of the credits at `now` cannot follow one at `then`."""
    is_same_month = (then.year, then.month) == (now.year, now.month)
    if now - then > MAX_READ_GAP or not is_same_month or before.figures_at or after.figures_at:
        return False
    if before.cap is not None and after.cap is not None and before.cap != after.cap:
        return True
    if before.used is None or after.used is None or before.used.currency != after.used.currency:
        return False
    size = float((after.cap or after.used).minor)
    rise = size * SHARE_PER_MINUTE * max(1.0, _count_minutes(now - then))
    return not float(before.used.minor) <= float(after.used.minor) <= float(before.used.minor) + rise


def _count_minutes(span: timedelta) -> float:
    return span / timedelta(minutes=1)


def note_accounts(owners: Sequence[tuple[Org, Account, str]]) -> list[str]:
    """Return for each org a short text that distinguishes it from others of the same name.

    No two orgs have the same label, in any case: not even an org whose name looks like another one's label.

    Args:
        owners: org, account and session label of each org on screen. The result is empty for an org whose
            name no other one has.
    """
    names = [org.plain_name.casefold() for org, _, _ in owners]
    counts = Counter(names)
    notes = [""] * len(owners)
    taken = {name for name, number in counts.items() if number == 1}
    for name in [name for name, number in counts.items() if number > 1]:
        places = [place for place, one in enumerate(names) if one == name]
        for found in _iterate_notes([owners[place] for place in places]):
            labels = {f"{name} ({note})".casefold() for note in found if note}
            if len(labels) == len(places) and labels.isdisjoint(taken):
                break
        taken |= labels
        for place, note in zip(places, found, strict=True):
            notes[place] = note
    return notes


def _iterate_notes(group: Sequence[tuple[Org, Account, str]]) -> Iterator[list[str]]:
    """Yield texts that may distinguish orgs of one name, the shortest first, at last numbers without end."""
    emails = [account.email or "" for _, account, _ in group]
    accounts = _shorten_uuids([account.uuid or "" for _, account, _ in group])
    yield [email.partition("@")[0] for email in emails]
    names = [
        email or uuid or session for email, uuid, (*_, session) in zip(emails, accounts, group, strict=True)
    ]
    yield names
    uuids = _shorten_uuids([org.uuid for org, *_ in group])
    yield uuids
    yield [f"{name}, {uuid}" for name, uuid in zip(names, uuids, strict=True)]
    for start in count(1, len(group)):
        yield [str(start + place) for place in range(len(group))]


def _shorten_uuids(uuids: Sequence[str]) -> list[str]:
    """Return the shortest beginning or end of each uuid, of at least 4 characters, that distinguishes them.

    A uuid that occurs several times stays so.
    """
    differing = len(set(uuids))
    for length in range(MIN_UUID_PART, max(map(len, uuids))):
        for parts in ([uuid[:length] for uuid in uuids], [uuid[-length:] for uuid in uuids]):
            if len({part.casefold() for part in parts}) == differing:
                return parts
    return [*uuids]


def add_account_notes(orgs: tuple[OrgState, ...], shown: Sequence[OrgState]) -> tuple[OrgState, ...]:
    """Return the orgs, with a note for each one on screen whose name another one has; else the same tuple."""
    notes = note_accounts([(state.org, state.account, state.session.label) for state in shown])
    changed = {
        state.key: replace(state, org=replace(state.org, account_note=note))
        for state, note in zip(shown, notes, strict=True)
        if note != state.org.account_note
    }
    return tuple(changed.get(state.key, state) for state in orgs) if changed else orgs

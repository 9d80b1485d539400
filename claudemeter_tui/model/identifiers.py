"""Identifiers without names: the labels of the metrics, and the key that names their org in `--json`.

An identifier is the same in every run and every process, so that a series in Prometheus continues. It is the
beginning of a hash of a UUID, which is random: the UUID cannot be found from it, but someone who knows the
UUID can recognize it. Names, e-mails and profiles are never hashed, because they can be guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from hashlib import sha256

from claudemeter_tui.model.store import OrgKey, OrgState

HASH_DIGITS = 12
"""Hexadecimal digits of an identifier: two of a thousand orgs are equal in one of 500 million cases."""


def identify_orgs(states: Collection[OrgState]) -> dict[OrgKey, str]:
    """Return the identifier of each org on screen; each seat of an org with several ones has its own."""
    counts = Counter(state.org.uuid for state in states)
    return {state.key: _identify_org(state, is_seat=counts[state.org.uuid] > 1) for state in states}


def _identify_org(state: OrgState, *, is_seat: bool) -> str:
    uuid = state.org.uuid.lower()
    return hash_parts("seat", uuid, state.account.key) if is_seat else hash_parts("org", uuid)


def hash_parts(kind: str, *parts: str) -> str:
    """Return an identifier of these parts; at least one of them is a UUID."""
    return sha256("\0".join(("claudemeter", kind, *parts)).encode()).hexdigest()[:HASH_DIGITS]

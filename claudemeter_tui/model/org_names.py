"""Find the org that a person means by a number, a name or a UUID.

A status bar loads this every few seconds, so it loads nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class OrgName(NamedTuple):
    """The names of one org."""

    uuid: str
    name: str
    """Name from the server; may be empty."""
    alias: str = ""
    """Name that the user gave it; empty for none."""
    account_note: str = ""
    """Part of the account that distinguishes it from another org of the same name; empty if there is none."""

    @property
    def label(self) -> str:
        """The name on screen: the alias or the name, and the account if another org has the same one."""
        plain = self.alias or self.name or self.uuid[:8]
        return f"{plain} ({self.account_note})" if self.account_note else plain


def match_orgs(orgs: Sequence[OrgName], wanted: str) -> list[int]:
    """Return the places of the orgs with this number, name or UUID."""
    numbered = [place for place in range(len(orgs)) if str(place + 1) == wanted]
    return numbered or match_names(orgs, wanted)


def match_names(orgs: Sequence[OrgName], wanted: str) -> list[int]:
    """Return the places of the orgs with this name or UUID.

    An exact match wins, so that one of two orgs whose names differ only by case can be selected.
    """
    exact = [place for place, org in enumerate(orgs) if wanted in _list_names(org)]
    folded = [
        place for place, org in enumerate(orgs) if wanted.casefold() in map(str.casefold, _list_names(org))
    ]
    return exact or folded


def _list_names(org: OrgName) -> tuple[str, ...]:
    # An org without a name can be chosen by an empty one, an org without an alias cannot.
    return org.uuid, org.name, org.label, *([org.alias] if org.alias else [])

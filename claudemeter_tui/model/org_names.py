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
    label: str = ""
    """Name on screen, which differs from that of every other org. Empty if it is not known."""

    @property
    def shown(self) -> str:
        """The name for a list."""
        return self.label or self.name


def match_orgs(orgs: Sequence[OrgName], wanted: str) -> list[int]:
    """Return the places of the orgs with this number, name or UUID."""
    numbered = [place for place in range(len(orgs)) if str(place + 1) == wanted]
    return numbered or match_names(orgs, wanted)


def match_names(orgs: Sequence[OrgName], wanted: str) -> list[int]:
    """Return the places of the orgs with this name or UUID.

    An exact match wins, so that one of two orgs whose names differ only by case can be selected.
    """
    exact = [place for place, org in enumerate(orgs) if wanted in org]
    folded = [
        place
        for place, org in enumerate(orgs)
        if wanted.casefold() in (org.uuid, *(name.casefold() for name in org[1:]))
    ]
    return exact or folded

"""Pseudonyms for personal texts: the same text always gets the same one, numbered in order of arrival."""

from __future__ import annotations

from enum import StrEnum


class PseudonymKind(StrEnum):
    """Meaning of a text, which decides the form of its pseudonym."""

    PERSON = "person"
    ORG = "org"
    UUID = "uuid"
    ID = "id"
    CARD = "card"
    PROFILE = "profile"
    REASON = "reason"
    MODEL = "model"
    SURFACE = "surface"
    PLAN = "plan"
    FIELD = "field"
    TEXT = "text"


class Pseudonyms:
    """Pseudonyms assigned so far; they only grow until the program exits."""

    def __init__(self) -> None:
        self._given: dict[PseudonymKind, dict[str, str]] = {kind: {} for kind in PseudonymKind}

    def get_or_assign(self, kind: PseudonymKind, text: str) -> str:
        """Return the pseudonym for a text of this kind; empty for an empty text."""
        assigned = self._given[kind]
        if text and text not in assigned:
            assigned[text] = _build_pseudonym(kind, len(assigned))
        return assigned.get(text, "")

    def list_assigned(self, kind: PseudonymKind) -> tuple[tuple[str, str], ...]:
        """Return the texts of a kind with their pseudonyms, longest first."""
        # Longest first, so that replacing "Work" does not destroy "Work 2".
        return tuple(sorted(self._given[kind].items(), key=lambda pair: -len(pair[0])))

    def find_assigned(self, text: str) -> str | None:
        """Return the text's pseudonym of any kind; None if it has none yet."""
        return next((assigned[text] for assigned in self._given.values() if text in assigned), None)


def _build_pseudonym(kind: PseudonymKind, count: int) -> str:
    """Build a pseudonym in the kind's own form, after `count` others of that kind."""
    match kind:
        case PseudonymKind.ORG:
            return f"Org {_format_letters(count)}"
        case PseudonymKind.UUID:
            return f"{count + 1:08x}-0000-4000-8000-000000000000"
        case PseudonymKind.ID:
            return f"id-{count + 1}"
        # A card shows exactly four digits, so after ten thousand cards the numbers repeat.
        case PseudonymKind.CARD:
            return f"{count % 10_000:04}"
        case _:
            return f"{kind} {count + 1}"


def _format_letters(number: int) -> str:
    """Format a number as `A` to `Z`, then `AA`."""
    head, tail = divmod(number, 26)
    return (_format_letters(head - 1) if head else "") + chr(ord("A") + tail)

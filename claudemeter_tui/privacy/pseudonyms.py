"""Stand-ins for what is personal: the same text always has the same one, first come first numbered."""

from __future__ import annotations

from enum import StrEnum


class PseudonymKind(StrEnum):
    """What a text is, which decides what stands in for it."""

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
    """What was given so far; it only grows, as long as the run lasts."""

    def __init__(self) -> None:
        self._given: dict[PseudonymKind, dict[str, str]] = {kind: {} for kind in PseudonymKind}

    def get_or_assign(self, kind: PseudonymKind, text: str) -> str:
        """What stands in for a text of that kind; nothing for nothing."""
        given = self._given[kind]
        if text and text not in given:
            given[text] = _build_pseudonym(kind, len(given))
        return given.get(text, "")

    def list_assigned(self, kind: PseudonymKind) -> tuple[tuple[str, str], ...]:
        """The texts of a kind with what stands in for them, the longest first."""
        return tuple(sorted(self._given[kind].items(), key=lambda pair: -len(pair[0])))

    def find_assigned(self, text: str) -> str | None:
        """What already stands in for it, of whatever kind. None: nothing yet."""
        return next((given[text] for given in self._given.values() if text in given), None)


def _build_pseudonym(kind: PseudonymKind, before: int) -> str:
    """A stand-in of the kind's own form, after so many others."""
    match kind:
        case PseudonymKind.ORG:
            return f"Org {_format_letters(before)}"
        case PseudonymKind.UUID:
            return f"{before + 1:08x}-0000-4000-8000-000000000000"
        case PseudonymKind.ID:
            return f"id-{before + 1}"
        case PseudonymKind.CARD:
            return f"{before % 10_000:04}"
        case _:
            return f"{kind} {before + 1}"


def _format_letters(number: int) -> str:
    """`A` to `Z`, then `AA`."""
    head, tail = divmod(number, 26)
    return (_format_letters(head - 1) if head else "") + chr(ord("A") + tail)

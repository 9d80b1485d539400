"""What the profile reply means: whose login it is, and the org that it reads."""

from __future__ import annotations

from typing import Any

from claudemeter_tui.model.usage import Account, Org
from claudemeter_tui.sources.claude_ai.lenient import Notes, Parsed, Shape, whole_object
from claudemeter_tui.sources.claude_ai.wire_orgs import AccountShape, orgs


class ProfileShape(Shape):
    """The profile body."""

    spare = frozenset({"application"})

    account: Any = None
    organization: Any = None


def profile(body: object) -> Parsed[tuple[Account, Org | None]]:
    """Whose login it is, and its org; None where it has none with usage.

    Raises:
        MalformedError: the body is no object.
    """
    notes = Notes()
    found = notes.read(ProfileShape, whole_object(body)) or ProfileShape()
    who = notes.read(AccountShape, found.account, "account") or AccountShape()
    listed = [] if found.organization is None else [("organization", found.organization)]
    org = next(iter(orgs(listed, notes)), None)
    return notes.parsed((Account(who.uuid, who.email or who.email_address), org))

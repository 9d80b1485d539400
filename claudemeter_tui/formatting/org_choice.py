"""Find the one org that a person names, or say which ones there are."""

from __future__ import annotations

from collections.abc import Sequence

from claudemeter_tui.model.org_names import OrgName, match_orgs


class OrgChoiceError(ValueError):
    """Raised if no org or several orgs match. The text lists the existing ones."""

    def __init__(self, fault: str, choices: str) -> None:
        """Store the fault, such as `unknown org 'Lab'`, and the existing orgs."""
        super().__init__(f"{fault}; choose from {choices}")
        self.fault = fault


def find_org(orgs: Sequence[OrgName], wanted: str) -> int:
    """Return the place of the org with this number (from 1), name or UUID.

    Raises:
        OrgChoiceError: no org or several orgs match.
    """
    matches = match_orgs(orgs, wanted)
    if len(matches) == 1:
        return matches[0]
    fault = "several orgs match" if matches else "unknown org"
    choices = (f"{number} {org.label} ({org.uuid})" for number, org in enumerate(orgs, 1))
    raise OrgChoiceError(f"{fault} {wanted!r}", ", ".join(choices))

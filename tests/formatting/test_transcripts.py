"""Words for what transcripts say."""

from __future__ import annotations

import pytest

from claudemeter_tui.formatting.transcripts import describe_refusal_causes


@pytest.mark.parametrize(
    ("is_personal", "why"),
    [(True, "your monthly cap is reached"), (False, "your organization's monthly cap is reached")],
)
def test_a_cap_is_named_after_its_owner(is_personal: bool, why: str) -> None:  # noqa: FBT001 - a case
    """The server's code names an organization on personal plans, too."""
    words = describe_refusal_causes("five_hour", "org_spend_cap_reached", is_personal=is_personal)
    assert words == f"5-hour window; credits locked: {why}"
    other = describe_refusal_causes("overage", "out_of_credits", is_personal=is_personal)
    assert other == describe_refusal_causes("overage", "out_of_credits")

"""Every pair of signs about the usage credits, through client, store and verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from claudemeter_tui.model.verdict import VerdictState
from tests.bodies import NEXT_MONTH
from tests.soak.credits import Path, judge_org, member_org, name_state, personal_org, shared_org, with_field
from tests.soak.credits_oracle import RawOrg, RawReply, State

FIGURES = {"used_credits", "monthly_limit", "monthly_credit_limit"}
"""Keys whose values are compared with each other: no use is no lock under any cap."""


@dataclass(frozen=True)
class Sign:
    """One thing that a reply says about the credits."""

    means: State
    reply: str
    """Name of the reply in `RawOrg`."""
    path: Path
    """Place in the body; empty if the sign is the whole reply."""
    value: Any

    def __str__(self) -> str:
        """Return the place and the value, for the name of a test."""
        text = self.value.text or self.value.body if isinstance(self.value, RawReply) else self.value
        return f"{'.'.join((self.reply, *self.path))}={text!r}"

    def put(self, org: RawOrg) -> RawOrg:
        """Return the org with this sign."""
        if not self.path:
            return replace(org, **{self.reply: self.value})
        return with_field(org, self.reply, self.path, value=self.value)

    def excludes(self, other: Sign) -> bool:
        """Return True if both cannot be in the replies: one place, or a figure that undoes the other."""
        if self.reply != other.reply:
            return False
        length = min(len(self.path), len(other.path))
        undoes = "open" in {self.means, other.means} and {*self.path[-1:], *other.path[-1:]} <= FIGURES
        return self.path[:length] == other.path[:length] or undoes


SIGNS = (
    Sign("locked", "overage", ("out_of_credits",), True),
    Sign("locked", "overage", ("disabled_until",), NEXT_MONTH),
    Sign("locked", "overage", ("disabled_reason",), "self_selected_spend_limit_reached"),
    Sign("locked", "overage", ("disabled_reason",), "capacity_protection"),
    Sign("locked", "overage", ("disabled_reason",), "a_new_reason"),
    Sign("locked", "overage", ("used_credits",), 200_000),
    Sign("locked", "overage", ("monthly_credit_limit",), 1000),
    Sign("locked", "usage", ("extra_usage", "spend_limit_reached"), True),
    Sign("locked", "usage", ("extra_usage", "used_credits"), 5000.0),
    Sign("locked", "usage", ("extra_usage", "disabled_reason"), "out_of_credits"),
    Sign("locked", "usage", ("extra_usage", "disabled_reason"), "org_level_disabled_until"),
    Sign("locked", "usage", ("spend", "disabled_reason"), "org_spend_cap_reached"),
    Sign("locked", "organization", ("billable_usage_paused_until",), NEXT_MONTH),
    Sign("off", "overage", ("disabled_reason",), "user_disabled"),
    Sign("off", "usage", ("extra_usage", "disabled_reason"), "org_level_disabled"),
    Sign("off", "usage", ("spend", "disabled_reason"), "seat_tier_zero_credit_limit"),
    Sign("not known", "overage", ("disabled_reason",), "fetch_error"),
    Sign("not known", "overage", ("out_of_credits",), "true"),
    Sign("not known", "overage", ("disabled_until",), ["2026-05-01"]),
    Sign("not known", "overage", ("used_credits",), "1720"),
    Sign("not known", "overage", ("monthly_credit_limit",), {"amount_minor": 100_000}),
    Sign("not known", "overage", (), RawReply(text="Internal error", status=500)),
    Sign("not known", "overage", (), RawReply(text="<html>Sign in</html>")),
    Sign("not known", "overage", (), RawReply([{"is_enabled": True}])),
    Sign("not known", "usage", ("extra_usage", "disabled_reason"), "unknown"),
    Sign("not known", "usage", ("extra_usage", "spend_limit_reached"), "true"),
    Sign("not known", "usage", ("spend", "disabled_reason"), {"code": "out_of_credits"}),
    Sign("not known", "organization", ("billable_usage_paused_until",), [NEXT_MONTH]),
    Sign("open", "overage", ("disabled_until",), "2026-04-01T00:00:00Z"),
    Sign("open", "overage", ("used_credits",), 0),
    Sign("open", "usage", ("extra_usage", "monthly_limit"), None),
    Sign("open", "usage", ("spend",), None),
    Sign("open", "organization", ("billable_usage_paused_until",), "2026-04-01T00:00:00Z"),
)
"""Signs of each state, each of a single reply."""


def expected_states(*signs: Sign) -> set[State]:
    """Return what a pair may be: "open" never beside another sign, "not known" at any contradiction."""
    states = {sign.means for sign in signs}
    if len(states) > 1:
        states = states - {"open"} | {"not known"}
    return states


@pytest.mark.parametrize(
    "org", [personal_org(), shared_org(), member_org()], ids=["personal", "shared", "member"]
)
@pytest.mark.parametrize("place", range(len(SIGNS) - 1), ids=lambda place: str(SIGNS[place]))
def test_pairs_of_signs(place: int, org: RawOrg) -> None:
    """Credits that every other reply calls open are open only if neither sign says otherwise.

    Each sign is put beside every later one that can be in the replies at the same time.
    """
    one = SIGNS[place]
    for other in SIGNS[place + 1 :]:
        if one.excludes(other):
            continue
        verdict = judge_org(other.put(one.put(org)))
        assert verdict is not None
        said, expected = name_state(verdict), expected_states(one, other)
        assert said in expected, f"with {other} the program says {said}, right: {sorted(expected)}"
        assert (said == "open") is (verdict.state is VerdictState.ON_CREDITS), other
        # Otherwise there is a state without a cause, or a cause without a state.
        assert (said == "open") is (not verdict.credit_locks), other

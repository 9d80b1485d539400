"""What shuts the credits, and what is wrong with the payment: in plain words, and what cures it.

A code that is not in the table is quoted, never interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping

from claudemeter_tui.model.usage import CreditState
from claudemeter_tui.model.verdict import Cause, Payment, Shut

USAGE_PAGE = "claude.ai/settings/usage"
BILLING_PAGE = "claude.ai/settings/billing"

ADD_CREDITS = f"add credits on {USAGE_PAGE}"
RAISE_CAP = f"raise the cap on {USAGE_PAGE}"
SWITCH_ON = f"switch it on at {USAGE_PAGE}"
ASK_CAP = "ask an administrator to raise the organization's cap"
ASK_SWITCH = "ask an administrator to switch it on"
ASK_LIMIT = "ask an administrator for a limit"
PAY = f"update the payment method on {BILLING_PAGE}"
RESUME = f"resume it on {BILLING_PAGE}"

REASONS: Mapping[str, tuple[str, str]] = {
    "out_of_credits": ("the prepaid balance is empty", ADD_CREDITS),
    "self_selected_spend_limit_reached": ("your own monthly limit is reached", RAISE_CAP),
    "org_spend_cap_reached": ("the organization's spend cap is reached", ASK_CAP),
    "org_level_disabled_until": (
        "extra usage is disabled for the organization until a date",
        "ask an administrator",
    ),
    "overage_not_provisioned": (
        "extra usage was never set up",
        f"set it up on {USAGE_PAGE}",
    ),
    "user_disabled": ("extra usage is switched off", SWITCH_ON),
    "no_limits_configured": ("no limit is set for extra usage", f"set one on {USAGE_PAGE}"),
    "org_level_disabled": ("extra usage is switched off for the organization", ASK_SWITCH),
    "seat_tier_level_disabled": ("extra usage is switched off for your seat tier", ASK_SWITCH),
    "member_level_disabled": ("extra usage is switched off for you as a member", ASK_SWITCH),
    "org_service_level_disabled": (
        "extra usage of this service is switched off for the organization",
        ASK_SWITCH,
    ),
    "seat_tier_zero_credit_limit": ("the credit limit of your seat tier is zero", ASK_LIMIT),
    "group_zero_credit_limit": ("the credit limit of your group is zero", ASK_LIMIT),
    "member_zero_credit_limit": ("your credit limit as a member is zero", ASK_LIMIT),
    "org_service_zero_credit_limit": (
        "the organization's credit limit for this service is zero",
        ASK_LIMIT,
    ),
}
"""Words and cure of each `disabled_reason` whose name says what it means."""

UNREASONED: Mapping[tuple[Cause, bool], tuple[str, str | None]] = {
    (Cause.EMPTY_BALANCE, True): ("the prepaid balance is empty", ADD_CREDITS),
    (Cause.EMPTY_BALANCE, False): ("the organization's prepaid balance is empty", ADD_CREDITS),
    (Cause.CAP, True): ("the monthly cap is reached", RAISE_CAP),
    (Cause.CAP, False): ("the organization's monthly cap is reached", ASK_CAP),
    (Cause.OFF, True): ("extra usage is off", SWITCH_ON),
    (Cause.OFF, False): ("extra usage is off for the organization", ASK_SWITCH),
    (Cause.PAUSED, True): ("billable usage is paused", None),
    (Cause.PAUSED, False): ("billable usage is paused for the organization", None),
    (Cause.NOT_READ, True): ("no reply with the credits is young enough", None),
    (Cause.NOT_REPORTED, True): ("no reply says whether they are open", None),
    (Cause.NOT_REPORTED, False): ("no reply says whether the organization's are open", None),
}
"""Words and cure where the server gives no code, by cause and whether it is one's own gate."""


def words(code: str) -> str:
    """A `disabled_reason` in plain words; `the server says "foo_bar"` where it is opaque."""
    known = REASONS.get(code)
    return known[0] if known else f'the server says "{code}"'


def cure(code: str) -> str | None:
    """What to do about a `disabled_reason`. None: nothing is known to help but time."""
    known = REASONS.get(code)
    return known[1] if known else None


def shut_words(shut: Shut) -> str:
    """What keeps the credits shut, in plain words; where nothing is known, only that they are."""
    if shut.reason is not None:
        return words(shut.reason)
    bare = {CreditState.LOCKED: "locked by the server", CreditState.OFF: "extra usage is off"}
    known = UNREASONED.get((shut.cause, shut.personal))
    return known[0] if known else bare.get(shut.state, "not reported")


def shut_cure(shut: Shut) -> str | None:
    """What opens the credits again. None: nothing is known to but time."""
    if shut.reason is not None:
        return cure(shut.reason)
    known = UNREASONED.get((shut.cause, shut.personal))
    return known[1] if known else None


def payment_words(payment: Payment) -> str:
    """What is wrong with the payment; a gate that is not in the table is quoted under its key."""
    match payment.key, payment.value:
        case "status", "past_due":
            return "the last payment failed (past_due)"
        case ("status", "paused") | ("payment_paused_until", _):
            return "the subscription is paused"
        case key, value:
            return f'{key}: "{value}"'


def payment_cure(payment: Payment) -> str | None:
    """What sets the payment right. None: the gate is opaque."""
    match payment.key, payment.value:
        case "status", "past_due":
            return PAY
        case ("status", "paused") | ("payment_paused_until" | "subscription_pause", _):
            return RESUME
        case "billing_issue", _:
            return f"see {BILLING_PAGE}"
        case _:
            return None

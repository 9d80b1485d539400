"""Reasons in plain words, and their cures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from claudemeter_tui.model.usage import OFF_REASONS, CreditState
from claudemeter_tui.model.verdict import CAUSES, Cause, Payment, Shut
from claudemeter_tui.text.reasons import (
    REASONS,
    cure,
    payment_cure,
    payment_words,
    shut_cure,
    shut_words,
    words,
)

LOCKED, OFF, UNKNOWN = CreditState.LOCKED, CreditState.OFF, CreditState.UNKNOWN


def test_every_reason_with_a_cause_has_words_and_a_cure() -> None:
    """The two tables know the same codes, so that none is half interpreted."""
    assert set(CAUSES) == set(REASONS)


@pytest.mark.parametrize("code", sorted(CAUSES))
def test_known_reasons_are_said_without_their_code(code: str) -> None:
    """Plain words hold no code; the banner adds it."""
    assert "_" not in words(code)


@pytest.mark.parametrize("code", sorted(code for code, cause in CAUSES.items() if cause is Cause.ADMIN))
def test_limits_of_others_name_whom_to_ask(code: str) -> None:
    """What an administrator set, an administrator lifts."""
    assert "ask an administrator" in (cure(code) or "")


@pytest.mark.parametrize("code", sorted(OFF_REASONS))
def test_what_is_off_can_be_cured(code: str) -> None:
    """Whatever is switched off can be switched on by someone."""
    assert cure(code)


@pytest.mark.parametrize("code", ["capacity_protection", "fetch_error", "unknown", "foo_bar", ""])
def test_opaque_reasons_are_quoted_and_have_no_cure(code: str) -> None:
    """What is not known is shown as it is, and nothing is promised."""
    assert (words(code), cure(code)) == (f'the server says "{code}"', None)


@pytest.mark.parametrize(
    ("expected", "remedy", "shut"),
    [
        (
            "your own monthly limit is reached",
            "raise the cap on claude.ai/settings/usage",
            Shut(LOCKED, Cause.CAP, "self_selected_spend_limit_reached"),
        ),
        (
            "the prepaid balance is empty",
            "add credits on claude.ai/settings/usage",
            Shut(LOCKED, Cause.EMPTY_BALANCE),
        ),
        (
            "the monthly cap is reached",
            "raise the cap on claude.ai/settings/usage",
            Shut(LOCKED, Cause.CAP),
        ),
        (
            "the organization's monthly cap is reached",
            "ask an administrator to raise the organization's cap",
            Shut(LOCKED, Cause.CAP, personal=False),
        ),
        ("locked by the server", None, Shut(LOCKED, Cause.SERVER)),
        ("locked by the server", None, Shut(LOCKED, Cause.SERVER, personal=False)),
        ('the server says "foo_bar"', None, Shut(LOCKED, Cause.SERVER, "foo_bar")),
        ("billable usage is paused for the organization", None, Shut(LOCKED, Cause.PAUSED, personal=False)),
        ("extra usage is off", "switch it on at claude.ai/settings/usage", Shut(OFF, Cause.OFF)),
        ("no reply says whether they are open", None, Shut(UNKNOWN, Cause.NOT_REPORTED)),
        ("no reply with the credits is young enough", None, Shut(UNKNOWN, Cause.NOT_READ)),
    ],
)
def test_shut_credits_are_said_by_code_or_else_by_cause(
    expected: str, remedy: str | None, shut: Shut
) -> None:
    """A code speaks for itself; without one a flag does; with neither no cause is invented."""
    assert (expected, remedy) == (shut_words(shut), shut_cure(shut))


@pytest.mark.parametrize(
    ("expected", "remedy", "payment"),
    [
        (
            "the last payment failed (past_due)",
            "update the payment method on claude.ai/settings/billing",
            Payment("status", "past_due"),
        ),
        (
            "the subscription is paused",
            "resume it on claude.ai/settings/billing",
            Payment("status", "paused"),
        ),
        (
            "the subscription is paused",
            "resume it on claude.ai/settings/billing",
            Payment("payment_paused_until", "", datetime(2026, 5, 1, tzinfo=UTC)),
        ),
        ('billing_issue: "card"', "see claude.ai/settings/billing", Payment("billing_issue", "card")),
        ('access_block: "odd"', None, Payment("access_block", "odd")),
    ],
)
def test_payment_troubles_have_words_and_cures(expected: str, remedy: str | None, payment: Payment) -> None:
    """A failed payment says what to do; an opaque gate is quoted under its key."""
    assert (expected, remedy) == (payment_words(payment), payment_cure(payment))

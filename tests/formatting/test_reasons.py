"""Reasons in plain words, and their cures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from claudemeter_tui.formatting.credits import (
    REASON_TEXTS,
    describe_lock,
    describe_lock_cure,
    describe_payment,
    describe_reason,
)
from claudemeter_tui.model.catalogue import DISABLED_REASONS, Cause, CreditState, MeterOrigin
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.verdict import PaymentProblem
from tests.model.values import list_reasons, usd

LOCKED, OFF, UNKNOWN = CreditState.LOCKED, CreditState.OFF, CreditState.UNKNOWN


UNDERSTOOD = sorted(code for code, known in DISABLED_REASONS.items() if known.cause is not Cause.SERVER)
"""Codes whose cause is known; every other one is quoted."""


def test_every_reason_with_a_cause_has_words_and_a_cure() -> None:
    """A code that the catalogue explains is never quoted, and no words are left of one that is gone."""
    without_words = [code for code in UNDERSTOOD if code not in REASON_TEXTS]
    assert without_words == [], "formatting.credits.REASON_TEXTS has no words and no cure for these codes"
    assert [code for code in REASON_TEXTS if code not in UNDERSTOOD] == [], (
        "model.catalogue.DISABLED_REASONS has no cause for these codes"
    )


@pytest.mark.parametrize("code", sorted(REASON_TEXTS))
def test_known_reasons_have_no_code_in_their_words(code: str) -> None:
    """Plain words hold no code; the banner adds it."""
    assert "_" not in describe_reason(code)


@pytest.mark.parametrize("code", [code for code in UNDERSTOOD if DISABLED_REASONS[code].cause is Cause.ADMIN])
def test_limits_of_an_administrator_name_the_administrator(code: str) -> None:
    """The cure of an administrator's limit is to ask an administrator."""
    known = DISABLED_REASONS[code]
    cure = describe_lock_cure(CreditLock(known.state, known.cause, code, needs_admin=True))
    assert "ask an administrator" in (cure or "")


@pytest.mark.parametrize("code", list_reasons(CreditState.OFF))
def test_what_is_off_can_be_cured(code: str) -> None:
    """Every reason that means off has a cure."""
    assert describe_lock_cure(CreditLock(OFF, DISABLED_REASONS[code].cause, code))


@pytest.mark.parametrize("code", ["capacity_protection", "fetch_error", "unknown", "foo_bar", ""])
def test_opaque_reasons_are_quoted_and_have_no_cure(code: str) -> None:
    """An unknown reason is quoted and has no cure."""
    lock = CreditLock(LOCKED, Cause.SERVER, code)
    assert (describe_lock(lock), describe_lock_cure(lock)) == (f'the server says "{code}"', None)


@pytest.mark.parametrize(
    ("expected", "remedy", "shut"),
    [
        (
            "your monthly cap is reached",
            "raise the cap on claude.ai/settings/usage",
            CreditLock(LOCKED, Cause.CAP, "self_selected_spend_limit_reached"),
        ),
        (
            "the prepaid balance is empty",
            "add credits on claude.ai/settings/usage",
            CreditLock(LOCKED, Cause.EMPTY_BALANCE),
        ),
        (
            "your monthly cap is reached",
            "raise the cap on claude.ai/settings/usage",
            CreditLock(LOCKED, Cause.CAP),
        ),
        (
            "your organization's monthly cap is reached",
            "ask an administrator to raise it",
            CreditLock(LOCKED, Cause.CAP, "org_level_disabled_until", is_personal=False, needs_admin=True),
        ),
        (
            "your monthly cap is reached",
            "raise the cap on claude.ai/settings/usage",
            CreditLock(LOCKED, Cause.CAP, "org_level_disabled_until"),
        ),
        (
            'the server says "out of credits", but the balance is $244.35',
            "check claude.ai/settings/usage",
            CreditLock(LOCKED, Cause.OUT_OF_CREDITS, "out_of_credits", balance=usd(24_435)),
        ),
        (
            "disabled_until of overage cannot be read",
            None,
            CreditLock(
                UNKNOWN, Cause.UNREADABLE, origin=MeterOrigin.OVERAGE, unreadable_key="disabled_until"
            ),
        ),
        ("the replies disagree", None, CreditLock(UNKNOWN, Cause.CONTRADICTION)),
        ("no cause given", None, CreditLock(LOCKED, Cause.SERVER)),
        ("no cause given", None, CreditLock(LOCKED, Cause.SERVER, is_personal=False)),
        ('the server says "foo_bar"', None, CreditLock(LOCKED, Cause.SERVER, "foo_bar")),
        (
            "billable usage is paused for your organization",
            None,
            CreditLock(LOCKED, Cause.PAUSED, is_personal=False),
        ),
        ("usage credits are off", "turn them on at claude.ai/settings/usage", CreditLock(OFF, Cause.OFF)),
        ("their state is not reported", None, CreditLock(UNKNOWN, Cause.NOT_REPORTED)),
        ("their state could not be read", None, CreditLock(UNKNOWN, Cause.NOT_READ)),
    ],
)
def test_closed_credits_are_worded_by_code_or_else_by_cause(
    expected: str, remedy: str | None, shut: CreditLock
) -> None:
    """The code gives the words, without one the flag; without both no cause is invented."""
    assert (expected, remedy) == (describe_lock(shut), describe_lock_cure(shut))


@pytest.mark.parametrize(
    ("expected", "remedy", "payment"),
    [
        (
            "the last payment failed (past_due)",
            "update the payment method on claude.ai/settings/billing",
            PaymentProblem("status", "past_due"),
        ),
        (
            "the subscription is paused",
            "resume it on claude.ai/settings/billing",
            PaymentProblem("status", "paused"),
        ),
        (
            "the subscription is paused",
            "resume it on claude.ai/settings/billing",
            PaymentProblem("payment_paused_until", "", datetime(2026, 5, 1, tzinfo=UTC)),
        ),
        ('billing_issue: "card"', "see claude.ai/settings/billing", PaymentProblem("billing_issue", "card")),
        ('access_block: "odd"', None, PaymentProblem("access_block", "odd")),
    ],
)
def test_payment_problems_have_words_and_cures(
    expected: str, remedy: str | None, payment: PaymentProblem
) -> None:
    """A failed payment has a cure; an opaque gate is quoted under its key."""
    assert (expected, remedy) == describe_payment(payment)

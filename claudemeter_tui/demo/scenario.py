"""The six orgs of the demo and the day of each; the package docstring has the same day as a table."""

from __future__ import annotations

from claudemeter_tui.demo.timeline import (
    START_MINUTE,
    DemoChargeSpan,
    DemoCredits,
    DemoFault,
    DemoLock,
    DemoLockCause,
    DemoOrg,
    DemoWeek,
)
from claudemeter_tui.model.reading import Session

DEMO_SESSION = Session("simulated")
"""The session of the demo, in place of a browser's."""
DEMO_EMAIL = "pat@example.com"
DEMO_ACCOUNT_UUID = "da7e0000-0000-4000-8000-00000000cafe"

PERSONAL = DemoOrg(
    name="Personal",
    uuid="da7e0000-0000-4000-8000-000000000001",
    org_entry={
        "capabilities": ["claude_max", "chat"],
        "rate_limit_tier": "default_claude_max_20x",
        "billing_type": "stripe_subscription",
        "analytics_subscription_plan": "claude_max",
    },
    windows=(
        ((-150, 0), (-90, 24), (-40, 51), (0, 67), (2, 67), (14, 79), (20, 81), (30, 94), (38, 100)),
        ((156, 0), (200, 22), (250, 61), (270, 64), (330, 100)),
        ((470, 0), (540, 31), (600, 35), (690, 58)),
        ((790, 0), (860, 12)),
    ),
    week=DemoWeek(((0, 41), (100, 46), (330, 52), (690, 57)), reset_minute=4260),
    fable=DemoWeek(((0, 84), (38, 89), (100, 93), (520, 93), (610, 100)), reset_minute=4260),
    own_credits=DemoCredits(
        start_amount=1720,
        charge_spans=(DemoChargeSpan(39, 100, 3280), DemoChargeSpan(391, 455, 1465)),
        caps=((0, 5000), (390, 8000)),
        locks=(DemoLock(100, 390, DemoLockCause.CAP),),
    ),
    purchases=((0, 24435),),
    promotional_amount=10000,
    charge_in_days=19,
)

_ACME_OWN_CHARGES = (DemoChargeSpan(9, 128, 1890), DemoChargeSpan(656, 748, 930))
ACME = DemoOrg(
    name="Acme Team",
    uuid="da7e0000-0000-4000-8000-000000000002",
    org_entry={
        "capabilities": ["chat", "raven"],
        "rate_limit_tier": "default_claude_max_5x",
        "billing_type": "stripe_subscription",
        "raven_type": "team",
        "analytics_subscription_plan": "claude_team",
    },
    windows=(
        ((-170, 0), (-100, 30), (0, 93), (2, 93), (8, 100)),
        ((140, 0), (260, 44), (380, 71)),
        ((450, 0), (560, 63), (655, 100)),
    ),
    week=DemoWeek(((0, 63), (128, 68), (748, 72)), reset_minute=7440),
    own_credits=DemoCredits(start_amount=640, charge_spans=_ACME_OWN_CHARGES, caps=((0, 5000),)),
    pool=DemoCredits(
        start_amount=26118,
        charge_spans=(*_ACME_OWN_CHARGES, DemoChargeSpan(3, 250, 9100), DemoChargeSpan(290, 720, 14800)),
        caps=((0, 100000),),
    ),
    charge_in_days=11,
)

LAB = DemoOrg(
    name="Lab",
    uuid="da7e0000-0000-4000-8000-000000000003",
    org_entry={
        "capabilities": ["claude_max", "chat"],
        "rate_limit_tier": "default_claude_max_5x",
        "billing_type": "stripe_subscription",
        "analytics_subscription_plan": "claude_max",
    },
    windows=(
        ((-130, 0), (-50, 22), (0, 41), (2, 41), (60, 47), (150, 63)),
        ((185, 0), (300, 52), (440, 100)),
        ((520, 0), (640, 58), (760, 100)),
    ),
    week=DemoWeek(((0, 29), (440, 38), (760, 44)), reset_minute=2190),
    fable=DemoWeek(((0, 12), (760, 20)), reset_minute=2190),
    own_credits=DemoCredits(
        start_amount=1175,
        charge_spans=(DemoChargeSpan(761, 818, 985),),
        caps=((0, 4000),),
        locks=(DemoLock(0, 510, DemoLockCause.EMPTY),),
    ),
    purchases=((0, 0), (510, 5000)),
    charge_in_days=9,
    ends_in_days=9,
    has_reset_grant=True,
)

SIDE_PROJECT = DemoOrg(
    name="Side project",
    uuid="da7e0000-0000-4000-8000-000000000004",
    org_entry={
        "capabilities": ["chat"],
        "rate_limit_tier": "default_claude_ai",
        "rate_limit_upsell": "upgrade_to_pro",
        "analytics_subscription_plan": "claude_free",
    },
    windows=(
        ((-279, 0), (-100, 70), (-12, 100)),
        ((33, 0), (150, 48), (260, 100)),
        ((600, 0), (800, 35)),
    ),
)

_GLOBEX_OWN_CHARGES = (
    DemoChargeSpan(2, 240, 6400),
    DemoChargeSpan(300, 540, 5100),
    DemoChargeSpan(760, 1000, 2300),
)
GLOBEX = DemoOrg(
    name="Globex Enterprise",
    uuid="da7e0000-0000-4000-8000-000000000005",
    org_entry={
        "capabilities": ["chat", "raven"],
        "rate_limit_tier": "default_claude_zero",
        "billing_type": "invoice",
        "raven_type": "enterprise",
        "analytics_subscription_plan": "claude_enterprise",
    },
    one_time_credit=((0, 61240), (240, 63305), (540, 65890), (1000, 67420)),
    own_credits=DemoCredits(start_amount=211926, charge_spans=_GLOBEX_OWN_CHARGES, caps=((0, 500000),)),
    pool=DemoCredits(
        start_amount=1204418,
        charge_spans=(*_GLOBEX_OWN_CHARGES, DemoChargeSpan(1, 1400, 88000)),
        caps=((0, 2500000),),
    ),
)

FLAKY = DemoOrg(
    name="Flaky Labs",
    uuid="da7e0000-0000-4000-8000-000000000006",
    org_entry={
        "capabilities": ["claude_pro", "chat"],
        "rate_limit_tier": "default_claude_ai",
        "billing_type": "stripe_subscription",
        "analytics_subscription_plan": "claude_pro",
    },
    windows=(
        ((-75, 0), (0, 34), (2, 34), (120, 61), (200, 74)),
        ((240, 0), (500, 66)),
        ((580, 0), (640, 55), (710, 100)),
    ),
    week=DemoWeek(((0, 55), (500, 62), (710, 66)), reset_minute=8700),
    own_credits=DemoCredits(
        start_amount=1234, charge_spans=(DemoChargeSpan(711, 870, 1460),), caps=None, currency="CAD"
    ),
    charge_in_days=26,
    faults=(
        (24, 28, DemoFault.SERVER_ERROR),
        (121, 124, DemoFault.THROTTLED),
        (431, 436, DemoFault.WEB_PAGE),
        (812, 819, DemoFault.SERVER_ERROR),
        (1105, 1108, DemoFault.THROTTLED),
    ),
)

DEMO_ORGS = (PERSONAL, ACME, LAB, SIDE_PROJECT, GLOBEX, FLAKY)
"""All orgs, in the order of the account's list."""


def list_filled_minutes() -> list[int]:
    """Return the minutes before the demo in which a 5-hour window of an org with credits filled, in order."""
    return sorted(
        minute
        for org in DEMO_ORGS
        if org.own_credits is not None
        for minute in range(1, START_MINUTE)
        if _is_full(org, minute) and not _is_full(org, minute - 1)
    )


def _is_full(org: DemoOrg, minute: int) -> bool:
    window = org.find_window(minute)
    return window is not None and window[0] >= 100

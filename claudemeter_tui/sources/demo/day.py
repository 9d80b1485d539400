"""The six orgs of the demo and the day of each; the package tells it as a story."""

from __future__ import annotations

from claudemeter_tui.sources.demo.script import (
    DemoOrg,
    FiveHourWindow,
    Lock,
    Locked,
    Mishap,
    Purse,
    Stretch,
    Week,
)

EMAIL = "pat@example.com"
ACCOUNT_UUID = "da7e0000-0000-4000-8000-00000000cafe"

PERSONAL = DemoOrg(
    name="Personal",
    uuid="da7e0000-0000-4000-8000-000000000001",
    listing={
        "capabilities": ["claude_max", "chat"],
        "rate_limit_tier": "default_claude_max_20x",
        "billing_type": "stripe_subscription",
        "analytics_subscription_plan": "claude_max",
    },
    windows=(
        FiveHourWindow(
            ((-150, 0), (-90, 24), (-40, 51), (0, 67), (2, 67), (14, 79), (20, 81), (30, 94), (38, 100))
        ),
        FiveHourWindow(((156, 0), (200, 22), (250, 61), (270, 64), (330, 100))),
        FiveHourWindow(((470, 0), (540, 31), (600, 35), (690, 58))),
        FiveHourWindow(((790, 0), (860, 12))),
    ),
    week=Week(((0, 41), (100, 46), (330, 52), (690, 57)), resets=4260),
    fable=Week(((0, 84), (38, 89), (100, 93), (520, 93), (610, 100)), resets=4260),
    own=Purse(
        start=1720,
        stretches=(Stretch(39, 100, 3280), Stretch(391, 455, 1465)),
        caps=((0, 5000), (390, 8000)),
        locks=(Locked(100, 390, Lock.CAP),),
    ),
    bought=((0, 24435),),
    promotional=10000,
    charge_in=19,
)

_OWN_AT_ACME = (Stretch(9, 128, 1890), Stretch(656, 748, 930))
ACME = DemoOrg(
    name="Acme Team",
    uuid="da7e0000-0000-4000-8000-000000000002",
    listing={
        "capabilities": ["chat", "raven"],
        "rate_limit_tier": "default_claude_max_5x",
        "billing_type": "stripe_subscription",
        "raven_type": "team",
        "analytics_subscription_plan": "claude_team",
    },
    windows=(
        FiveHourWindow(((-170, 0), (-100, 30), (0, 93), (2, 93), (8, 100))),
        FiveHourWindow(((140, 0), (260, 44), (380, 71))),
        FiveHourWindow(((450, 0), (560, 63), (655, 100))),
    ),
    week=Week(((0, 63), (128, 68), (748, 72)), resets=7440),
    own=Purse(start=640, stretches=_OWN_AT_ACME, caps=((0, 5000),)),
    pool=Purse(
        start=26118,
        stretches=(*_OWN_AT_ACME, Stretch(3, 250, 9100), Stretch(290, 720, 14800)),
        caps=((0, 100000),),
    ),
    charge_in=11,
)

LAB = DemoOrg(
    name="Lab",
    uuid="da7e0000-0000-4000-8000-000000000003",
    listing={
        "capabilities": ["claude_max", "chat"],
        "rate_limit_tier": "default_claude_max_5x",
        "billing_type": "stripe_subscription",
        "analytics_subscription_plan": "claude_max",
    },
    windows=(
        FiveHourWindow(((-130, 0), (-50, 22), (0, 41), (2, 41), (60, 47), (150, 63))),
        FiveHourWindow(((185, 0), (300, 52), (440, 100))),
        FiveHourWindow(((520, 0), (640, 58), (760, 100))),
    ),
    week=Week(((0, 29), (440, 38), (760, 44)), resets=2190),
    fable=Week(((0, 12), (760, 20)), resets=2190),
    own=Purse(
        start=1175,
        stretches=(Stretch(761, 818, 985),),
        caps=((0, 4000),),
        locks=(Locked(0, 510, Lock.EMPTY),),
    ),
    bought=((0, 0), (510, 5000)),
    charge_in=9,
    ends_in=9,
    granted=True,
)

SIDE_PROJECT = DemoOrg(
    name="Side project",
    uuid="da7e0000-0000-4000-8000-000000000004",
    listing={
        "capabilities": ["chat"],
        "rate_limit_tier": "default_claude_ai",
        "rate_limit_upsell": "upgrade_to_pro",
        "analytics_subscription_plan": "claude_free",
    },
    windows=(
        FiveHourWindow(((-279, 0), (-100, 70), (-12, 100))),
        FiveHourWindow(((33, 0), (150, 48), (260, 100))),
        FiveHourWindow(((600, 0), (800, 35))),
    ),
)

_OWN_AT_GLOBEX = (Stretch(2, 240, 6400), Stretch(300, 540, 5100), Stretch(760, 1000, 2300))
GLOBEX = DemoOrg(
    name="Globex Enterprise",
    uuid="da7e0000-0000-4000-8000-000000000005",
    listing={
        "capabilities": ["chat", "raven"],
        "rate_limit_tier": "default_claude_zero",
        "billing_type": "invoice",
        "raven_type": "enterprise",
        "analytics_subscription_plan": "claude_enterprise",
    },
    credit=((0, 61240), (240, 63305), (540, 65890), (1000, 67420)),
    own=Purse(start=211926, stretches=_OWN_AT_GLOBEX, caps=((0, 500000),)),
    pool=Purse(start=1204418, stretches=(*_OWN_AT_GLOBEX, Stretch(1, 1400, 88000)), caps=((0, 2500000),)),
)

FLAKY = DemoOrg(
    name="Flaky Labs",
    uuid="da7e0000-0000-4000-8000-000000000006",
    listing={
        "capabilities": ["claude_pro", "chat"],
        "rate_limit_tier": "default_claude_ai",
        "billing_type": "stripe_subscription",
        "analytics_subscription_plan": "claude_pro",
    },
    windows=(
        FiveHourWindow(((-75, 0), (0, 34), (2, 34), (120, 61), (200, 74))),
        FiveHourWindow(((240, 0), (500, 66))),
        FiveHourWindow(((580, 0), (640, 55), (710, 100))),
    ),
    week=Week(((0, 55), (500, 62), (710, 66)), resets=8700),
    own=Purse(start=1234, stretches=(Stretch(711, 870, 1460),), caps=None, currency="CAD"),
    charge_in=26,
    mishaps=(
        (24, 28, Mishap.SERVER_ERROR),
        (121, 124, Mishap.THROTTLED),
        (431, 436, Mishap.WEB_PAGE),
        (812, 819, Mishap.SERVER_ERROR),
        (1105, 1108, Mishap.THROTTLED),
    ),
)

ORGS = (PERSONAL, ACME, LAB, SIDE_PROJECT, GLOBEX, FLAKY)
"""In the order of the account's list."""

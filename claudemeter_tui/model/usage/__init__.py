"""What one org's replies mean: windows, credits, balance, subscription.

Every value here is immutable, every time is aware and in UTC.
"""

from claudemeter_tui.model.usage.account import Account, Card, Org, Subscription
from claudemeter_tui.model.usage.credits import (
    NOT_OPEN,
    OFF_REASONS,
    UNKNOWN_REASONS,
    Balance,
    Credits,
    CreditState,
    Meter,
    Origin,
    Tranche,
)
from claudemeter_tui.model.usage.plan import NEVER, Grant, Plan, Share
from claudemeter_tui.model.usage.window import (
    CRITICAL_FROM,
    FULL_FROM,
    WARNING_FROM,
    Severity,
    Window,
    WindowKind,
)

__all__ = [
    "CRITICAL_FROM",
    "FULL_FROM",
    "NEVER",
    "NOT_OPEN",
    "OFF_REASONS",
    "UNKNOWN_REASONS",
    "WARNING_FROM",
    "Account",
    "Balance",
    "Card",
    "CreditState",
    "Credits",
    "Grant",
    "Meter",
    "Org",
    "Origin",
    "Plan",
    "Severity",
    "Share",
    "Subscription",
    "Tranche",
    "Window",
    "WindowKind",
]

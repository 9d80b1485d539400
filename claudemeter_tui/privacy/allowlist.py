"""List the parts of a reply that are safe to publish: known keys, words, figures and times.

Everything else may be personal and gets a pseudonym (`redact.py`), whatever it looks like: the value of a new
key can be a birthday, a postal code or a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from claudemeter_tui.model.catalogue import (
    DISABLED_REASONS,
    LIMIT_TYPES,
    MODEL_FAMILIES,
    REPLY_KEYS,
    RESTRICTIONS,
    SCOPED_LIMIT_KIND,
    SEVERITIES,
    SHARED_PLANS,
    SUBSCRIPTION_STATUSES,
    WINDOWS,
    WindowKind,
)

KNOWN_KEYS = frozenset().union(*REPLY_KEYS.values())
"""Every key that was ever seen in a reply."""

KNOWN_VALUES = frozenset(
    (
        *(*DISABLED_REASONS, *LIMIT_TYPES, *SEVERITIES, *SHARED_PLANS, *SUBSCRIPTION_STATUSES),
        *("weekly", SCOPED_LIMIT_KIND, WindowKind.SESSION, WindowKind.WEEKLY, *WINDOWS),
        *("monthly", "yearly", "annual", "annually", "stripe_subscription", "invoice"),
        *("chat", "raven", "api"),
        *("claude_max", "claude_pro", "claude_free", "claude_team", "claude_enterprise"),
        *("admin", "owner", "primary_owner", "user", "billing", "developer"),
        *("visa", "mastercard", "amex", "american_express", "discover", "diners", "jcb", "unionpay"),
        *("card", "link", "paypal", "sepa_debit"),
        *("default", "available", "anthropic", "all", "off", "none", "default_private"),
        *("upgrade_to_pro", "user_facing", "error"),
        *("authentication_error", "permission_error", "not_found_error", "rate_limit_error"),
        *("invalid_request_error", "api_error", "overloaded_error", "account_session_invalid"),
    )
)
"""Words that the server sends to everyone."""

MODEL_PATTERN = re.compile(
    rf"(?:Claude )?(?:{'|'.join(MODEL_FAMILIES)})(?: [0-9]{{1,2}}(?:\.[0-9]{{1,2}})?)?"
)
KNOWN_SURFACES = frozenset(
    ("chat", "claude code", "claude_code", "cowork", "design", "oauth apps", "oauth_apps")
)
"""Words in lower case; the server localizes them."""
PLAN_PATTERN = re.compile(r"(?:(?:Claude )?(?:Free|Pro|Max|Team|Enterprise)(?: [0-9]{1,3}x)?|another plan|)")
"""Plan names as this program writes them."""
BROWSER_NAMES = (
    *("Chrome Beta", "Chrome Dev", "Chromium", "Chrome", "Brave", "Edge", "Vivaldi", "Opera", "Arc"),
    *("Firefox", "LibreWolf", "Safari"),
)
"""A name that begins with another name comes before it, because the first match wins."""
WINDOW_LABELS = frozenset(window.label for window in WINDOWS.values() if window.label)
"""Labels of the known windows."""
NAME_KEYS = frozenset(
    (
        *("name", "full_name", "account_name", "account_email", "email", "email_address"),
        *("group_name", "org_service_name"),
    )
)
"""Keys of names: their values are never public, whatever they look like."""
LABEL_KEYS = frozenset(("display_name", "label"))
"""Keys of labels. The label of a model or a surface is public, that of a person is not."""

UUID_PATTERN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
EMAIL_PATTERN = re.compile(r"[^\s@\"'<>()\[\]:;,=]+@[^\s@\"'<>()\[\]:;,=]+")

_TIME_PATTERN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_CURRENCY_PATTERN = re.compile(r"[A-Za-z]{3}")
_TIER_PATTERN = re.compile(
    r"(?:default|(?:default_)?(?:claude_)?(?:ai|zero|free|pro|max|team|enterprise)(?:_[0-9]{1,3}x)?"
    r"(?:_(?:monthly|yearly|annual|annually))?)"
)
_TIME_KEY_PATTERN = re.compile(r"(?:^|_)(?:at|until|before|date|ts|time|through)$")
"""Known keys of times, as a text or in seconds since 1970."""
_ACCOUNT_TIME_KEYS = frozenset(("created_at", "updated_at", "subscription_created_at"))
"""Known keys of times that identify an account or a membership; only their month is public."""
_MONTH_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}")
_FIGURE_KEY_PATTERN = re.compile(
    r"(?:^|_)(?:amount|balance|cap|cents|count|credits|days|dollars|exponent|left|limit|minor|months|percent"
    r"|periods?|places|quantities|resets|threshold|total|units|used|utilization)(?:_|$)"
)
"""Known keys of figures; a number under any other known key may be an identifier."""


def is_time(text: str) -> bool:
    """True if the whole text is a date or a timestamp."""
    return bool(_TIME_PATTERN.fullmatch(text))


def is_public_text(key: str, text: str, *, is_known: bool = True) -> bool:
    """True if the server sends the string under this key to everyone.

    Args:
        key: The nearest key around the string; empty if there is none.
        text: The string.
        is_known: True if all keys around it are known.
    """
    if key in NAME_KEYS:
        return False
    if text in KNOWN_VALUES or text.lower() in KNOWN_SURFACES or MODEL_PATTERN.fullmatch(text):
        return True
    if not is_known or key in LABEL_KEYS:
        return False
    if key in _ACCOUNT_TIME_KEYS:
        return bool(_MONTH_PATTERN.fullmatch(text))
    if is_time(text):
        return key in RESTRICTIONS or bool(_TIME_KEY_PATTERN.search(key))
    is_currency = key.endswith("currency") and _CURRENCY_PATTERN.fullmatch(text)
    return bool(is_currency or _TIER_PATTERN.fullmatch(text))


def find_month(key: str, text: str) -> str | None:
    """Return the month of a time that identifies an account: `2025-03`. None for any other text."""
    return text[:7] if key in _ACCOUNT_TIME_KEYS and is_time(text) else None


def is_public_number(key: str) -> bool:
    """True if a number under this key is a figure or a time. All keys around it must be known."""
    return key not in _ACCOUNT_TIME_KEYS and bool(
        _FIGURE_KEY_PATTERN.search(key) or _TIME_KEY_PATTERN.search(key)
    )


def find_understood_keys(value: Mapping[str, object], *, is_known: bool) -> frozenset[str]:
    """Return the keys of an object whose values certainly have the usual meaning of their keys.

    Args:
        value: The object.
        is_known: True if all keys around it are known. Below an unknown key, only a window is recognized,
            because claude.ai adds windows under code names.
    """
    if is_known:
        return KNOWN_KEYS
    return REPLY_KEYS["window"] if "utilization" in value else frozenset()

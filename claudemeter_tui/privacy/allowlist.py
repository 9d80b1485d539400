"""List the parts of a reply that are safe to publish: the server's own words, figures and times.

Everything else may be personal and gets a pseudonym (`redact.py`).
"""

from __future__ import annotations

import re

from claudemeter_tui.model.catalogue import (
    DISABLED_REASONS,
    LIMIT_TYPES,
    REPLY_KEYS,
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
        *("weekly", SCOPED_LIMIT_KIND, WindowKind.SESSION, WindowKind.WEEKLY),
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

MODEL_PATTERN = re.compile(r"(?:Claude )?(?:Fable|Opus|Sonnet|Haiku)(?: [0-9]{1,2}(?:\.[0-9]{1,2})?)?")
KNOWN_SURFACES = frozenset(
    ("chat", "claude code", "claude_code", "cowork", "design", "oauth apps", "oauth_apps")
)
"""In lower case; the server localizes them."""
PLAN_PATTERN = re.compile(r"(?:(?:Claude )?(?:Free|Pro|Max|Team|Enterprise)(?: [0-9]{1,3}x)?|another plan|)")
"""Plan names as this program writes them."""
BROWSER_NAMES = (
    *("Chrome Beta", "Chrome Dev", "Chromium", "Chrome", "Brave", "Edge", "Vivaldi", "Opera", "Arc"),
    *("Firefox", "LibreWolf", "Safari"),
)
"""A name that begins with another one precedes it, because the first match wins."""
WINDOW_LABELS = frozenset(window.label for window in WINDOWS.values() if window.label)
"""Labels of the known windows."""
NAME_KEYS = frozenset(
    (
        *("name", "full_name", "account_name", "account_email", "email", "email_address"),
        *("group_name", "org_service_name"),
    )
)
"""Keys of names: their values are never public, whatever they look like."""

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
_CODE_PATTERN = re.compile(r"[a-z]+[0-9]{0,2}(?:_(?:[a-z]+[0-9]{0,2}|[0-9]{1,3}[a-z]?))*")
_IDENTIFIER_KEY_PATTERN = re.compile(
    r"(?:^|_)(?:id|ids|uuid|number|phone|zip|postal|postcode|latitude|longitude|iban|ssn|vat)(?:_|$)"
)
_CAMEL_CASE_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MAX_KEY_LENGTH = 40
"""A longer key may be a sentence."""
_MAX_FIGURE = 1_000_000
"""A larger number under an unknown key may be an id."""


def is_time(text: str) -> bool:
    """True if the text is a date or a timestamp, and nothing else."""
    return bool(_TIME_PATTERN.fullmatch(text))


def is_public_text(key: str, text: str) -> bool:
    """True if the server sends the string under this key to everyone."""
    if key in NAME_KEYS:
        return False
    if key.endswith("currency") and _CURRENCY_PATTERN.fullmatch(text):
        return True
    known = text in KNOWN_VALUES or text.lower() in KNOWN_SURFACES or MODEL_PATTERN.fullmatch(text)
    return bool(known or is_time(text) or _TIER_PATTERN.fullmatch(text))


def is_field_name(key: str) -> bool:
    """True if a key looks like a field name: `extra_usage`, `nimbus_quill`."""
    return key in KNOWN_KEYS or (len(key) <= _MAX_KEY_LENGTH and bool(_CODE_PATTERN.fullmatch(key)))


def is_public_number(key: str, number: float) -> bool:
    """True if the number under this key is a figure and identifies no one."""
    # `accountId` is split like `account_id`.
    if _IDENTIFIER_KEY_PATTERN.search(_CAMEL_CASE_BOUNDARY.sub("_", key).lower()):
        return False
    # A time in seconds since 1970 is larger than any other figure.
    return key in KNOWN_KEYS or key.endswith(("_at", "_until")) or abs(number) < _MAX_FIGURE

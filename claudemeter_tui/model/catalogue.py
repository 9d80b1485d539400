"""Facts about claude.ai, each once: windows, reasons, endpoints, keys and values of its replies.

Nothing of this is documented by the service. The facts come from replies captured between November 2025 and
November 2026; any of them can change without notice. Parsers, verdict, wording, privacy and demo read this
module, so that a new key or code is added here and nowhere else.
"""

from __future__ import annotations

from enum import StrEnum


class WindowKind(StrEnum):
    """What a full window stops."""

    SESSION = "session"
    """The 5-hour window: stops the whole plan."""
    WEEKLY = "weekly_all"
    """The 7-day window over everything: stops the whole plan."""
    SCOPED = "scoped"
    """Any other window: stops its own model or surface only."""


class CreditState(StrEnum):
    """Whether work may go on metered credits."""

    OPEN = "open"
    LOCKED = "locked"
    OFF = "off"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    """The org has no metered billing at all."""


class Cause(StrEnum):
    """The cause of a state or of a lock on the credits; each has a cure of its own."""

    WINDOW_SESSION = "window_session"
    WINDOW_WEEKLY = "window_weekly"
    NO_WINDOWS = "no_windows"
    """The plan has no plan-wide window: everything goes on credits."""
    CAP = "cap"
    EMPTY_BALANCE = "empty_balance"
    ADMIN = "admin"
    """A switch or a limit of the organization, the seat tier, the member or the service: someone to ask."""
    OFF = "off"
    """Never set up, or switched off."""
    PAUSED = "paused"
    """`billable_usage_paused_until`."""
    SERVER = "server"
    """Opaque or not known: to be quoted, not interpreted."""
    NOT_READ = "not_read"
    """No good reply, or none that is young enough."""
    NOT_REPORTED = "not_reported"
    """A good reply without the figure."""


class Endpoint(StrEnum):
    """The replies of one org and its account, by the names that people see."""

    ACCOUNT = "account"
    USAGE = "usage"
    OVERAGE = "overage"
    OWN_OVERAGE = "own overage"
    PREPAID = "prepaid"
    SUBSCRIPTION = "subscription"


class MeterOrigin(StrEnum):
    """The place in the replies that a credit figure was read from."""

    OVERAGE = "overage_spend_limit"
    OWN_OVERAGE = "overage_spend_limit?account_uuid"
    EXTRA_USAGE = "usage: extra_usage"
    SPEND = "usage: spend"

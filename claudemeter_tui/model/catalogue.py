"""Facts about claude.ai, each once: windows, reasons, endpoints, keys and values of its replies.

Nothing of this is documented by the service. The facts come from replies captured between November 2025 and
November 2026; any of them can change without notice. Parsers, verdict, wording, privacy and demo read this
module, so that a new key or code is added here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
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


ORGANIZATIONS_PATH = "/api/organizations"
"""Lists the same orgs as the account reply; it stands in for that reply if it names none."""


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """Facts about one request to claude.ai, from captures of its web pages."""

    path: str
    """Path and query, with `{org}` and `{account}` for the quoted uuids."""
    is_optional: bool = False
    """A 404 or a 403 of it says that the org has no such thing."""
    is_slow: bool = False
    """It rarely changes: one request in a quarter of an hour is enough."""


class Endpoint(StrEnum):
    """The replies about an account and its orgs, by the names that people see."""

    ACCOUNT = "account"
    USAGE = "usage"
    OVERAGE = "overage"
    """The cap and the lock; on Team and Enterprise those of the whole organization."""
    OWN_OVERAGE = "own overage"
    """The same of one member."""
    PREPAID = "prepaid"
    SUBSCRIPTION = "subscription"

    @property
    def facts(self) -> EndpointFacts:
        """Its row in the table below."""
        return _ENDPOINT_FACTS[self]


_ENDPOINT_FACTS = {
    Endpoint.ACCOUNT: EndpointFacts("/api/account", is_slow=True),
    Endpoint.USAGE: EndpointFacts("/api/organizations/{org}/usage"),
    Endpoint.OVERAGE: EndpointFacts("/api/organizations/{org}/overage_spend_limit", is_optional=True),
    Endpoint.OWN_OVERAGE: EndpointFacts(
        "/api/organizations/{org}/overage_spend_limit?account_uuid={account}", is_optional=True
    ),
    Endpoint.PREPAID: EndpointFacts("/api/organizations/{org}/prepaid/credits", is_optional=True),
    Endpoint.SUBSCRIPTION: EndpointFacts(
        "/api/organizations/{org}/subscription_details", is_optional=True, is_slow=True
    ),
}


class MeterOrigin(StrEnum):
    """The place in the replies that a credit figure was read from."""

    OVERAGE = "overage_spend_limit"
    OWN_OVERAGE = "overage_spend_limit?account_uuid"
    EXTRA_USAGE = "usage: extra_usage"
    SPEND = "usage: spend"

    @property
    def endpoint(self) -> Endpoint:
        """The reply that holds the place."""
        return _ORIGIN_FACTS[self][0]

    @property
    def cap_key(self) -> str:
        """The key to look for in that reply to see the cap."""
        return _ORIGIN_FACTS[self][1]


_ORIGIN_FACTS = {
    MeterOrigin.OVERAGE: (Endpoint.OVERAGE, "monthly_credit_limit"),
    MeterOrigin.OWN_OVERAGE: (Endpoint.OWN_OVERAGE, "monthly_credit_limit"),
    MeterOrigin.EXTRA_USAGE: (Endpoint.USAGE, "monthly_limit"),
    # `spend` calls its cap `limit`; `extra_usage` beside it holds the same cap under a clearer key.
    MeterOrigin.SPEND: (Endpoint.USAGE, "monthly_limit"),
}

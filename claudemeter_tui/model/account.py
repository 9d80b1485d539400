"""Who is signed in, where, and how it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in."""

    uuid: str | None = None
    """None: the reply named none."""
    email: str | None = None
    """None: the reply named none."""

    @property
    def key(self) -> str:
        """What tells two accounts apart: the uuid, else the e-mail, else nothing."""
        return self.uuid or self.email or ""

    def may_be_same(self, other: Account) -> bool:
        """Whether nothing that both name tells them apart: a uuid decides, else the e-mail."""
        if self.uuid and other.uuid:
            return self.uuid == other.uuid
        return not self.email or not other.email or self.email == other.email

    def fill_from(self, before: Account) -> Account:
        """This account with what its reply left out and an earlier one of the same account named."""
        if not self.may_be_same(before):
            return self
        return Account(self.uuid or before.uuid, self.email or before.email)


@dataclass(frozen=True, slots=True)
class Org:
    """An organization as the account's list describes it."""

    uuid: str
    name: str
    """As the server sends it, without control characters; may be empty."""
    plan_name: str = ""
    """For people: "Max 5x", "Team", "Free"; empty where it cannot be told."""
    is_shared: bool = False
    """Team or Enterprise: the overage reply is then the pool of the whole organization."""
    restrictions: tuple[tuple[str, str], ...] = ()
    """The organization's own gates that are not null, as key and text (`billing_issue`, …)."""
    paused_until: datetime | None = None
    """`billable_usage_paused_until`: credits are locked until then. None: no pause."""

    @property
    def display_name(self) -> str:
        """Its name for people; the beginning of its uuid where it has none."""
        return self.name or self.uuid[:8]


@dataclass(frozen=True, slots=True)
class Card:
    """How the subscription is paid."""

    brand: str
    last4: str
    """The last four digits; empty where not reported."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the subscription reply means."""

    status: str | None = None
    """`active`, `trialing`, `past_due`, `canceled`, `paused`, or anything else. None: not reported."""
    next_charge: date | None = None
    """None: no charge follows, or it is not reported."""
    card: Card | None = None
    ends_on: date | None = None
    """A cancelled plan runs until then, and no charge follows. None: it goes on."""
    paid_through: date | None = None
    """Of a gift. None: not a gift."""
    paused_until: datetime | None = None
    """`payment_paused_until`. None: not paused."""
    scheduled_change: tuple[str, date | None] | None = None
    """A scheduled change of plan and its date. None: none is scheduled."""

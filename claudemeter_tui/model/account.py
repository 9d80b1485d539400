"""Accounts, organizations and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from claudemeter_tui.model.org_names import OrgName

NOT_KEPT: Mapping[str, bool] = MappingProxyType({"is_kept": False})
"""Metadata of a field that depends on the settings or on other orgs, so that the archive must not keep it."""


class Account(NamedTuple):
    """The signed-in account."""

    uuid: str | None = None
    """Uuid of the account. None if not reported."""
    email: str | None = None
    """E-mail of the account. None if not reported."""

    @classmethod
    def from_key(cls, key: str, email: str | None) -> Account:
        """Return the account with this key; the key of an account without a uuid is its e-mail."""
        return cls(key if key != email else None, email)

    @property
    def key(self) -> str:
        """Identifier of the account: the uuid, else the e-mail, else empty."""
        return self.uuid or self.email or ""

    def may_be_same(self, other: Account) -> bool:
        """True unless the two uuids differ or, if a uuid is missing, the two e-mails."""
        # An e-mail can change, a uuid cannot.
        if self.uuid and other.uuid:
            return self.uuid == other.uuid
        return not self.email or not other.email or self.email == other.email

    def fill_from(self, before: Account) -> Account:
        """Return this account, completed from an earlier state of the same account."""
        if not self.may_be_same(before):
            return self
        return Account(self.uuid or before.uuid, self.email or before.email)


@dataclass(frozen=True, slots=True)
class Org:
    """An organization as the account's list describes it."""

    uuid: str
    name: str
    """Name from the server, without control characters; may be empty."""
    plan_name: str = ""
    """Plan for people: "Max 5x", "Team", "Free"; empty if it cannot be derived."""
    is_shared: bool = False
    """True for Team and Enterprise: the overage reply then describes the pool of the organization."""
    restrictions: tuple[tuple[str, str], ...] = ()
    """Key and text of the organization's own restrictions that are not null (`billing_issue`, …)."""
    paused_until: datetime | None = None
    """`billable_usage_paused_until`: credits are locked until then. None if they are not paused."""
    is_pause_unreadable: bool = False
    """True if that field has a value that cannot be read; the credits may then be paused."""

    alias: str = field(default="", compare=False, metadata=NOT_KEPT)
    """Name that the user gave it; empty for none."""
    place: int | None = field(default=None, compare=False, metadata=NOT_KEPT)
    """Place in the user's order, from 0. None if the user ordered only others."""
    account_note: str = field(default="", compare=False, metadata=NOT_KEPT)
    """Part of the account that distinguishes it from another org of the same name; empty if there is none."""

    @property
    def plain_name(self) -> str:
        """The alias, else the name, else the beginning of the uuid."""
        return self.alias or self.name or self.uuid[:8]

    @property
    def display_name(self) -> str:
        """The name on screen, with the account if another org has the same one."""
        return self.names.label

    @property
    def sort_key(self) -> tuple[bool, int]:
        """Sort key for the user's order; all other orgs come last."""
        return self.place is None, self.place or 0

    @property
    def names(self) -> OrgName:
        """The names by which a person can choose the org."""
        return OrgName(self.uuid, self.name, self.alias, self.account_note)


class Card(NamedTuple):
    """The card that the subscription is charged to."""

    brand: str
    last4: str
    """The last four digits; empty if not reported."""


class Subscription(NamedTuple):
    """The subscription as its reply describes it."""

    status: str | None = None
    """`active`, `trialing`, `past_due`, `canceled`, `paused`, or any other text. None if not reported."""
    next_charge: date | None = None
    """Date of the next charge. None if no charge follows, or it is not reported."""
    card: Card | None = None
    ends_at: datetime | None = None
    """End of a cancelled plan, after which no charge follows. None if the plan continues."""
    paid_through: date | None = None
    """End of a gift. None if the subscription is not a gift."""
    paused_until: datetime | None = None
    """`payment_paused_until`. None if payments are not paused."""
    scheduled_change: tuple[str, date | None] | None = None
    """Name and date of a scheduled change of plan; the date is None if not reported. None if none is
    scheduled."""
    figures_at: datetime | None = None
    """Time of the reply, if it is out of date because newer requests failed or stopped. None if it is
    current.
    """

    @property
    def ends_on(self) -> date | None:
        """Last day of a cancelled plan. None if the plan continues."""
        return self.ends_at.date() if self.ends_at is not None else None

"""What one org's replies mean: windows, credits, balance, subscription.

Every value here is immutable, every time is aware and in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from functools import cached_property

from claudemeter_tui.model.money import Money

WARNING_FROM, CRITICAL_FROM, FULL_FROM = 75.0, 90.0, 100.0
"""Percent from which a figure is a warning, critical, full."""


class Severity(IntEnum):
    """How near its end an allowance is."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2
    FULL = 3

    @classmethod
    def of(cls, percent: float | None) -> Severity:
        """The severity of a percentage; NORMAL where it is not known."""
        if percent is None:
            return cls.NORMAL
        return cls(sum(percent >= limit for limit in (WARNING_FROM, CRITICAL_FROM, FULL_FROM)))


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

    def may_be(self, other: Account) -> bool:
        """Whether nothing that both name tells them apart: a uuid decides, else the e-mail."""
        if self.uuid and other.uuid:
            return self.uuid == other.uuid
        return not self.email or not other.email or self.email == other.email

    def filled(self, before: Account) -> Account:
        """This account with what its reply left out and an earlier one of the same account named."""
        if not self.may_be(before):
            return self
        return Account(self.uuid or before.uuid, self.email or before.email)


@dataclass(frozen=True, slots=True)
class Org:
    """An organization as the account's list describes it."""

    uuid: str
    name: str
    """As the server sends it, without control characters; may be empty."""
    plan: str = ""
    """For people: "Max 5x", "Team", "Free"; empty where it cannot be told."""
    shared: bool = False
    """Team or Enterprise: the overage reply is then the pool of the whole organization."""
    gates: tuple[tuple[str, str], ...] = ()
    """The organization's own gates that are not null, as key and text (`billing_issue`, …)."""
    paused_until: datetime | None = None
    """`billable_usage_paused_until`: credits are locked until then. None: no pause."""

    @property
    def called(self) -> str:
        """Its name for people; the beginning of its uuid where it has none."""
        return self.name or self.uuid[:8]


class WindowKind(StrEnum):
    """What a full window stops."""

    SESSION = "session"
    """The 5-hour window: stops the whole plan."""
    WEEKLY = "weekly_all"
    """The 7-day window over everything: stops the whole plan."""
    SCOPED = "scoped"
    """Any other window: stops its own model or surface only."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rolling limit."""

    key: str
    """As the server names it: `five_hour`, `seven_day_opus`, `weekly_scoped:Fable`."""
    label: str
    """For people: "5-hour", "7-day Fable"; the key itself where nothing better is known."""
    kind: WindowKind = WindowKind.SCOPED
    percent: float | None = None
    """Utilization: percent of the allowance, 0 or more, may exceed 100. None: not reported."""
    resets_at: datetime | None = None
    """To the minute: the server jitters by a second. None: not started, or not reported."""
    length: timedelta | None = None
    """5 hours or 7 days. None: not known, so there is no pace mark."""
    server_severity: Severity = Severity.NORMAL
    """What the server calls it; it may raise the severity, never lower it."""
    active: bool = False
    """The server calls this the limit that counts now; several can be."""
    locked_reason: str | None = None
    """Set: the window counts as full, whatever its percent. Raw code."""
    used: Money | None = None
    """Of an allowance in dollars. None: the window is not one, or it is not reported."""
    limit: Money | None = None
    """Of an allowance in dollars. None: the window is not one, or it is not reported."""

    @property
    def plan_wide(self) -> bool:
        """Whether the whole plan stops when this window is full."""
        return self.kind is not WindowKind.SCOPED

    def is_due(self, now: datetime) -> bool:
        """Whether its reset has passed since it was read: its percent is then history."""
        return self.resets_at is not None and self.resets_at <= now

    def is_full(self, now: datetime) -> bool:
        """Whether it stops work now. A window whose reset has passed does not, as far as is known."""
        if self.is_due(now):
            return False
        return self.locked_reason is not None or (self.percent is not None and self.percent >= FULL_FROM)

    def severity(self, now: datetime) -> Severity:
        """The worse of the figure's severity and the server's; NORMAL once its reset is due."""
        if self.is_due(now):
            return Severity.NORMAL
        if self.locked_reason is not None:
            return Severity.FULL
        return max(Severity.of(self.percent), self.server_severity)

    def elapsed(self, now: datetime) -> float | None:
        """The part of the window's time that has passed, 0 to 1; None where start or length is unknown."""
        if self.resets_at is None or self.length is None or self.is_due(now):
            return None
        return min(1.0, max(0.0, 1 - (self.resets_at - now) / self.length))


class Origin(StrEnum):
    """The place in the replies that a credit figure was read from."""

    OVERAGE = "overage_spend_limit"
    OWN = "overage_spend_limit?account_uuid"
    EXTRA_USAGE = "usage: extra_usage"
    SPEND = "usage: spend"


class CreditState(StrEnum):
    """Whether work may go on metered credits."""

    OPEN = "open"
    LOCKED = "locked"
    OFF = "off"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    """The org has no metered billing at all."""


OFF_REASONS = frozenset(
    {
        "overage_not_provisioned",
        "user_disabled",
        "no_limits_configured",
        "org_level_disabled",
        "seat_tier_level_disabled",
        "member_level_disabled",
        "org_service_level_disabled",
        "seat_tier_zero_credit_limit",
        "group_zero_credit_limit",
        "member_zero_credit_limit",
        "org_service_zero_credit_limit",
    }
)
"""`disabled_reason` values that mean: never set up, or switched off by the person or an administrator."""
UNKNOWN_REASONS = frozenset({"fetch_error", "unknown"})
"""`disabled_reason` values with which the server itself says that it does not know."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One reply's account of the credits: what was used, the cap, whether they are shut."""

    origin: Origin
    used: Money | None = None
    """`used_credits` of the current month. None: not reported."""
    cap: Money | None = None
    """The monthly cap. None: there is none (`uncapped`), or it is not reported."""
    uncapped: bool = False
    """The reply says that there is no cap: enabled, and the cap null."""
    enabled: bool | None = None
    """`is_enabled`; it can be false beside real use. None: not reported."""
    reason: str | None = None
    """`disabled_reason`, the raw code. None: the reply gives none."""
    until: datetime | None = None
    """`disabled_until`. None: the reply gives none."""
    out_of_credits: bool = False
    cap_reached: bool = False
    """`spend_limit_reached`."""
    personal: bool = True
    """One person's figure; False: the pool of a Team or Enterprise organization."""

    @property
    def percent(self) -> float | None:
        """Used credits as percent of the cap, may exceed 100; None without a cap above zero."""
        return self.used.percent_of(self.cap) if self.used else None

    @property
    def left(self) -> Money | None:
        """What is left under the cap, never below zero; None without a known cap."""
        return self.cap.minus(self.used) if self.cap and self.used else None

    @property
    def at_cap(self) -> bool:
        """Whether the figures themselves have reached the cap."""
        return self.left is not None and self.left.minor == 0

    def state(self, now: datetime) -> CreditState:
        """Whether this reply leaves the credits open; the table of `disabled_reason` values decides."""
        if self.out_of_credits or self.cap_reached or (self.until is not None and self.until > now):
            return CreditState.LOCKED
        if self.reason in OFF_REASONS:
            return CreditState.OFF
        if self.reason in UNKNOWN_REASONS:
            return CreditState.UNKNOWN
        if self.reason is not None:
            return CreditState.LOCKED
        if self.enabled is False:
            return CreditState.OFF
        if self.enabled is None:
            return CreditState.UNKNOWN
        return CreditState.LOCKED if self.at_cap else CreditState.OPEN


@dataclass(frozen=True, slots=True)
class Tranche:
    """A part of the balance with a life of its own."""

    remaining: Money
    expires_at: datetime | None
    """None: it does not expire, or that is not reported."""
    promotional: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """Prepaid money."""

    amount: Money | None
    """What is left. None: nothing was ever bought, or it is not reported."""
    tranches: tuple[Tranche, ...] = ()
    """Their sum can differ from `amount` by a unit or two; `amount` is the figure."""
    auto_reload: bool | None = None
    """Whether the balance tops itself up. None: not reported."""


@dataclass(frozen=True)
class Credits:
    """Everything the replies of one org say about its extra usage."""

    meters: tuple[Meter, ...] = ()
    """One for each reply that reports credits, the leading one first."""
    balance: Balance | None = None
    """None: not reported."""
    absent: bool = False
    """The overage reply says that there is no metered billing."""
    unasked: bool = False
    """The reply that would tell of a lock is never asked for: nothing says that the credits are open."""
    paused_until: datetime | None = None
    """The organization's own pause of billable usage. None: no pause."""

    @cached_property
    def own(self) -> Meter | None:
        """The leading personal meter; None where no reply has one."""
        return next((meter for meter in self.meters if meter.personal), None)

    @cached_property
    def pool(self) -> Meter | None:
        """The organization's meter on Team and Enterprise; None elsewhere."""
        return next((meter for meter in self.meters if not meter.personal), None)

    @property
    def lead(self) -> Meter | None:
        """The meter to show and to sample: one's own, else the pool."""
        return self.own or self.pool

    def shut(self, now: datetime) -> Meter | None:
        """The meter that keeps the credits from being open, one's own first; None where none does."""
        gates = [meter for meter in (self.own, self.pool) if meter is not None]
        order = (CreditState.LOCKED, CreditState.OFF, CreditState.UNKNOWN)
        return next((meter for state in order for meter in gates if meter.state(now) is state), None)

    def state(self, now: datetime) -> CreditState:
        """Whether work may go on credits: the worst of one's own gate, the pool's and the pause."""
        if self.paused_until is not None and self.paused_until > now:
            return CreditState.LOCKED
        if self.lead is None:
            return CreditState.ABSENT if self.absent else CreditState.UNKNOWN
        shut = self.shut(now)
        if shut is not None:
            return shut.state(now)
        return CreditState.UNKNOWN if self.unasked else CreditState.OPEN


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant of an early limit reset (`cedar_ember`)."""

    resets_left: int | None
    """None: not reported."""
    usable_now: bool
    ends_at: datetime | None
    """None: not reported."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the week one surface used (`seven_day_breakdown`)."""

    label: str
    percent: float
    """Percent of the week's use, 0 to 100."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the usage reply means."""

    windows: tuple[Window, ...] = ()
    """In the order they are shown. Empty: no windows on this plan."""
    meters: tuple[Meter, ...] = ()
    """`extra_usage` and `spend`, where they report anything."""
    grants: tuple[Grant, ...] = ()
    shares: tuple[Share, ...] = ()
    reported: bool = True
    """False: the reply was empty (`{}`)."""


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
    ends: date | None = None
    """A cancelled plan runs until then, and no charge follows. None: it goes on."""
    paid_through: date | None = None
    """Of a gift. None: not a gift."""
    paused_until: datetime | None = None
    """`payment_paused_until`. None: not paused."""
    change: tuple[str, date | None] | None = None
    """A scheduled change of plan and its date. None: none is scheduled."""

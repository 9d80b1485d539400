"""Rows of the archive as the exports show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.history import HistoryCycle, RowValue
from claudemeter_tui.model.machine import UsageRow
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.refusals import Refusal


class Owner(NamedTuple):
    """The account and the org of a row."""

    account: Account
    org: Org | None
    """None for a row about the account itself, or about a whole session."""
    number: int = 0
    """Number of the org in this archive, from 1; 0 without an org."""


class ReplySource(NamedTuple):
    """The reply that a row is from."""

    endpoint: str
    session: Session
    status: int
    first_at: datetime
    """Time at which it arrived. With org and endpoint, it identifies the reply."""
    confirmed_at: datetime
    """Time at which an equal reply arrived for the last time."""


class FigureRow(NamedTuple):
    """A span in which a figure had one value."""

    owner: Owner
    figure: str
    """`window:<key>`, `used`, `used:<origin>`, `cap`, `cap:<origin>`, `balance`, `credits` or `verdict`."""
    value: RowValue
    first_at: datetime
    confirmed_at: datetime
    """Last reading with the value."""
    resets_at: datetime | None = None
    """Reset of the window. None if not reported, or for another figure."""
    cause: str = ""
    """Cause of the verdict or the lock: a `Cause`, or the key of a window. Empty for other figures."""
    source: ReplySource | None = None
    """None if it follows from several replies, or if the reply was removed."""


class CycleRow(NamedTuple):
    """A 5-hour window, week or billing month."""

    owner: Owner
    cycle: HistoryCycle
    source: ReplySource | None = None
    """The reply with the peak. None if it was removed."""


class EventRow(NamedTuple):
    """One event."""

    owner: Owner | None
    """None if the event concerns a whole session."""
    at: datetime
    kind: str
    event: Event | None
    """None if another version of this program wrote an event that this one cannot read."""
    source: ReplySource | None = None
    """None if only the clock showed it, or if the reply was removed."""


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """A reply as the server sent it."""

    owner: Owner
    source: ReplySource
    count: int
    """Number of equal replies in a row."""
    duration: timedelta
    """Time from the first request to its reply."""
    text: str | None
    """Body. None if the archive is damaged there."""


@dataclass(frozen=True, slots=True)
class FailureRow:
    """Requests in a row that failed alike."""

    owner: Owner
    endpoint: str
    session: Session
    first_at: datetime
    last_at: datetime
    count: int
    kind: str
    """An `ErrorKind`."""
    detail: str


class SpendingRow(NamedTuple):
    """Credits spent in a quarter of an hour, or in a longer time without readings."""

    owner: Owner
    start_at: datetime
    """Start of the quarter, or the first reading after the time without readings."""
    amount: Money
    since: datetime | None = None
    """Last reading before the time without readings. None for a quarter."""


class TokenRow(NamedTuple):
    """Calls of Claude Code in one hour, in one project and with one model."""

    owner: Owner | None
    """Account and org of the login. None if it is not known."""
    start_at: datetime
    """Start of the hour."""
    usage: UsageRow


class RefusalRow(NamedTuple):
    """A request of Claude Code that the server refused."""

    owner: Owner | None
    """Account and org of the login. None if it is not known."""
    refusal: Refusal


ArchiveRow: TypeAlias = FigureRow | CycleRow | EventRow | ReplyRow | FailureRow | TokenRow | RefusalRow
"""Every row that is exported; credits per quarter of an hour are only added up."""

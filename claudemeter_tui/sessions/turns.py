"""Which of an account's sessions polls: one at a time, while the others stand by."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from claudemeter_tui.model.reading import SESSION_WIDE, Endpoint, Failure, Reading, Reply, Session, Trouble
from claudemeter_tui.model.store import is_one
from claudemeter_tui.model.usage import Account
from claudemeter_tui.polling import Source, worthless

BETWEEN_TWO = timedelta(minutes=1)
"""Between two questions about one org by two sessions."""
LOSES_ITS_TURN = frozenset(
    {
        Trouble.EXPIRED,
        Trouble.CHALLENGE,
        Trouble.DENIED,
        Trouble.REGION,
        Trouble.REDIRECT,
        Trouble.FORBIDDEN,
        Trouble.LOGIN_PAGE,
        Trouble.TOKEN_INVALID,
        Trouble.TOKEN_SCOPE,
        Trouble.NO_SESSION,
        Trouble.NO_ORGS,
    }
)
"""Troubles that another session may not have. Being throttled is none: the account is."""


class Seat:
    """A source that reads when it is its session's turn.

    Whose account it is, it learns from the first good answer; it stops there where another session
    serves that account, or has asked about its orgs within the last minute.
    """

    def __init__(
        self, source: Source, turns: Turns, *, interval: timedelta, last_resort: bool = False
    ) -> None:
        """Read through `source`, which is polled every `interval`; a last resort gives way to all others."""
        self.source = source
        self.interval = interval
        """The usual time between two polls."""
        self.next_at: datetime | None = None
        """When to be polled next. None: as usual."""
        self.last_resort = last_resort
        self.account: Account | None = None
        """None: the server has not said it yet."""
        self.known = False
        """Whether the account is that of the cookies at hand."""
        self.changed = False
        """Whether the cookies at hand came after the last poll began."""
        self.came = 0
        """Its number among those of the account, the first the least."""
        self.told: Reading | None = None
        """The last list of the account's orgs. None: there was none."""
        self.trouble: Trouble | None = None
        """Why it cannot serve. None: it can, as far as is known."""
        self.expires: datetime | None = None
        """When it ends by the browser's record. None: not known."""
        self.reading = False
        """Whether a poll goes on."""
        self._turns = turns

    @property
    def session(self) -> Session:
        """What it reads with."""
        return self.source.session

    @session.setter
    def session(self, session: Session) -> None:
        self.source.session = session

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once, as far as it is its turn."""
        self.next_at = self._turns.free_at(self) if self.known and self._serves_alone else None
        if self.next_at is not None:
            return
        found: list[Reading] = []
        self.reading, self.changed = True, False
        # Said before anything is sent: another session may come back meanwhile.
        asked = self._turns.note(self) if self.known and self._serves_alone else None
        full = full or not self._serves_alone
        try:
            async with aclosing(self.source.read(full=full)) as readings:
                async for reading in readings:
                    found.append(reading)
                    self.learn(reading)
                    yield reading
                    if self._must_stop(reading):
                        break
                    if not _is_refused(found[0]):
                        self._turns.note(self)
        finally:
            self.reading = False
            if not found or _is_refused(found[0]):
                self._turns.take_back(asked)
        failure = self._judge(found)
        if failure is not None and not self._turns.serves(self):
            yield Reading(self.session, failure.at, replace(failure, endpoint=Endpoint.ACCOUNT))
        self.next_at = self.next_at or getattr(self.source, "next_at", None)

    @property
    def _serves_alone(self) -> bool:
        """Whether a poll of it asks about orgs; one that tries to come back may find out that it cannot."""
        return self.trouble is None or self.last_resort

    async def aclose(self) -> None:
        """Nothing: a poller that stops leaves the connections open for the next one."""

    async def close(self) -> None:
        """Close the connections."""
        await self.source.aclose()

    def learn(self, reading: Reading) -> None:
        """Note whose session it is, and what the account's list says."""
        value = reading.account.value if isinstance(reading.account, Reply) else None
        if not isinstance(value, Account):
            return
        if self.account is None or not is_one(self.account, value):
            self.came = self._turns.next_number()
        self.account, self.known, self.trouble = value, True, None
        self._turns.changed()
        if reading.roster is not None:
            self.told = reading

    def _must_stop(self, reading: Reading) -> bool:
        """Whether what would follow is another one's to ask, or is to be asked later."""
        if reading.account is None or _is_refused(reading):
            return False
        free_at = self._turns.free_at(self)
        if isinstance(reading.account, Reply) and self._turns.serves(self):
            self.next_at = free_at
        return free_at is not None or not self._turns.serves(self)

    def _judge(self, found: list[Reading]) -> Failure | None:
        """Note whether a poll shows that it can serve; gives what it shows that it cannot."""
        failure = worthless(found)
        if failure is not None and failure.trouble in LOSES_ITS_TURN:
            self.trouble = failure.trouble
            return failure
        if failure is None and found:
            self.trouble = None
        return None


_Asked = tuple[Account, Seat, datetime]
"""Whose orgs were asked about, through which seat, and when."""


class Turns:
    """The sessions, account by account; of one account's, who came first serves as long as it works."""

    def __init__(self, now: Callable[[], datetime], changed: Callable[[], None]) -> None:
        """Begin with none; `changed` is called whenever a turn may have passed to another one."""
        self.seats: list[Seat] = []
        self.changed = changed
        self._now = now
        self._asked: list[_Asked] = []
        self._numbers = count()

    def next_number(self) -> int:
        """A number above all before."""
        return next(self._numbers)

    def serves(self, seat: Seat) -> bool:
        """Whether it is this one's turn; where none of the account's can serve, it is everybody's."""
        return self._server(seat) in (None, seat)

    def polls(self, seat: Seat) -> bool:
        """Whether it polls: it serves, has to learn whose it is, or comes before the one that serves.

        One that comes before and does not serve has failed, and tries to come back.
        """
        server = self._server(seat)
        return not seat.known or seat.changed or server in (None, seat) or _rank(seat) < _rank(server)

    def note(self, seat: Seat) -> _Asked | None:
        """Remember that it asks about its account's orgs now; None where the account is not known."""
        if seat.account is None:
            return None
        now = self._now()
        asked = (seat.account, seat, now)
        self._asked = [*(entry for entry in self._asked if now - entry[2] < BETWEEN_TWO), asked]
        return asked

    def take_back(self, asked: _Asked | None) -> None:
        """Forget what was remembered: it came to nothing."""
        self._asked = [entry for entry in self._asked if entry is not asked]

    def free_at(self, seat: Seat) -> datetime | None:
        """When it may ask about its orgs, because another session did lately. None: at once."""
        now, account = self._now(), seat.account
        if account is None:
            return None
        asked = (at for who, other, at in self._asked if other is not seat and is_one(who, account))
        last = max((at for at in asked if at <= now), default=None)
        return last + BETWEEN_TWO if last is not None and last + BETWEEN_TWO > now else None

    def _server(self, seat: Seat) -> Seat | None:
        """The one that serves the account: the first that can. None: none can."""
        members = [one for one in self.seats if one is seat or _are_one(one, seat)]
        return min((one for one in members if one.trouble is None), key=_rank, default=None)


def _rank(seat: Seat | None) -> tuple[bool, int]:
    """Last resorts last, then in the order in which they came."""
    return (seat.last_resort, seat.came) if seat is not None else (True, 0)


def _are_one(seat: Seat, other: Seat) -> bool:
    return seat.account is not None and other.account is not None and is_one(seat.account, other.account)


def _is_refused(reading: Reading) -> bool:
    """Whether a poll that began so asked about no org."""
    return isinstance(reading.account, Failure) and reading.account.trouble in SESSION_WIDE

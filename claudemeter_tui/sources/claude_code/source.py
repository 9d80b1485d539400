"""What Claude Code's login can read, and when: the account's windows and the figures beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from claudemeter_tui.model.reading import CLAUDE_CODE, Endpoint, Failure, Reading, Reply, Report, Trouble
from claudemeter_tui.model.usage import Account, Org
from claudemeter_tui.sources.aside import aside
from claudemeter_tui.sources.claude_ai import wire
from claudemeter_tui.sources.claude_ai.poll import Part, Poll
from claudemeter_tui.sources.claude_code.bearer import BearerClient
from claudemeter_tui.sources.claude_code.budget import Budget, Leave
from claudemeter_tui.sources.claude_code.credentials import Found, Lack, Login, NoLogin
from claudemeter_tui.sources.claude_code.ledger import PACE
from claudemeter_tui.sources.claude_code.secret import Secret
from claudemeter_tui.sources.claude_code.wire_profile import profile

PROFILE, USAGE = "/api/oauth/profile", "/api/oauth/usage"
PROFILE_EVERY = timedelta(hours=6)
"""Between two looks at whose login it is; another token is a reason to look at once."""
REFUSED_FOR = timedelta(minutes=30)
"""A token that was not accepted is not shown to the server again for so long; another one at once."""
LOOK_WITHIN = 20.0
"""Seconds for finding the login: the keychain may ask somebody, twice."""
BUDGET_WITHIN = 5.0
"""Seconds for the budget's file."""
_TROUBLES = {Lack.EXPIRED: Trouble.TOKEN_INVALID, Lack.NO_SCOPE: Trouble.TOKEN_SCOPE}
"""Every other lack is no session at all."""
_NOT_ACCEPTED = (Trouble.TOKEN_INVALID, Trouble.TOKEN_SCOPE)


class ClaudeCode:
    """Claude Code's login, read through the bearer endpoints within the shared budget.

    It reads the usage reply only: whether the server has locked the credits is not in it.
    """

    interval = PACE
    """The usual time between two polls."""

    def __init__(
        self, find: Callable[[], Found], client: BearerClient, budget: Budget, now: Callable[[], datetime]
    ) -> None:
        """Read with the login that `find` gives at each poll, in a thread; `now` is the clock."""
        self.session = CLAUDE_CODE
        self.next_at: datetime | None = None
        """When the budget allows the next poll; earlier ones ask nobody. None: there is no login to use."""
        self._find = find
        self._client = client
        self._budget = budget
        self._now = now
        self._whose: tuple[Secret, datetime, Org] | None = None
        self._refusal: tuple[Secret, Failure] | None = None

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:  # noqa: ARG002 - the budget rules
        """Poll once, if the budget allows it; where it does not, nothing is asked and nothing given.

        A failure is given for what keeps every poll from being good: no login, a token that is not
        accepted, a 429 and the wait after it. `full` changes nothing.
        """
        token = await self._token()
        if isinstance(token, Failure):
            self._client.bear(None)
            self.next_at = None
            yield self._stopped(token)
            return
        leave = await self._leave(token)
        if isinstance(leave, Failure):
            yield self._stopped(leave)
        elif leave.granted:
            self._client.bear(token)
            async with aclosing(self._ask(token)) as readings:
                async for reading in readings:
                    yield reading

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _token(self) -> Secret | Failure:
        """The login's token, or why there is none to use."""
        try:
            found = await aside(self._find, LOOK_WITHIN)
        except TimeoutError:
            return self._failure(Trouble.NO_SESSION, "looking for the login took too long")
        if isinstance(found, NoLogin):
            return self._failure(_TROUBLES.get(found.lack, Trouble.NO_SESSION), found.detail)
        return self._unless_refused(found)

    def _unless_refused(self, login: Login) -> Secret | Failure:
        token, failure = self._refusal or (None, None)
        if failure is None or token != login.token:
            return login.token
        return failure if timedelta(0) <= self._now() - failure.at < REFUSED_FOR else login.token

    async def _leave(self, token: Secret) -> Leave | Failure:
        """Leave from the budget, or the throttling that it waits for."""
        requests = 2 if self._profile_is_due(token) else 1
        leave = await self._from_budget(partial(self._budget.take, requests))
        if leave.granted or not leave.throttled:
            return leave
        wait = leave.opens_at - self._now()
        return replace(self._failure(Trouble.THROTTLED, "waiting, as asked"), retry_after=wait)

    async def _from_budget(self, call: Callable[[], Leave]) -> Leave:
        try:
            leave = await aside(call, BUDGET_WITHIN)
        except TimeoutError:
            leave = Leave(granted=False, opens_at=self._now() + PACE)
        self.next_at = leave.opens_at
        return leave

    def _profile_is_due(self, token: Secret) -> bool:
        if self._whose is None:
            return True
        known, at, _ = self._whose
        return known != token or not timedelta(0) <= self._now() - at < PROFILE_EVERY

    async def _ask(self, token: Secret) -> AsyncGenerator[Reading, None]:
        """The requests of one poll, and what the server said to them."""
        poll = Poll(self._client, self._now)
        if self._profile_is_due(token):
            yield await self._read_profile(poll, token)
        if self._whose is not None and poll.stopped is None:
            usage = await poll.ask(Endpoint.USAGE, USAGE, wire.usage)
            parts = {Endpoint.USAGE: usage} if poll.stopped is None else {}
            yield Reading(self.session, self._now(), reports=(Report(self._whose[2], parts),))
            if isinstance(usage, Reply):
                await self._from_budget(self._budget.answered)
        if poll.stopped is not None:
            yield self._stopped(await self._settled(poll.stopped, token))

    async def _read_profile(self, poll: Poll, token: Secret) -> Reading:
        """Whose login it is; a login of another account leaves nothing of the last one."""
        orgs: list[Org] = []

        def meaning(body: object) -> wire.Parsed[Account]:
            parsed = profile(body)
            account, org = parsed.value
            orgs.extend([org] if org is not None else [])
            return wire.Parsed(account, parsed.new_fields, parsed.odd_values)

        part: Part = await poll.ask(Endpoint.ACCOUNT, PROFILE, meaning)
        if isinstance(part, Reply) and orgs:
            self._whose = (token, self._now(), orgs[0])
            return Reading(self.session, self._now(), part, (orgs[0],))
        if isinstance(part, Reply):
            self._whose = None
            return Reading(self.session, self._now(), self._failure(Trouble.NO_ORGS), ())
        if self._whose is not None and self._whose[0] != token:
            self._whose = None
        return Reading(self.session, self._now(), None if poll.stopped is not None else part)

    async def _settled(self, stopped: Failure, token: Secret) -> Failure:
        """What is to be told of a poll that was stopped; the budget and the memory learn of it."""
        if stopped.trouble in _NOT_ACCEPTED:
            self._refusal = token, stopped
        if stopped.trouble is not Trouble.THROTTLED:
            return stopped
        leave = await self._from_budget(partial(self._budget.refused, stopped.retry_after))
        wait = max(leave.opens_at - self._now(), stopped.retry_after or PACE)
        self.next_at = self._now() + wait
        return replace(stopped, retry_after=wait)

    def _failure(self, trouble: Trouble, detail: str = "") -> Failure:
        return Failure(trouble, Endpoint.ACCOUNT, self._now(), detail)

    def _stopped(self, failure: Failure) -> Reading:
        return Reading(self.session, self._now(), replace(failure, endpoint=Endpoint.ACCOUNT))

"""Which replies are asked for, and when; what they found, org by org."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import quote

from claudemeter_tui.model.reading import (
    Endpoint,
    Failure,
    Reading,
    Reply,
    Report,
    Session,
    Trouble,
)
from claudemeter_tui.model.usage import Account, Meter, Org, Origin, Plan
from claudemeter_tui.sources.claude_ai import wire
from claudemeter_tui.sources.claude_ai.client import Client
from claudemeter_tui.sources.claude_ai.poll import Meaning, Part, Poll, is_session_wide

SLOW_CHANGING = timedelta(minutes=15)
"""Between two looks at the account and the subscription."""

Parts = dict[Endpoint, Part]


@dataclass
class _Memory:
    """What the source remembers of one org between polls."""

    metered: bool = False
    """Extra usage is or was on, so the balance is worth asking."""
    subscription_due: datetime | None = None
    """None: at once."""


class ClaudeAi:
    """One signed-in session, read through the web endpoints."""

    def __init__(self, session: Session, client: Client, now: Callable[[], datetime]) -> None:
        """Read as `session`, through `client`, by the clock `now`."""
        self.session = session
        self._client = client
        self._now = now
        self._account = Account()
        self._account_due: datetime | None = None
        self._roster: tuple[Org, ...] = ()
        self._memory: dict[str, _Memory] = {}

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once: the account where it is due, then each org as it completes.

        Expected failures are values in the readings. What every further request would meet too
        stops the poll and is told as the account's failure. `full` asks for the slow things, too.
        """
        poll = Poll(self._client, self._now)
        if full or _is_due(self._account_due, self._now()):
            yield await self._read_account(poll)
        tasks = [asyncio.create_task(self._read_org(poll, org, full=full)) for org in self._roster]
        try:
            for task in asyncio.as_completed(tasks):
                yield Reading(self.session, self._now(), reports=(await task,))
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if poll.stopped is not None:
            self._account_due = None
            yield Reading(self.session, self._now(), account=poll.stopped)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _read_account(self, poll: Poll) -> Reading:
        """The account and its orgs; the list of orgs stands in where the account names none."""
        rosters: list[tuple[Org, ...]] = []

        def of_account(body: object) -> wire.Parsed[Account]:
            parsed = wire.account(body)
            account, orgs = parsed.value
            rosters.append(self._none_lost(orgs, parsed.odd_values))
            return wire.Parsed(account, parsed.new_fields, parsed.odd_values)

        def of_list(body: object) -> wire.Parsed[None]:
            parsed = wire.organizations(body)
            if parsed.odd_values and not parsed.value:
                raise wire.MalformedError("a list without any org that can be read")
            rosters.append(self._none_lost(parsed.value, parsed.odd_values))
            return wire.Parsed(None, parsed.new_fields, parsed.odd_values)

        part, listed = await poll.ask(Endpoint.ACCOUNT, "/api/account", of_account), None
        if not any(rosters) and poll.stopped is None and (poll.is_early or not self._roster):
            listed = await poll.ask(Endpoint.ACCOUNT, "/api/organizations", of_list)
        answered = any(rosters) or isinstance(listed, Reply)
        return self._enrolled(part, listed, rosters[-1] if answered else None)

    def _none_lost(self, orgs: tuple[Org, ...], odd: tuple[str, ...]) -> tuple[Org, ...]:
        """The orgs of a list; where part of it was not understood, known ones that it lacks are not gone."""
        listed = {org.uuid for org in orgs}
        return (*orgs, *(org for org in self._roster if odd and org.uuid not in listed))

    def _enrolled(self, part: Part, listed: Part | None, roster: tuple[Org, ...] | None) -> Reading:
        """The account's reading; no orgs is what both of its answers have to say."""
        now = self._now()
        if isinstance(part, Reply) and isinstance(part.value, Account):
            self._account = part.value.filled(self._account)
        self._account_due = now + SLOW_CHANGING if roster and isinstance(part, Reply) else None
        if roster is not None:
            self._roster = roster
            self._memory = {org.uuid: self._memory.get(org.uuid, _Memory()) for org in roster}
        if roster == ():
            part = Failure(Trouble.NO_ORGS, Endpoint.ACCOUNT, now)
        elif roster is None and isinstance(part, Reply) and listed is not None:
            part = listed
        return Reading(self.session, now, part, roster)

    async def _read_org(self, poll: Poll, org: Org, *, full: bool) -> Report:
        memory = self._memory.setdefault(org.uuid, _Memory())
        due = full or _is_due(memory.subscription_due, self._now())
        wanted = [Endpoint.USAGE, Endpoint.OVERAGE]
        if org.shared and self._account.uuid:
            wanted.append(Endpoint.OWN_OVERAGE)
        if memory.metered:
            wanted.append(Endpoint.PREPAID)
        if due:
            wanted.append(Endpoint.SUBSCRIPTION)
        parts = await self._ask(poll, org, wanted)
        if not memory.metered and any(map(_is_metered, parts.values())):
            memory.metered = True
            parts |= await self._ask(poll, org, [Endpoint.PREPAID])
        if isinstance(parts.get(Endpoint.SUBSCRIPTION), Reply):
            memory.subscription_due = self._now() + SLOW_CHANGING
        told = {endpoint: part for endpoint, part in parts.items() if not is_session_wide(part)}
        return Report(org, told)

    async def _ask(self, poll: Poll, org: Org, wanted: list[Endpoint]) -> Parts:
        parts = await asyncio.gather(*(poll.ask(it, *self._call(it, org)) for it in wanted))
        return dict(zip(wanted, parts, strict=True))

    def _call(self, endpoint: Endpoint, org: Org) -> tuple[str, Meaning]:
        base = f"/api/organizations/{quote(org.uuid, safe='')}"
        overage = partial(wire.overage, shared=org.shared)
        match endpoint:
            case Endpoint.USAGE:
                return f"{base}/usage", wire.usage
            case Endpoint.OVERAGE:
                return f"{base}/overage_spend_limit", partial(overage, origin=Origin.OVERAGE)
            case Endpoint.OWN_OVERAGE:
                query = f"?account_uuid={quote(self._account.uuid or '', safe='')}"
                return f"{base}/overage_spend_limit{query}", partial(overage, origin=Origin.OWN)
            case Endpoint.PREPAID:
                return f"{base}/prepaid/credits", wire.prepaid
            case _:
                return f"{base}/subscription_details", wire.subscription


def _is_due(due: datetime | None, now: datetime) -> bool:
    """Whether what changes slowly is worth asking; a clock that was set back makes it so, too."""
    return due is None or not due - SLOW_CHANGING <= now < due


def _is_metered(part: Part) -> bool:
    """Whether a reply shows that extra usage is or was on."""
    value = part.value if isinstance(part, Reply) else None
    meters = value.meters if isinstance(value, Plan) else (value,)
    return any(isinstance(meter, Meter) and _was_on(meter) for meter in meters)


def _was_on(meter: Meter) -> bool:
    used = meter.used is not None and meter.used.minor > 0
    return bool(meter.enabled or used or meter.cap or meter.out_of_credits)

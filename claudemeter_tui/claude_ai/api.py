"""One poll of a signed-in session: which replies are requested, and what they contain, org by org."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from claudemeter_tui.claude_ai import parse, responses
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.claude_ai.responses import HttpResponse, RequestFailedError
from claudemeter_tui.claude_ai.validation import MalformedError, ParsedBody
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import ORGANIZATIONS_PATH, Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.reading import (
    SESSION_WIDE_ERRORS,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    Session,
)
from claudemeter_tui.model.windows import Plan

POLL_TIMEOUT = 20.0
"""Seconds after which a poll is over, whatever has not answered."""
REPLY_TIMEOUT = 10.0
"""Seconds for one reply, from its turn to its last byte."""
MAX_CONCURRENT = 8
"""Requests under way at a time."""
_ABSENT_ERRORS = (ErrorKind.NOT_FOUND, ErrorKind.FORBIDDEN)

EndpointResult = Reply | Failure
BodyParser = Callable[[object], ParsedBody[Any]]
"""What turns a body into a value."""


class Poll:
    """One poll: its turns, its deadline, and what has stopped it."""

    def __init__(self, client: CookieClient, now: Callable[[], datetime]) -> None:
        """Begin now: ask through `client`, by the clock `now`."""
        self._client = client
        self._now = now
        self._deadline = asyncio.get_running_loop().time() + POLL_TIMEOUT
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self.stop_failure: Failure | None = None
        """What every further request would meet too. None: nothing so far."""

    @property
    def is_early(self) -> bool:
        """Whether most of its time is left."""
        return asyncio.get_running_loop().time() < self._deadline - 0.75 * POLL_TIMEOUT

    async def fetch(self, endpoint: Endpoint, path: str, meaning: BodyParser) -> EndpointResult:
        """One reply and what it means, or the failure to get one."""
        part = await self._fetch_unless_stopped(endpoint, path, meaning)
        if self.stop_failure is None and isinstance(part, Failure) and is_session_wide(part):
            self.stop_failure = part
        return part

    async def _fetch_unless_stopped(
        self, endpoint: Endpoint, path: str, meaning: BodyParser
    ) -> EndpointResult:
        try:
            async with asyncio.timeout_at(self._deadline), self._slots:
                if self.stop_failure is not None:
                    return self.stop_failure
                async with asyncio.timeout(REPLY_TIMEOUT):
                    answer = await self._client.get(path)
            return _parse_reply(endpoint, answer, meaning)
        except RequestFailedError as refused:
            at, wait = self._now(), refused.retry_after
            return Failure(refused.error_kind, endpoint, at, refused.detail, retry_after=wait)
        except TimeoutError:
            return Failure(ErrorKind.TIMEOUT, endpoint, self._now())
        except MalformedError:
            return Failure(ErrorKind.MALFORMED, endpoint, self._now(), "JSON of another shape")
        except Exception as error:  # noqa: BLE001 - the boundary for what nobody foresaw
            return Failure.from_exception(error, endpoint, self._now())


def _parse_reply(endpoint: Endpoint, answer: HttpResponse, meaning: BodyParser) -> Reply:
    """The reply behind an answer; that an org has no such thing is an answer too."""
    try:
        parsed = meaning(responses.parse_body(answer))
    except RequestFailedError as refused:
        if not endpoint.facts.is_optional or refused.error_kind not in _ABSENT_ERRORS:
            raise
        parsed = ParsedBody(None, (), ())
    return Reply(
        endpoint,
        answer.at,
        parsed.value,
        text=answer.text,
        status=answer.status,
        duration=answer.duration,
        new_fields=parsed.new_fields,
        odd_values=parsed.odd_values,
    )


def is_session_wide(part: EndpointResult) -> bool:
    """Whether every further request of the session would meet it too."""
    return isinstance(part, Failure) and part.error_kind in SESSION_WIDE_ERRORS


SLOW_INTERVAL = timedelta(minutes=15)
"""Time between two requests of a reply that rarely changes."""

EndpointResults = dict[Endpoint, EndpointResult]


@dataclass
class _OrgRequests:
    """What the source remembers of one org between polls."""

    has_credits: bool = False
    """Extra usage is or was on, so the balance is worth asking."""
    due_at: dict[Endpoint, datetime] = field(default_factory=dict)
    """When each slow reply is due. None of a reply: at once."""


class ClaudeAiSource:
    """One signed-in session, read through the web endpoints."""

    def __init__(self, session: Session, client: CookieClient, now: Callable[[], datetime]) -> None:
        """Read as `session`, through `client`, by the clock `now`."""
        self.session = session
        self._client = client
        self._now = now
        self._account = Account()
        self._account_due_at: datetime | None = None
        self._orgs: tuple[Org, ...] = ()
        self._org_requests: dict[str, _OrgRequests] = {}

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once: yield the account if it is due, then each org as soon as it is read.

        Expected failures are values in the readings. A session-wide failure stops the poll and is
        yielded as the account's. `full` includes the replies that change slowly.
        """
        poll = Poll(self._client, self._now)
        if full or _is_due(self._account_due_at, self._now()):
            yield await self._read_account(poll)
        tasks = [asyncio.create_task(self._read_org(poll, org, full=full)) for org in self._orgs]
        try:
            for task in asyncio.as_completed(tasks):
                yield Reading(self.session, self._now(), org_readings=(await task,))
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if poll.stop_failure is not None:
            self._account_due_at = None
            yield Reading(self.session, self._now(), account=poll.stop_failure)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _read_account(self, poll: Poll) -> Reading:
        """The account and its orgs; the list of orgs stands in where the account names none."""
        rosters: list[tuple[Org, ...]] = []

        def of_account(body: object) -> ParsedBody[Account]:
            parsed = parse.parse_account(body)
            account, orgs = parsed.value
            rosters.append(self._keep_known_orgs(orgs, parsed.odd_values))
            return ParsedBody(account, parsed.new_fields, parsed.odd_values)

        def of_list(body: object) -> ParsedBody[None]:
            parsed = parse.parse_organizations(body)
            if parsed.odd_values and not parsed.value:
                raise MalformedError("a list without any org that can be read")
            rosters.append(self._keep_known_orgs(parsed.value, parsed.odd_values))
            return ParsedBody(None, parsed.new_fields, parsed.odd_values)

        part, listed = await poll.fetch(Endpoint.ACCOUNT, Endpoint.ACCOUNT.facts.path, of_account), None
        if not any(rosters) and poll.stop_failure is None and (poll.is_early or not self._orgs):
            listed = await poll.fetch(Endpoint.ACCOUNT, ORGANIZATIONS_PATH, of_list)
        answered = any(rosters) or isinstance(listed, Reply)
        return self._build_account_reading(part, listed, rosters[-1] if answered else None)

    def _keep_known_orgs(self, orgs: tuple[Org, ...], odd: tuple[str, ...]) -> tuple[Org, ...]:
        """The orgs of a list; where part of it was not understood, known ones that it lacks are not gone."""
        listed = {org.uuid for org in orgs}
        return (*orgs, *(org for org in self._orgs if odd and org.uuid not in listed))

    def _build_account_reading(
        self, part: EndpointResult, listed: EndpointResult | None, roster: tuple[Org, ...] | None
    ) -> Reading:
        """The account's reading; no orgs is what both of its answers have to say."""
        now = self._now()
        if isinstance(part, Reply) and isinstance(part.value, Account):
            self._account = part.value.fill_from(self._account)
        self._account_due_at = now + SLOW_INTERVAL if roster and isinstance(part, Reply) else None
        if roster is not None:
            self._orgs = roster
            self._org_requests = {
                org.uuid: self._org_requests.get(org.uuid, _OrgRequests()) for org in roster
            }
        if roster == ():
            part = Failure(ErrorKind.NO_ORGS, Endpoint.ACCOUNT, now)
        elif roster is None and isinstance(part, Reply) and listed is not None:
            part = listed
        return Reading(self.session, now, part, roster)

    async def _read_org(self, poll: Poll, org: Org, *, full: bool) -> OrgReading:
        memory = self._org_requests.setdefault(org.uuid, _OrgRequests())
        wanted = [Endpoint.USAGE, Endpoint.OVERAGE]
        if org.is_shared and self._account.uuid:
            wanted.append(Endpoint.OWN_OVERAGE)
        if memory.has_credits:
            wanted.append(Endpoint.PREPAID)
        wanted.append(Endpoint.SUBSCRIPTION)
        if not full:
            wanted = [one for one in wanted if _is_due(memory.due_at.get(one), self._now())]
        parts = await self._fetch_all(poll, org, wanted)
        if not memory.has_credits and any(map(_has_credits, parts.values())):
            memory.has_credits = True
            parts |= await self._fetch_all(poll, org, [Endpoint.PREPAID])
        for endpoint, part in parts.items():
            if endpoint.facts.is_slow and isinstance(part, Reply):
                memory.due_at[endpoint] = self._now() + SLOW_INTERVAL
        told = {endpoint: part for endpoint, part in parts.items() if not is_session_wide(part)}
        return OrgReading(org, told)

    async def _fetch_all(self, poll: Poll, org: Org, wanted: list[Endpoint]) -> EndpointResults:
        parts = await asyncio.gather(*(poll.fetch(it, *self._build_request(it, org)) for it in wanted))
        return dict(zip(wanted, parts, strict=True))

    def _build_request(self, endpoint: Endpoint, org: Org) -> tuple[str, BodyParser]:
        account = quote(self._account.uuid or "", safe="")
        path = endpoint.facts.path.format(org=quote(org.uuid, safe=""), account=account)
        overage = partial(parse.parse_overage, shared=org.is_shared)
        match endpoint:
            case Endpoint.USAGE:
                return path, parse.parse_usage
            case Endpoint.OVERAGE:
                return path, partial(overage, origin=MeterOrigin.OVERAGE)
            case Endpoint.OWN_OVERAGE:
                return path, partial(overage, origin=MeterOrigin.OWN_OVERAGE)
            case Endpoint.PREPAID:
                return path, parse.parse_prepaid
            case _:
                return path, parse.parse_subscription


def _is_due(due: datetime | None, now: datetime) -> bool:
    """Whether what changes slowly is worth asking; a clock that was set back makes it so, too."""
    return due is None or not due - SLOW_INTERVAL <= now < due


def _has_credits(part: EndpointResult) -> bool:
    """Whether a reply shows that extra usage is or was on."""
    value = part.value if isinstance(part, Reply) else None
    meters = value.meters if isinstance(value, Plan) else (value,)
    return any(isinstance(meter, Meter) and _was_enabled(meter) for meter in meters)


def _was_enabled(meter: Meter) -> bool:
    used = meter.used is not None and meter.used.minor > 0
    return bool(meter.is_enabled or used or meter.cap or meter.out_of_credits)

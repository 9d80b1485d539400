"""One poll of a signed-in session: which replies are requested, and what they contain, org by org."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from claudemeter_tui.claude_ai.client import CookieClient, HttpResponse, RequestFailedError, parse_body
from claudemeter_tui.claude_ai.parse_account import parse_account, parse_organizations, parse_subscription
from claudemeter_tui.claude_ai.parse_credits import parse_overage, parse_prepaid
from claudemeter_tui.claude_ai.parse_usage import parse_usage
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
"""Seconds after which a poll ends, even if requests are still open."""
REPLY_TIMEOUT = 10.0
"""Seconds for one reply, from its free slot to its last byte."""
MAX_CONCURRENT = 8
"""Requests open at a time."""
_ABSENT_ERRORS = (ErrorKind.NOT_FOUND, ErrorKind.FORBIDDEN)

EndpointResult = Reply | Failure
BodyParser = Callable[[object], ParsedBody[Any]]
"""Parser of the body of one reply."""


class Poll:
    """One poll: its concurrent requests, its deadline, and the failure that stopped it."""

    def __init__(self, client: CookieClient, now: Callable[[], datetime]) -> None:
        """Start now: send requests through `client`; `now` is the clock."""
        self._client = client
        self._now = now
        self._deadline = asyncio.get_running_loop().time() + POLL_TIMEOUT
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self.stop_failure: Failure | None = None
        """Failure that every further request would meet too. None if nothing stopped the poll so far."""

    @property
    def is_early(self) -> bool:
        """True if three quarters of its time are left."""
        return asyncio.get_running_loop().time() < self._deadline - 0.75 * POLL_TIMEOUT

    async def fetch(self, endpoint: Endpoint, path: str, parser: BodyParser) -> EndpointResult:
        """Return one parsed reply, or the failure to get it; a session-wide failure stops the poll."""
        try:
            async with asyncio.timeout_at(self._deadline), self._slots:
                if self.stop_failure is not None:
                    return self.stop_failure
                async with asyncio.timeout(REPLY_TIMEOUT):
                    answer = await self._client.get(path)
            return _parse_reply(endpoint, answer, parser)
        except RequestFailedError as refused:
            at, wait = self._now(), refused.retry_after
            failure = Failure(refused.error_kind, endpoint, at, refused.detail, retry_after=wait)
        except TimeoutError:
            failure = Failure(ErrorKind.TIMEOUT, endpoint, self._now())
        except MalformedError:
            failure = Failure(ErrorKind.MALFORMED, endpoint, self._now(), "JSON of another shape")
        except Exception as error:  # noqa: BLE001 - the boundary for unexpected errors
            failure = Failure.from_exception(error, endpoint, self._now())
        if self.stop_failure is None and _is_session_wide(failure):
            self.stop_failure = failure
        return failure


def _parse_reply(endpoint: Endpoint, answer: HttpResponse, parser: BodyParser) -> Reply:
    """Return the reply of a response, with the value None if the org has no such thing."""
    try:
        parsed = parser(parse_body(answer))
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


def _is_session_wide(part: EndpointResult) -> bool:
    """Return True if every further request of the session would fail in the same way."""
    return isinstance(part, Failure) and part.error_kind in SESSION_WIDE_ERRORS


ORG_PARSERS: Mapping[Endpoint, Callable[[object, Org], ParsedBody[Any]]] = {
    Endpoint.USAGE: lambda body, _: parse_usage(body),
    Endpoint.OVERAGE: lambda body, org: parse_overage(body, MeterOrigin.OVERAGE, shared=org.is_shared),
    Endpoint.OWN_OVERAGE: lambda body, org: parse_overage(
        body, MeterOrigin.OWN_OVERAGE, shared=org.is_shared
    ),
    Endpoint.PREPAID: lambda body, _: parse_prepaid(body),
    Endpoint.SUBSCRIPTION: lambda body, _: parse_subscription(body),
}
"""Parser of every reply about an org, in the order of the requests. The account's reply is about no org."""

SLOW_INTERVAL = timedelta(minutes=15)
"""Time between two requests of a reply that rarely changes."""


class ClaudeAiSource:
    """One signed-in session, read through the web endpoints."""

    def __init__(self, session: Session, client: CookieClient, now: Callable[[], datetime]) -> None:
        """Read as `session` through `client`; `now` is the clock."""
        self.session = session
        self._client = client
        self._now = now
        self._account = Account()
        self._account_due_at: datetime | None = None
        self._orgs: tuple[Org, ...] = ()
        # By the uuid of an org: the usage credits are or were on, so there can be a balance.
        self._orgs_with_credits: set[str] = set()
        # A slow reply without an entry is due at once.
        self._due_at: dict[tuple[str, Endpoint], datetime] = {}

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
        """Return the account and its orgs, from the list of orgs if the account reply names none.

        The reading fails if both replies list no org.
        """
        rosters: list[tuple[Org, ...]] = []

        def read_account(body: object) -> ParsedBody[Account]:
            parsed = parse_account(body)
            account, orgs = parsed.value
            rosters.append(self._keep_known_orgs(orgs, parsed.odd_values))
            return ParsedBody(account, parsed.new_fields, parsed.odd_values)

        def read_list(body: object) -> ParsedBody[None]:
            parsed = parse_organizations(body)
            if parsed.odd_values and not parsed.value:
                raise MalformedError("a list without any org that can be read")
            rosters.append(self._keep_known_orgs(parsed.value, parsed.odd_values))
            return ParsedBody(None, parsed.new_fields, parsed.odd_values)

        part, listed = await poll.fetch(Endpoint.ACCOUNT, Endpoint.ACCOUNT.facts.path, read_account), None
        if isinstance(part, Reply) and isinstance(part.value, Account):
            self._account = part.value.fill_from(self._account)
        if not any(rosters) and poll.stop_failure is None and (poll.is_early or not self._orgs):
            listed = await poll.fetch(Endpoint.ACCOUNT, ORGANIZATIONS_PATH, read_list)
        roster = rosters[-1] if any(rosters) or isinstance(listed, Reply) else None
        now = self._now()
        self._account_due_at = now + SLOW_INTERVAL if roster and isinstance(part, Reply) else None
        if roster is not None:
            self._orgs = roster
            uuids = {org.uuid for org in roster}
            self._orgs_with_credits &= uuids
            self._due_at = {key: due for key, due in self._due_at.items() if key[0] in uuids}
        if roster == ():
            part = Failure(ErrorKind.NO_ORGS, Endpoint.ACCOUNT, now)
        elif roster is None and isinstance(part, Reply) and listed is not None:
            part = listed
        return Reading(self.session, now, part, roster)

    def _keep_known_orgs(self, orgs: tuple[Org, ...], odd: tuple[str, ...]) -> tuple[Org, ...]:
        """Return the orgs of a list, and the known orgs that it lacks if part of it was not understood."""
        listed = {org.uuid for org in orgs}
        return (*orgs, *(org for org in self._orgs if odd and org.uuid not in listed))

    async def _read_org(self, poll: Poll, org: Org, *, full: bool) -> OrgReading:
        uuids = {"org": quote(org.uuid, safe=""), "account": quote(self._account.uuid or "", safe="")}
        parts: dict[Endpoint, EndpointResult] = {}

        async def fetch(endpoint: Endpoint) -> EndpointResult:
            path = endpoint.facts.path.format(**uuids)
            return await poll.fetch(endpoint, path, lambda body: ORG_PARSERS[endpoint](body, org))

        # A reply can make another one wanted: the balance, once the credits are known to be on.
        while wanted := [it for it in ORG_PARSERS if it not in parts and self._is_wanted(it, org, full=full)]:
            found = await asyncio.gather(*map(fetch, wanted))
            parts |= zip(wanted, found, strict=True)
            if any(map(_has_credits, found)):
                self._orgs_with_credits.add(org.uuid)
        for endpoint, part in parts.items():
            if endpoint.facts.is_slow and isinstance(part, Reply):
                self._due_at[org.uuid, endpoint] = self._now() + SLOW_INTERVAL
        return OrgReading(
            org, {endpoint: part for endpoint, part in parts.items() if not _is_session_wide(part)}
        )

    def _is_wanted(self, endpoint: Endpoint, org: Org, *, full: bool) -> bool:
        is_needed = {
            # Only in an org with a pool does a member have figures of their own.
            Endpoint.OWN_OVERAGE: org.is_shared and bool(self._account.uuid),
            Endpoint.PREPAID: org.uuid in self._orgs_with_credits,
        }.get(endpoint, True)
        return is_needed and (full or _is_due(self._due_at.get((org.uuid, endpoint)), self._now()))


def _is_due(due: datetime | None, now: datetime) -> bool:
    """Return True if a slow reply is due, or if the clock was set back."""
    return due is None or not due - SLOW_INTERVAL <= now < due


def _has_credits(part: EndpointResult) -> bool:
    """Return True if a reply shows that usage credits are or were on."""
    value = part.value if isinstance(part, Reply) else None
    meters = value.meters if isinstance(value, Plan) else (value,)
    return any(
        meter.is_enabled or meter.cap or meter.out_of_credits or (meter.used and meter.used.minor)
        for meter in meters
        if isinstance(meter, Meter)
    )

"""One poll of a signed-in session: request the replies and parse them, org by org."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from claudemeter_tui.claude_ai.parse_account import parse_account, parse_organizations, parse_subscription
from claudemeter_tui.claude_ai.parse_credits import parse_overage, parse_prepaid
from claudemeter_tui.claude_ai.parse_usage import parse_usage
from claudemeter_tui.claude_ai.responses import Client, HttpResponse, RequestFailedError, parse_body
from claudemeter_tui.claude_ai.validation import MalformedError, ParsedBody
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import ORGANIZATIONS_PATH, SLOW_INTERVAL, Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.reading import (
    REFUSAL_ERRORS,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    Session,
    compute_backoff,
)
from claudemeter_tui.model.windows import Plan

POLL_TIMEOUT = 20.0
"""Seconds after which a poll ends, even if requests are still open."""
REPLY_TIMEOUT = 10.0
"""Seconds for one reply, from its free slot to its last byte."""
MAX_CONCURRENT = 8
"""Maximum number of requests at a time, and of orgs that are read at a time."""
MIN_REFUSED_USAGE, MIN_REFUSALS = 3, MAX_CONCURRENT
"""Numbers of refused usage replies, and of refused replies of all kinds, that can stop the whole session."""
QUERY_RETRY_INTERVAL = timedelta(hours=1)
"""Time after which an optional query that the server has refused is sent again."""
QUERY_REFUSALS = (400, 404, 422)
"""Statuses, besides 500 and above, after which a request is repeated without its optional query."""
_ABSENT_ERRORS = (ErrorKind.NOT_FOUND, ErrorKind.FORBIDDEN)

EndpointResult = Reply | Failure
BodyParser = Callable[[object], ParsedBody[Any]]
"""Parser of the body of one reply."""


class Poll:
    """One poll: its concurrent requests, its deadline, and the failure that stopped it.

    A failure that every further request would meet stops the poll. A refusal (a 429, Cloudflare's check)
    concerns one request, unless refusals are widespread. They are widespread in two cases: at least three
    usage replies, or eight replies of different orgs and endpoints, were refused and fewer of them arrived;
    or no reply about an org arrived in the whole poll.
    """

    def __init__(
        self,
        client: Client,
        now: Callable[[], datetime],
        *,
        stops_at_refusal: bool = True,
        refused_queries: dict[str, datetime] | None = None,
    ) -> None:
        """Start the deadline now; send requests through `client`; `now` is the clock.

        `stops_at_refusal` stops the poll at the first refusal, for requests that share one limit.
        `refused_queries` has the time at which the server refused the optional query of a path; the poll
        updates it. None if no path has such a query.
        """
        self._client = client
        self._now = now
        self._stops_at_refusal = stops_at_refusal
        self._refused_queries = {} if refused_queries is None else refused_queries
        self._refusals: dict[tuple[str, Endpoint], Failure] = {}
        self.results: dict[str, EndpointResult] = {}
        """Result of each request that was sent and not cut off by the deadline, by its path."""
        self.org_by_path: dict[str, str] = {}
        """Uuid of the org that each of these requests is about; empty for the account."""
        self._deadline = asyncio.get_running_loop().time() + POLL_TIMEOUT
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self.stop_failure: Failure | None = None
        """Failure that every further request would meet too. None if nothing stopped the poll so far."""

    @property
    def is_early(self) -> bool:
        """True if three quarters of its time are left."""
        return asyncio.get_running_loop().time() < self._deadline - 0.75 * POLL_TIMEOUT

    @property
    def is_over(self) -> bool:
        """True after its deadline."""
        return asyncio.get_running_loop().time() >= self._deadline

    async def fetch(self, endpoint: Endpoint, path: str, parser: BodyParser, org: str = "") -> EndpointResult:
        """Return one parsed reply, or the failure to get it; a session-wide failure stops the poll.

        `org` is the uuid of the org that the reply is about; empty for the account.
        """
        try:
            # Do not start a request that would be cancelled at once: httpcore 1.0.9 would lose a connection
            # for good.
            if self.is_over:
                raise TimeoutError  # noqa: TRY301 - as if it had waited for its slot
            async with asyncio.timeout_at(self._deadline), self._slots:
                if self.stop_failure is not None:
                    return self.stop_failure
                async with asyncio.timeout(REPLY_TIMEOUT):
                    answer = await self._get(path, endpoint.facts.optional_query)
            part: EndpointResult = _parse_reply(endpoint, answer, parser)
        except TimeoutError:
            if self.is_over and org:
                return Failure(ErrorKind.UNREAD, endpoint, self._now())
            part = Failure(ErrorKind.TIMEOUT, endpoint, self._now())
        except Exception as error:  # noqa: BLE001 - the boundary for unexpected errors
            part = self._build_failure(error, endpoint)
        self.results[path], self.org_by_path[path] = part, org
        if isinstance(part, Failure) and self.stop_failure is None:
            self.stop_failure = self._find_stop(part, org)
        return part

    def _build_failure(self, error: Exception, endpoint: Endpoint) -> Failure:
        """Return the failure for an exception of a request or of its parser."""
        at = self._now()
        match error:
            case RequestFailedError():
                kind, wait = error.error_kind, error.retry_after
                return Failure(kind, endpoint, at, error.detail, retry_after=wait)
            case MalformedError():
                return Failure(ErrorKind.MALFORMED, endpoint, at, "unexpected JSON structure")
        return Failure.from_exception(error, endpoint, at)

    def conclude(self) -> None:
        """Stop the poll by its refusals if no reply about an org arrived."""
        if self._refusals and self.stop_failure is None and not self._count_replies():
            self.stop_failure = self._stop_at(next(iter(self._refusals.values())))

    def _find_stop(self, failure: Failure, org: str) -> Failure | None:
        """Return the failure that stops the poll. None if the other requests can continue."""
        if failure.error_kind not in REFUSAL_ERRORS:
            return failure if failure.is_session_wide else None
        self._refusals[org, failure.endpoint] = failure
        return self._stop_at(failure) if self._stops_at_refusal or self._is_widespread else None

    def _stop_at(self, refusal: Failure) -> Failure:
        """Return a refusal as a failure of the session, with the longest wait that the server asked for."""
        wait = max(filter(None, (one.retry_after for one in self._refusals.values())), default=None)
        return replace(refusal, retry_after=wait, is_widespread=True)

    @property
    def _is_widespread(self) -> bool:
        refused_usage = sum(endpoint is Endpoint.USAGE for _, endpoint in self._refusals)
        if refused_usage >= MIN_REFUSED_USAGE and refused_usage > self._count_replies(Endpoint.USAGE):
            return True
        is_mixed = all(len({key[place] for key in self._refusals}) > 1 for place in (0, 1))
        return (
            is_mixed and len(self._refusals) >= MIN_REFUSALS and len(self._refusals) > self._count_replies()
        )

    def _count_replies(self, endpoint: Endpoint | None = None) -> int:
        """Return the number of good replies about orgs, of one endpoint or of all."""
        replies = [part.endpoint for part in self.results.values() if isinstance(part, Reply)]
        return sum(one is endpoint if endpoint else one is not Endpoint.ACCOUNT for one in replies)

    async def _get(self, path: str, optional_query: str) -> HttpResponse:
        """Return the response; if the server refuses the optional query, repeat the request without it.

        A refused query is left out for an hour. A 5xx for both requests is a fault of the server, and shows
        nothing about the query.
        """
        plain_path = path.removesuffix(optional_query)
        refused_at = self._refused_queries.get(path)
        if refused_at is not None and refused_at <= self._now() < refused_at + QUERY_RETRY_INTERVAL:
            return await self._client.get(plain_path)
        self._refused_queries.pop(path, None)
        answer = await self._client.get(path)
        is_refused = answer.status in QUERY_REFUSALS
        if plain_path == path or not (is_refused or answer.status >= 500):
            return answer
        plain_answer = await self._client.get(plain_path)
        if is_refused or plain_answer.status < 500:
            self._refused_queries[path] = self._now()
        return plain_answer


def _parse_reply(endpoint: Endpoint, answer: HttpResponse, parser: BodyParser) -> Reply:
    """Return the reply of a response; its value is None if the org lacks the feature."""
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


def parse_kept_reply(kept: Reply, parser: BodyParser) -> EndpointResult:
    """Parse a reply again from its kept text, status and times; the failure if it cannot be parsed now."""
    try:
        return _parse_reply(
            kept.endpoint, HttpResponse(kept.status, kept.text, kept.at, kept.duration), parser
        )
    except RequestFailedError as refused:
        return Failure(refused.error_kind, kept.endpoint, kept.at, refused.detail)
    except MalformedError:
        return Failure(ErrorKind.MALFORMED, kept.endpoint, kept.at, "unexpected JSON structure")


ORG_PARSERS: Mapping[Endpoint, Callable[[object, Org], ParsedBody[Any]]] = {
    Endpoint.USAGE: lambda body, _: parse_usage(body),
    Endpoint.OVERAGE: lambda body, org: parse_overage(body, MeterOrigin.OVERAGE, shared=org.is_shared),
    Endpoint.OWN_OVERAGE: lambda body, org: parse_overage(
        body, MeterOrigin.OWN_OVERAGE, shared=org.is_shared
    ),
    Endpoint.PREPAID: lambda body, _: parse_prepaid(body),
    Endpoint.SUBSCRIPTION: lambda body, _: parse_subscription(body),
}
"""Parser of every reply about an org, in the order of the requests."""


class _Hold(NamedTuple):
    """Pause of one request that failed."""

    begun_at: datetime
    """Start of the poll in which it failed."""
    ends_at: datetime
    failure: Failure
    failure_count: int
    """Number of failures in a row."""
    org: str
    """Uuid of the org that the request is about; empty for the account."""

    @property
    def is_ordered(self) -> bool:
        """True if the server asked for a pause."""
        return self.failure.error_kind is ErrorKind.THROTTLED or self.failure.retry_after is not None

    def holds(self, now: datetime) -> bool:
        """Return True until its end, unless the clock was set back."""
        return self.begun_at <= now < self.ends_at


class ClaudeAiSource:
    """One signed-in session, read through the web endpoints.

    Orgs take turns: a poll begins with those that were read longest ago, and the next poll continues where it
    ended. A request that is refused, or that is slow while others work, is paused on its own: for as long as
    the server asked, or for longer after each failure.
    """

    def __init__(
        self,
        session: Session,
        client: Client,
        now: Callable[[], datetime],
        ignores: Callable[[Org], bool] = lambda _: False,
    ) -> None:
        """Read as `session` through `client`; `now` is the clock. No request is sent for ignored orgs."""
        self.session = session
        self._client = client
        self._now = now
        self._ignores = ignores
        self._account = Account()
        self._account_due_at: datetime | None = None
        self._orgs: tuple[Org, ...] = ()
        # Uuids of orgs whose usage credits are or were on, so that there can be a balance.
        self._orgs_with_credits: set[str] = set()
        # A reply that rarely changes is due at once if it has no entry.
        self._due_at: dict[tuple[str, Endpoint], datetime] = {}
        self._holds: dict[str, _Hold] = {}
        """Paused requests by path. A pause that is over stays here until a reply arrives."""
        self._refused_queries: dict[str, datetime] = {}
        self._poll_number = 0
        self._turns: dict[str, int] = {}
        """Number of the last poll in which all requests about an org were sent, by its uuid."""

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once: yield the account if it is due, then each org as soon as it is read.

        Expected failures are values in the readings. A session-wide failure stops the poll and is
        yielded as the account's. `full` includes the replies that rarely change, in this poll or, if it
        runs out of time, in the next one.
        """
        await self._client.reconnect_if_cancelled()
        began, poll = (
            self._now(),
            Poll(self._client, self._now, stops_at_refusal=False, refused_queries=self._refused_queries),
        )
        self._poll_number += 1
        if full:
            self._account_due_at = None
            self._due_at.clear()
            # Other causes may be gone: the user may have passed Cloudflare's check in the browser.
            self._holds = {path: hold for path, hold in self._holds.items() if hold.is_ordered}
        is_held = bool(self._orgs) and self._is_held(Endpoint.ACCOUNT.facts.path)
        if _is_due(self._account_due_at, began) and not is_held:
            yield await self._read_account(poll)
        turns = asyncio.Semaphore(MAX_CONCURRENT)
        tasks = [asyncio.create_task(self._read_in_turn(turns, poll, org)) for org in self._sort_orgs()]
        refused: list[OrgReading] = []
        try:
            for task in asyncio.as_completed(tasks):
                report = await task
                if report is not None and any(map(_is_refusal, report.parts.values())):
                    refused.append(report)  # Only the whole poll shows whether the session is refused.
                elif report is not None:
                    yield Reading(self.session, self._now(), org_readings=(report,))
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        poll.conclude()
        self._update_holds(poll, began)
        for report in refused:
            # If the poll was stopped, the refusals are reported once, for the session.
            parts = report.parts if poll.stop_failure is None else _drop_parts(report.parts, _is_refusal)
            yield Reading(self.session, self._now(), org_readings=(OrgReading(report.org, parts),))
        if poll.stop_failure is not None:
            self._account_due_at = None
            yield Reading(self.session, self._now(), account=poll.stop_failure)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _sort_orgs(self) -> list[Org]:
        """Return the orgs, those read longest ago first; among equals, those with the most failures last."""
        failures = Counter(hold.org for hold in self._holds.values())
        return sorted(self._orgs, key=lambda org: (self._turns.get(org.uuid, 0), failures[org.uuid]))

    def _is_held(self, path: str) -> bool:
        hold = self._holds.get(path)
        return hold is not None and hold.holds(self._now())

    def _update_holds(self, poll: Poll, began: datetime) -> None:
        """Pause the requests that failed on their own, and end the pauses of those that work."""
        has_replies = any(isinstance(part, Reply) for part in poll.results.values())
        for path, part in poll.results.items():
            before = self._holds.pop(path, None)
            if isinstance(part, Failure) and _needs_hold(part, has_replies=has_replies):
                count = before.failure_count if before is not None else 0
                wait = part.retry_after
                ends_at = part.at + wait if wait is not None else began + compute_backoff(count)
                self._holds[path] = _Hold(began, ends_at, part, count + 1, poll.org_by_path[path])

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
        wants_list = not any(rosters) and poll.stop_failure is None
        if wants_list and (not self._orgs or (poll.is_early and not self._is_held(ORGANIZATIONS_PATH))):
            listed = await poll.fetch(Endpoint.ACCOUNT, ORGANIZATIONS_PATH, read_list)
        roster = rosters[-1] if any(rosters) or isinstance(listed, Reply) else None
        now = self._now()
        # An account whose orgs are all ignored is read as rarely as any other.
        self._account_due_at = now + SLOW_INTERVAL if roster and isinstance(part, Reply) else None
        is_empty = roster == ()
        if roster is not None:
            self._orgs = tuple(org for org in roster if not self._ignores(org))
            uuids = {org.uuid for org in self._orgs}
            self._orgs_with_credits &= uuids
            self._due_at = {key: due for key, due in self._due_at.items() if key[0] in uuids}
            self._turns = {uuid: number for uuid, number in self._turns.items() if uuid in uuids}
            self._holds = {path: hold for path, hold in self._holds.items() if hold.org in {"", *uuids}}
        if is_empty:
            part = Failure(ErrorKind.NO_ORGS, Endpoint.ACCOUNT, now)
        elif roster is None and isinstance(part, Reply) and listed is not None:
            part = listed
        return Reading(self.session, now, part, roster)

    def _keep_known_orgs(self, orgs: tuple[Org, ...], odd: tuple[str, ...]) -> tuple[Org, ...]:
        """Return the listed orgs; if part of the list is unreadable, also the known orgs that it lacks."""
        listed = {org.uuid for org in orgs}
        return (*orgs, *(org for org in self._orgs if odd and org.uuid not in listed))

    async def _read_in_turn(self, turns: asyncio.Semaphore, poll: Poll, org: Org) -> OrgReading | None:
        """Wait for the org's turn and return its reading. None if there is nothing to report."""
        async with turns:
            parts = await self._read_org(poll, org)
        unread = [endpoint for endpoint, part in parts.items() if _is_unread(part)]
        is_overdue = self._poll_number - self._turns.get(org.uuid, -1) > 1
        # Requests that were not sent have `stop_failure` as their result.
        if not unread and (not parts or any(part is not poll.stop_failure for part in parts.values())):
            self._turns[org.uuid] = self._poll_number
        if unread and not is_overdue:
            # No problem yet: it was read in the last poll, and the next one begins with it.
            parts = _drop_parts(parts, _is_unread)
        elif unread and len(unread) == len(parts):
            # One problem for the org instead of one for each reply.
            parts = {Endpoint.USAGE: replace(parts[unread[0]], endpoint=Endpoint.USAGE)}
        return OrgReading(org, _drop_parts(parts, _is_session_wide)) if parts else None

    async def _read_org(self, poll: Poll, org: Org) -> Mapping[Endpoint, EndpointResult]:
        """Request the replies about one org that are due now, and return them."""
        uuids = {"org": quote(org.uuid, safe=""), "account": quote(self._account.uuid or "", safe="")}
        parts: dict[Endpoint, EndpointResult] = {}

        def build_path(endpoint: Endpoint) -> str:
            return endpoint.facts.path.format(**uuids)

        async def fetch(endpoint: Endpoint) -> EndpointResult:
            parser = ORG_PARSERS[endpoint]
            return await poll.fetch(endpoint, build_path(endpoint), lambda body: parser(body, org), org.uuid)

        def list_wanted() -> list[Endpoint]:
            return [
                it
                for it in ORG_PARSERS
                if it not in parts and self._is_wanted(it, org) and not self._is_held(build_path(it))
            ]

        # One reply can call for another: the balance is requested once the credits are known to be on.
        while wanted := list_wanted():
            found = await asyncio.gather(*map(fetch, wanted))
            parts |= zip(wanted, found, strict=True)
            if any(map(_has_credits, found)):
                self._orgs_with_credits.add(org.uuid)
        for endpoint, part in parts.items():
            if endpoint.facts.is_slow and isinstance(part, Reply):
                self._due_at[org.uuid, endpoint] = self._now() + SLOW_INTERVAL
        return parts

    def _is_wanted(self, endpoint: Endpoint, org: Org) -> bool:
        is_needed = {
            # A member has separate figures only in an org with a pool.
            Endpoint.OWN_OVERAGE: org.is_shared and bool(self._account.uuid),
            Endpoint.PREPAID: org.uuid in self._orgs_with_credits,
        }.get(endpoint, True)
        return is_needed and _is_due(self._due_at.get((org.uuid, endpoint)), self._now())


def _is_due(due: datetime | None, now: datetime) -> bool:
    """Return True if a reply that rarely changes is due, or if the clock was set back."""
    return due is None or not due - SLOW_INTERVAL <= now < due


def _needs_hold(failure: Failure, *, has_replies: bool) -> bool:
    """Return True if the request has to wait longer than the others."""
    # If no reply arrives, the network is the cause: keep polling, to notice at once when it is back.
    is_slow = failure.error_kind is ErrorKind.TIMEOUT and has_replies
    return is_slow or _is_refusal(failure) or failure.retry_after is not None


def _is_refusal(part: EndpointResult) -> bool:
    return isinstance(part, Failure) and part.error_kind in REFUSAL_ERRORS and not part.is_widespread


def _is_unread(part: EndpointResult) -> bool:
    return isinstance(part, Failure) and part.error_kind is ErrorKind.UNREAD


def _is_session_wide(part: EndpointResult) -> bool:
    return isinstance(part, Failure) and part.is_session_wide


def _drop_parts(
    parts: Mapping[Endpoint, EndpointResult], rule: Callable[[EndpointResult], bool]
) -> Mapping[Endpoint, EndpointResult]:
    """Return the parts that the rule does not apply to."""
    return {endpoint: part for endpoint, part in parts.items() if not rule(part)}


def _has_credits(part: EndpointResult) -> bool:
    """Return True if a reply shows that usage credits are or were on."""
    value = part.value if isinstance(part, Reply) else None
    meters = value.meters if isinstance(value, Plan) else (value,)
    return any(
        meter.is_enabled or meter.cap or meter.out_of_credits or (meter.used and meter.used.minor)
        for meter in meters
        if isinstance(meter, Meter)
    )

"""Claude Code's login as a source: the account's windows and the figures beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx

from claudemeter_tui.claude_ai import parse
from claudemeter_tui.claude_ai.api import EndpointResult, Poll
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.claude_ai.parse_account import AccountModel, parse_orgs
from claudemeter_tui.claude_ai.validation import ParsedBody, ParseReport, ReplyModel, require_object
from claudemeter_tui.claude_code.rate_limit import MIN_POLL_INTERVAL, RequestBudget, RequestPermit
from claudemeter_tui.clock import run_in_daemon_thread
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Failure, OrgReading, Reading, Reply
from claudemeter_tui.model.secrets import BadOriginError, Cookies, Secret, is_loopback, parse_origin
from claudemeter_tui.model.session import Login, LoginError, LoginResult, NoLogin


class ProfileModel(ReplyModel):
    """The profile body."""

    reply_object = "profile"

    account: Any = None
    organization: Any = None


def parse_profile(body: object) -> ParsedBody[tuple[Account, Org | None]]:
    """Whose login it is, and its org; None where it has none with usage.

    Raises:
        MalformedError: the body is no object.
    """
    notes = ParseReport()
    found = notes.parse_object(ProfileModel, require_object(body)) or ProfileModel()
    who = notes.parse_object(AccountModel, found.account, "account") or AccountModel()
    listed = [] if found.organization is None else [("organization", found.organization)]
    org = next(iter(parse_orgs(listed, notes)), None)
    return notes.build_parsed_body((Account(who.uuid, who.email or who.email_address), org))


ANTHROPIC_ORIGIN = "https://api.anthropic.com"
OAUTH_BETA = "oauth-2025-04-20"
"""What the header `anthropic-beta` has to say for a login's token."""


class BearerClient(CookieClient):
    """Asks the one origin that the token belongs to, or this machine in its place."""

    def __init__(
        self,
        *,
        base_url: str = ANTHROPIC_ORIGIN,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; it connects at the first request, and sends no token before `bear`.

        Raises:
            BadOriginError: the token must not be sent there.
        """
        to = parse_origin(base_url)
        if to != ANTHROPIC_ORIGIN and not is_loopback(urlsplit(to).hostname or ""):
            raise BadOriginError(f"Claude Code's token is sent to {ANTHROPIC_ORIGIN} only")
        super().__init__(Cookies([]), base_url=to, now=now, transport=transport)
        del self.headers["Referer"]
        self.headers["anthropic-beta"] = OAUTH_BETA

    def set_token(self, token: Secret | None) -> None:
        """Send this token from now on; None: send none."""
        self.headers.pop("Authorization", None)
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token.reveal()}"


PROFILE_PATH, USAGE_PATH = "/api/oauth/profile", "/api/oauth/usage"
PROFILE_INTERVAL = timedelta(hours=6)
"""Between two looks at whose login it is; another token is a reason to look at once."""
REJECTED_TOKEN_PAUSE = timedelta(minutes=30)
"""A token that was not accepted is not shown to the server again for so long; another one at once."""
FIND_LOGIN_TIMEOUT = 20.0
"""Seconds for finding the login: the keychain may ask somebody, twice."""
BUDGET_TIMEOUT = 5.0
"""Seconds for the budget's file."""
_LOGIN_ERROR_KINDS = {LoginError.EXPIRED: ErrorKind.TOKEN_INVALID, LoginError.NO_SCOPE: ErrorKind.TOKEN_SCOPE}
"""Every other lack is no session at all."""
_TOKEN_ERRORS = (ErrorKind.TOKEN_INVALID, ErrorKind.TOKEN_SCOPE)


class ClaudeCodeSource:
    """Claude Code's login, read through the bearer endpoints within the shared budget.

    It reads the usage reply only: whether the server has locked the credits is not in it.
    """

    interval = MIN_POLL_INTERVAL
    """The usual time between two polls."""

    def __init__(
        self,
        find: Callable[[], LoginResult],
        client: BearerClient,
        budget: RequestBudget,
        now: Callable[[], datetime],
    ) -> None:
        """Read with the login that `find` gives at each poll, in a thread; `now` is the clock."""
        self.session = CLAUDE_CODE_LOGIN
        self.next_at: datetime | None = None
        """When the budget allows the next poll; earlier ones ask nobody. None: there is no login to use."""
        self._find_login = find
        self._client = client
        self._budget = budget
        self._now = now
        self._known_org: tuple[Secret, datetime, Org] | None = None
        self._rejected_token: tuple[Secret, Failure] | None = None

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:  # noqa: ARG002 - the budget rules
        """Poll once if the budget allows it; otherwise send no request and yield nothing.

        Yield a failure for everything that keeps polls from succeeding: no login, a rejected token, a 429
        and the wait after it. `full` changes nothing.
        """
        token = await self._find_token()
        if isinstance(token, Failure):
            self._client.set_token(None)
            self.next_at = None
            yield self._build_stopped_reading(token)
            return
        leave = await self._request_permit(token)
        if isinstance(leave, Failure):
            yield self._build_stopped_reading(leave)
            return
        if not leave.is_granted:
            return
        self._client.set_token(token)
        poll = Poll(self._client, self._now)
        if self._is_profile_due(token):
            yield await self._read_profile(poll, token)
        if self._known_org is not None and poll.stop_failure is None:
            usage = await poll.fetch(Endpoint.USAGE, USAGE_PATH, parse.parse_usage)
            parts = {Endpoint.USAGE: usage} if poll.stop_failure is None else {}
            yield Reading(self.session, self._now(), org_readings=(OrgReading(self._known_org[2], parts),))
            if isinstance(usage, Reply):
                await self._call_budget(self._budget.record_success)
        if poll.stop_failure is not None:
            yield self._build_stopped_reading(await self._record_stop(poll.stop_failure, token))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _find_token(self) -> Secret | Failure:
        """The login's token, or why there is none to use."""
        try:
            found = await run_in_daemon_thread(self._find_login, FIND_LOGIN_TIMEOUT)
        except TimeoutError:
            return self._build_failure(ErrorKind.NO_SESSION, "looking for the login took too long")
        if isinstance(found, NoLogin):
            return self._build_failure(
                _LOGIN_ERROR_KINDS.get(found.error, ErrorKind.NO_SESSION), found.detail
            )
        return self._check_rejected(found)

    def _check_rejected(self, login: Login) -> Secret | Failure:
        token, failure = self._rejected_token or (None, None)
        if failure is None or token != login.token:
            return login.token
        return failure if timedelta(0) <= self._now() - failure.at < REJECTED_TOKEN_PAUSE else login.token

    async def _request_permit(self, token: Secret) -> RequestPermit | Failure:
        """Leave from the budget, or the throttling that it waits for."""
        requests = 2 if self._is_profile_due(token) else 1
        leave = await self._call_budget(partial(self._budget.request_permit, requests))
        if leave.is_granted or not leave.is_throttled:
            return leave
        wait = leave.next_allowed_at - self._now()
        return replace(self._build_failure(ErrorKind.THROTTLED, "waiting, as asked"), retry_after=wait)

    async def _call_budget(self, call: Callable[[], RequestPermit]) -> RequestPermit:
        try:
            leave = await run_in_daemon_thread(call, BUDGET_TIMEOUT)
        except TimeoutError:
            leave = RequestPermit(is_granted=False, next_allowed_at=self._now() + MIN_POLL_INTERVAL)
        self.next_at = leave.next_allowed_at
        return leave

    def _is_profile_due(self, token: Secret) -> bool:
        if self._known_org is None:
            return True
        known, at, _ = self._known_org
        return known != token or not timedelta(0) <= self._now() - at < PROFILE_INTERVAL

    async def _read_profile(self, poll: Poll, token: Secret) -> Reading:
        """Whose login it is; a login of another account leaves nothing of the last one."""
        orgs: list[Org] = []

        def meaning(body: object) -> ParsedBody[Account]:
            parsed = parse_profile(body)
            account, org = parsed.value
            orgs.extend([org] if org is not None else [])
            return ParsedBody(account, parsed.new_fields, parsed.odd_values)

        part: EndpointResult = await poll.fetch(Endpoint.ACCOUNT, PROFILE_PATH, meaning)
        if isinstance(part, Reply) and orgs:
            self._known_org = (token, self._now(), orgs[0])
            return Reading(self.session, self._now(), part, (orgs[0],))
        if isinstance(part, Reply):
            self._known_org = None
            return Reading(self.session, self._now(), self._build_failure(ErrorKind.NO_ORGS), ())
        if self._known_org is not None and self._known_org[0] != token:
            self._known_org = None
        return Reading(self.session, self._now(), None if poll.stop_failure is not None else part)

    async def _record_stop(self, stopped: Failure, token: Secret) -> Failure:
        """What is to be told of a poll that was stopped; the budget and the memory learn of it."""
        if stopped.error_kind in _TOKEN_ERRORS:
            self._rejected_token = token, stopped
        if stopped.error_kind is not ErrorKind.THROTTLED:
            return stopped
        leave = await self._call_budget(partial(self._budget.record_throttled, stopped.retry_after))
        wait = max(leave.next_allowed_at - self._now(), stopped.retry_after or MIN_POLL_INTERVAL)
        self.next_at = self._now() + wait
        return replace(stopped, retry_after=wait)

    def _build_failure(self, trouble: ErrorKind, detail: str = "") -> Failure:
        return Failure(trouble, Endpoint.ACCOUNT, self._now(), detail)

    def _build_stopped_reading(self, failure: Failure) -> Reading:
        return Reading(self.session, self._now(), replace(failure, endpoint=Endpoint.ACCOUNT))

"""Claude Code's login as a source: the account's windows and the other figures of the usage reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import httpx

from claudemeter_tui.claude_ai.api import EndpointResult, Poll
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.claude_ai.parse_account import OrgModel, PersonModel, build_orgs
from claudemeter_tui.claude_ai.parse_usage import parse_usage
from claudemeter_tui.claude_ai.validation import Lenient, ParsedBody, ParseReport, ReplyModel
from claudemeter_tui.claude_code.rate_limit import MIN_POLL_INTERVAL, RequestBudget, RequestPermit
from claudemeter_tui.clock import run_in_daemon_thread
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Failure, OrgReading, Reading, Reply
from claudemeter_tui.model.secrets import BadOriginError, Cookies, Secret, is_loopback, parse_origin
from claudemeter_tui.model.session_search import LoginError, LoginResult, NoLogin


class ProfileModel(ReplyModel, reply_object="profile"):
    """The profile body."""

    account: Lenient[PersonModel] = None
    organization: Lenient[OrgModel] = None


def parse_profile(body: object) -> ParsedBody[tuple[Account, Org | None]]:
    """Return the account of the login and its org; the org is None if it has no usage.

    Raises:
        MalformedError: the body is not an object.
    """
    notes = ParseReport()
    found = notes.parse_body(ProfileModel, body)
    who = found.account or PersonModel()
    org = next(iter(build_orgs([found.organization])), None)
    return notes.build_parsed_body((Account(who.uuid, who.email or who.email_address), org))


ANTHROPIC_ORIGIN = "https://api.anthropic.com"
OAUTH_BETA = "oauth-2025-04-20"
"""Value of the header `anthropic-beta` for the token of a login."""


class BearerClient(CookieClient):
    """A client of the only origin that may get the token, or of a server on this machine."""

    def __init__(
        self,
        *,
        base_url: str = ANTHROPIC_ORIGIN,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; it connects at the first request, and sends no token before `set_token`.

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
        """Send this token from now on. None to send no token."""
        self.headers.pop("Authorization", None)
        if token is not None:
            self.hide_secret(token)
            self.headers["Authorization"] = f"Bearer {token.reveal()}"


PROFILE_PATH, USAGE_PATH = "/api/oauth/profile", "/api/oauth/usage"
PROFILE_INTERVAL = timedelta(hours=6)
"""Time between two requests for the profile; a new token requests it at once."""
REJECTED_TOKEN_PAUSE = timedelta(minutes=30)
"""Time until a rejected token is sent again; another token is sent at once."""
FIND_LOGIN_TIMEOUT = 20.0
"""Seconds to find the login: the keychain may show two dialogs."""
BUDGET_TIMEOUT = 5.0
"""Seconds for reading or writing the file of the budget."""
_LOGIN_ERROR_KINDS = {LoginError.EXPIRED: ErrorKind.TOKEN_INVALID, LoginError.NO_SCOPE: ErrorKind.TOKEN_SCOPE}
"""Kind of error for each unusable login; any other one counts as no session."""
_TOKEN_ERRORS = (ErrorKind.TOKEN_INVALID, ErrorKind.TOKEN_SCOPE)


class ClaudeCodeSource:
    """Claude Code's login, read through the bearer endpoints within the shared budget.

    It reads only the usage reply, which rarely shows a lock on the credits.
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
        """Read with the login that `find` returns; each poll calls it in a thread. `now` is the clock."""
        self.session = CLAUDE_CODE_LOGIN
        self.next_at: datetime | None = None
        """Time from which the budget allows a poll; an earlier poll sends no request. None without a login.
        """
        self._find_login = find
        self._client = client
        self._budget = budget
        self._now = now
        self._known_org: tuple[Secret, datetime, Org] | None = None
        self._rejected_token: tuple[Secret, Failure] | None = None

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:  # noqa: ARG002 - the budget rules
        """Poll once if the budget allows it; otherwise send no request and yield nothing.

        Yield a failure if the poll cannot succeed: no login, a rejected token, a 429 or the wait after it.
        `full` has no effect.
        """
        token = await self._find_token()
        if isinstance(token, Failure):
            self._client.set_token(None)
            self.next_at = None
            yield self._build_stopped_reading(token)
            return
        requests = 2 if self._is_profile_due(token) else 1
        leave = await self._call_budget(partial(self._budget.request_permit, requests))
        if not leave.is_granted:
            if leave.is_throttled:
                failure = self._build_failure(ErrorKind.THROTTLED, "waiting, as asked")
                wait = leave.next_allowed_at - self._now()
                yield self._build_stopped_reading(replace(failure, retry_after=wait))
            return
        await self._client.reconnect_if_cancelled()
        self._client.set_token(token)
        poll = Poll(self._client, self._now)
        if self._is_profile_due(token):
            yield await self._read_profile(poll, token)
        if self._known_org is not None and poll.stop_failure is None:
            usage = await poll.fetch(Endpoint.USAGE, USAGE_PATH, parse_usage)
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
        """Return the token of the login, or the failure to find a usable one."""
        try:
            found = await run_in_daemon_thread(self._find_login, FIND_LOGIN_TIMEOUT)
        except TimeoutError:
            return self._build_failure(ErrorKind.NO_SESSION, "looking for the login took too long")
        if isinstance(found, NoLogin):
            kind = _LOGIN_ERROR_KINDS.get(found.error, ErrorKind.NO_SESSION)
            return self._build_failure(kind, found.detail)
        if self._rejected_token is not None:
            token, failure = self._rejected_token
            if token == found.token and timedelta(0) <= self._now() - failure.at < REJECTED_TOKEN_PAUSE:
                return failure
        return found.token

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
        """Return the account of the login; another account replaces the last one entirely."""
        orgs: list[Org] = []

        def read_account(body: object) -> ParsedBody[Account]:
            parsed = parse_profile(body)
            account, org = parsed.value
            orgs.extend([org] if org is not None else [])
            return ParsedBody(account, parsed.new_fields, parsed.odd_values)

        part: EndpointResult = await poll.fetch(Endpoint.ACCOUNT, PROFILE_PATH, read_account)
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
        """Record a poll that a failure stopped, and return the failure with the wait after it."""
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
        stopped = replace(failure, endpoint=Endpoint.ACCOUNT, is_widespread=True)
        return Reading(self.session, self._now(), stopped)

"""One poll: its requests, each with its turn, and what keeps the rest from being asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from claudemeter_tui.model.reading import SESSION_WIDE, Endpoint, Failure, Reply, Trouble
from claudemeter_tui.sources.claude_ai import answers, wire
from claudemeter_tui.sources.claude_ai.answers import Answer, RefusedError
from claudemeter_tui.sources.claude_ai.client import Client

POLL_WITHIN = 20.0
"""Seconds after which a poll is over, whatever has not answered."""
REPLY_WITHIN = 10.0
"""Seconds for one reply, from its turn to its last byte."""
MOST_AT_ONCE = 8
"""Requests under way at a time."""
_OPTIONAL = (Endpoint.OVERAGE, Endpoint.OWN_OVERAGE, Endpoint.PREPAID, Endpoint.SUBSCRIPTION)
_NO_SUCH_THING = (Trouble.NOT_FOUND, Trouble.FORBIDDEN)

Part = Reply | Failure
Meaning = Callable[[object], wire.Parsed[Any]]
"""What turns a body into a value."""


class Poll:
    """One poll: its turns, its deadline, and what has stopped it."""

    def __init__(self, client: Client, now: Callable[[], datetime]) -> None:
        """Begin now: ask through `client`, by the clock `now`."""
        self._client = client
        self._now = now
        self._deadline = asyncio.get_running_loop().time() + POLL_WITHIN
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self.stopped: Failure | None = None
        """What every further request would meet too. None: nothing so far."""

    @property
    def is_early(self) -> bool:
        """Whether most of its time is left."""
        return asyncio.get_running_loop().time() < self._deadline - 0.75 * POLL_WITHIN

    async def ask(self, endpoint: Endpoint, path: str, meaning: Meaning) -> Part:
        """One reply and what it means, or the failure to get one."""
        part = await self._try(endpoint, path, meaning)
        if self.stopped is None and isinstance(part, Failure) and is_session_wide(part):
            self.stopped = part
        return part

    async def _try(self, endpoint: Endpoint, path: str, meaning: Meaning) -> Part:
        try:
            async with asyncio.timeout_at(self._deadline), self._turns:
                if self.stopped is not None:
                    return self.stopped
                async with asyncio.timeout(REPLY_WITHIN):
                    answer = await self._client.get(path)
            return _understood(endpoint, answer, meaning)
        except RefusedError as refused:
            at, wait = self._now(), refused.retry_after
            return Failure(refused.trouble, endpoint, at, refused.detail, retry_after=wait)
        except TimeoutError:
            return Failure(Trouble.TIMEOUT, endpoint, self._now())
        except wire.MalformedError:
            return Failure(Trouble.MALFORMED, endpoint, self._now(), "JSON of another shape")
        except Exception as error:  # noqa: BLE001 - the boundary for what nobody foresaw
            return Failure.bug(error, endpoint, self._now())


def _understood(endpoint: Endpoint, answer: Answer, meaning: Meaning) -> Reply:
    """The reply behind an answer; that an org has no such thing is an answer too."""
    try:
        parsed = meaning(answers.body(answer))
    except RefusedError as refused:
        if endpoint not in _OPTIONAL or refused.trouble not in _NO_SUCH_THING:
            raise
        parsed = wire.Parsed(None, (), ())
    return Reply(
        endpoint,
        answer.at,
        parsed.value,
        text=answer.text,
        status=answer.status,
        took=answer.took,
        new_fields=parsed.new_fields,
        odd_values=parsed.odd_values,
    )


def is_session_wide(part: Part) -> bool:
    """Whether every further request of the session would meet it too."""
    return isinstance(part, Failure) and part.trouble in SESSION_WIDE

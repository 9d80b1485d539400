"""The HTTP side of the bearer endpoints: the same client, with a token in place of cookies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from claudemeter_tui.sources.claude_ai.client import Client
from claudemeter_tui.sources.claude_code.secret import Secret
from claudemeter_tui.sources.cookies import Cookies
from claudemeter_tui.sources.origin import BadOriginError, is_loopback, origin

ANTHROPIC = "https://api.anthropic.com"
BETA = "oauth-2025-04-20"
"""What the header `anthropic-beta` has to say for a login's token."""


class BearerClient(Client):
    """Asks the one origin that the token belongs to, or this machine in its place."""

    def __init__(
        self,
        *,
        base_url: str = ANTHROPIC,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; it connects at the first request, and sends no token before `bear`.

        Raises:
            BadOriginError: the token must not be sent there.
        """
        to = origin(base_url)
        if to != ANTHROPIC and not is_loopback(urlsplit(to).hostname or ""):
            raise BadOriginError(f"Claude Code's token is sent to {ANTHROPIC} only")
        super().__init__(Cookies([]), base_url=to, now=now, transport=transport)
        del self.headers["Referer"]
        self.headers["anthropic-beta"] = BETA

    def bear(self, token: Secret | None) -> None:
        """Send this token from now on; None: send none."""
        self.headers.pop("Authorization", None)
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token.reveal()}"

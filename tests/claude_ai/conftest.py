"""The server of most of these tests, and a shared TLS context that makes clients quick to build."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator
from typing import Any

import certifi
import pytest

from tests.bodies import org_body
from tests.claude_ai.api_cases import serve_account
from tests.responses import Answer
from tests.server import LoopbackServer

_BUILD = ssl.create_default_context


@functools.cache
def _usual() -> ssl.SSLContext:
    return _BUILD(cafile=certifi.where())


@pytest.fixture(autouse=True)
def _one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share one TLS context, which takes longer to build than most tests."""

    def build(*arguments: Any, **named: Any) -> ssl.SSLContext:
        usual = not arguments and named == {"cafile": certifi.where()}
        return _usual() if usual else _BUILD(*arguments, **named)

    monkeypatch.setattr(ssl, "create_default_context", build)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start a server with a personal org, and some JSON at its root."""
    with LoopbackServer() as one:
        one.routes["/"] = Answer.json({"who": "me"})
        serve_account(one, org_body())
        yield one

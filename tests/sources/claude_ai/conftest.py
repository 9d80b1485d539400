"""What makes the many clients of these tests quick to build."""

from __future__ import annotations

import functools
import ssl
from typing import Any

import certifi
import pytest

_BUILD = ssl.create_default_context


@functools.cache
def _usual() -> ssl.SSLContext:
    return _BUILD(cafile=certifi.where())


@pytest.fixture(autouse=True)
def _one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """The context of the usual certificates takes longer to build than most tests: all share one."""

    def build(*arguments: Any, **named: Any) -> ssl.SSLContext:
        usual = not arguments and named == {"cafile": certifi.where()}
        return _usual() if usual else _BUILD(*arguments, **named)

    monkeypatch.setattr(ssl, "create_default_context", build)

"""A browser with the extension and a working host, for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.extension.chromium import Browser, prepared, running
from tests.extension.hosts import Hosts


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Accept the hosts of a browser that the test starts itself; no manifest is installed."""
    with prepared() as accepted:
        yield accepted


@pytest.fixture
def browser(hosts: Hosts) -> Iterator[Browser]:
    """Start a browser whose host is installed."""
    hosts.install()
    with running(hosts) as started:
        yield started

"""What every test of browsers starts from: no session bus, and nothing of the person's own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_session_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container or over ssh; a test that needs a bus names one."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)

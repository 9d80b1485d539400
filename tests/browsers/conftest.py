"""Fixtures for every test of browsers: no session bus, and nothing of the person's own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_session_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the session bus, as in a container or over ssh; a test that needs a bus sets one."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)

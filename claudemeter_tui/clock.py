"""What time it is, and waiting: the one thing that a demo does faster."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time, which a demo runs faster."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of this clock."""


class WallClock:
    """The time that everybody has."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

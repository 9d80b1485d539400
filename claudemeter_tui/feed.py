"""What the dashboard reads from: whatever posts readings by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # the first frame does not wait for it
    from claudemeter_tui.model.reading import Offered, Reading


class Feed(Protocol):
    """Where readings come from: asks by itself, and at once when poked."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""

    async def round(self, post: Callable[[Reading], object]) -> None:
        """Post readings until everything has been read once."""

    def poke(self) -> None:
        """Poll now."""


@runtime_checkable
class Door(Feed, Protocol):
    """A feed that takes one more session."""

    async def offer(self, text: str) -> Offered:
        """Take a Cookie header or a `sessionKey`, if the server accepts it."""

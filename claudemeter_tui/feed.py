"""Protocols of the feeds, which post readings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # not needed at runtime, and the first frame must not wait for the import
    from claudemeter_tui.model.reading import Reading
    from claudemeter_tui.model.session_search import PasteResult


class OneShotFeed(Protocol):
    """A feed that can be polled once."""

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Post readings until everything has been read once."""


class RunningFeed(Protocol):
    """A feed that polls on its own."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""


class Feed(OneShotFeed, RunningFeed, Protocol):
    """A source of readings that polls on its own, and immediately on request."""

    def poll_now(self) -> None:
        """Poll now."""


@runtime_checkable
class AcceptsSession(Feed, Protocol):
    """A feed that accepts one more session."""

    async def offer_session(self, text: str) -> PasteResult:
        """Add a session from a Cookie header or a `sessionKey`, if the server accepts it."""

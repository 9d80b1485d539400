"""What the dashboard reads from: whatever posts readings by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # the first frame does not wait for it
    from claudemeter_tui.model.reading import PasteResult, Reading


class OneShotFeed(Protocol):
    """A feed that can be read once."""

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Post readings until everything has been read once."""


class RunningFeed(Protocol):
    """A feed that reads by itself."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""


class Feed(OneShotFeed, RunningFeed, Protocol):
    """Where readings come from: polls by itself, and at once when asked to."""

    def poll_now(self) -> None:
        """Poll now."""


@runtime_checkable
class AcceptsSession(Feed, Protocol):
    """A feed that takes one more session."""

    async def offer_session(self, text: str) -> PasteResult:
        """Take a Cookie header or a `sessionKey`, if the server accepts it."""

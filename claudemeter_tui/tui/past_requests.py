"""The way through past moments: those that are still to be read, and where Escape leads."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first frame does not wait for them
    from claudemeter_tui.model.past import PastMoment
    from claudemeter_tui.model.store import OrgKey
    from claudemeter_tui.tui.screens.lists import MomentListScreen, Place

MAX_RETURNS = 20
"""Maximum number of lists to return to; each keeps the moment below it in memory."""


@dataclass(frozen=True, eq=False)
class ListReturn:
    """The list in which a past moment was chosen, and to which Escape returns from it."""

    screen: type[MomentListScreen]
    place: Place
    key: OrgKey | None
    """The org that was selected."""
    past: PastMoment | None = None
    """The past moment below the list. None for now."""


@dataclass(frozen=True, eq=False)
class PastRequest:
    """A past moment to show."""

    step: int = 0
    """Number of the org's events from the moment on screen, back if negative; 0 for a moment itself."""
    at: datetime | None = None
    """The moment. None for the one on screen."""
    key: OrgKey | None = None
    """The org that was chosen with the moment. None for the selected one."""
    back: ListReturn | None = None
    """The list in which it was chosen. None if it was not chosen in one."""


class PastRequests:
    """Requests in the order of the keys; each begins where the one before it has led."""

    def __init__(self) -> None:
        """Start without a request."""
        self._requests: deque[PastRequest] = deque()

    def __bool__(self) -> bool:
        """Return True if there is a request."""
        return bool(self._requests)

    @property
    def first(self) -> PastRequest | None:
        """The request that is being read, or is next. None without one."""
        return self._requests[0] if self._requests else None

    def add(self, request: PastRequest) -> bool:
        """Add a request behind the others; return True if it is the first one, which can be read at once.

        Steps in one direction become one request. A choice replaces an earlier one that is not on screen yet.
        """
        before = self.first
        last = self._requests[-1] if len(self._requests) > 1 else None
        if last is not None and last.step * request.step > 0 and request.back is None:
            self._requests[-1] = replace(last, step=last.step + request.step)
        else:
            if request.back is not None:
                self._drop_choices()
            self._requests.append(request)
        return self.first is not before

    def add_first(self, request: PastRequest) -> None:
        """Add a request before the others."""
        self._requests.appendleft(request)

    def finish(self, request: PastRequest) -> bool:
        """Remove the first request; return False if this one is no longer the first."""
        is_first = request is self.first
        if is_first:
            self._requests.popleft()
        return is_first

    def has_choice(self, screen: type[object]) -> bool:
        """Return True if there is a request from a list of this kind."""
        return any(one.back is not None and one.back.screen is screen for one in self._requests)

    def cancel_choice(self, screen: type[object]) -> bool:
        """Remove what was chosen in a list of this kind; return False if there is no such request."""
        found = self.has_choice(screen)
        if found:
            self._drop_choices()
        return found

    def clear(self) -> None:
        """Remove all requests."""
        self._requests.clear()

    def _drop_choices(self) -> None:
        self._requests = deque(one for one in self._requests if one.back is None)

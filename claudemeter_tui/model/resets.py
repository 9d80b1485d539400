"""Resets that a person can use: saved resets (`cedar_ember`) and the weekly session reset (`juniper_tide`).

Using one is a POST, which this program never sends: it only shows what is available. A saved reset is called
usable only if nothing in the reply contradicts that, because it can be used only once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from claudemeter_tui.model.catalogue import WindowKind

if TYPE_CHECKING:
    from claudemeter_tui.model.windows import Window


class ObstacleKind(StrEnum):
    """Kinds of obstacles to the use of a saved reset."""

    NOT_ELIGIBLE = "not eligible"
    """`code` is the server's reason."""
    PAUSED = "paused"
    NOT_STARTED = "not started"
    """`until` is the start."""
    COOLDOWN = "cooldown"
    """`until` is the end of the pause after an earlier use."""
    BLOCKED = "blocked"
    """`code` holds the server's reasons."""
    CLEARS_OTHERS = "clears others"
    """The reset would leave a full window full; `code` is the label of that window."""
    NONE_FULL = "none full"
    """No window of the plan is full."""
    NONE_LEFT = "none left"
    LOST = "lost"
    """The grant has expired."""
    NOT_REPORTED = "not reported"
    """The server does not say that it is usable."""


class Obstacle(NamedTuple):
    """One reason why a saved reset cannot be used now."""

    kind: ObstacleKind
    code: str = ""
    """Codes from the server, or a window's label; empty if there is none."""
    until: datetime | None = None
    """Time at which the obstacle ends by itself. None if not known."""


class SavedReset(NamedTuple):
    """A grant of one or more saved resets."""

    resets_left: int | None = None
    """Number of resets left. None if not reported."""
    starts_at: datetime | None = None
    """Time from which it can be used. None if not reported: it is then not known to have started."""
    ends_at: datetime | None = None
    """Time at which unused resets are lost. None if not reported."""
    is_next: bool = False
    """True if the server would use this grant next; other grants cannot be used."""
    is_usable: bool = False
    """`usable_now`."""
    is_paused: bool = False
    needs_limit: bool = True
    """`use_requires_limit`: false if it can be used before a limit is reached."""
    clears: tuple[str, ...] = ()
    """Keys of the windows that it resets: `five_hour`, `seven_day`."""
    blocking: tuple[str, ...] = ()
    """The server's codes for what prevents its use."""
    is_unreadable: bool = False
    """True if a field that decides about its use has a value that cannot be read."""

    def is_lost(self, now: datetime) -> bool:
        """Return True if the grant has expired."""
        return self.ends_at is not None and self.ends_at <= now

    def is_unused(self, now: datetime) -> bool:
        """Return True if resets are left and not lost."""
        return bool(self.resets_left) and not self.is_lost(now)


class SavedResets(NamedTuple):
    """All saved resets of an org, and the conditions that they share."""

    grants: tuple[SavedReset, ...] = ()
    is_eligible: bool = False
    ineligible_reason: str | None = None
    """Code from the server. None if there is none."""
    is_at_limit: bool = False
    """`at_limit`: the server says that a limit is reached."""
    cooldown_until: datetime | None = None
    """End of the pause after a use. None if there is no pause."""
    is_cooldown_unreadable: bool = False
    """True if the end of the pause has a value that cannot be read."""

    def find_obstacles(
        self, grant: SavedReset, full_windows: Iterable[Window], now: datetime
    ) -> Iterator[Obstacle]:
        """Yield everything that keeps a grant from being used now, the most informative obstacle first.

        `full_windows` are the plan-wide windows that the reset has to clear.
        """
        full = tuple(full_windows)
        if grant.is_lost(now):
            yield Obstacle(ObstacleKind.LOST)
        if grant.resets_left == 0:
            yield Obstacle(ObstacleKind.NONE_LEFT)
        if not self.is_eligible and self.ineligible_reason:
            yield Obstacle(ObstacleKind.NOT_ELIGIBLE, self.ineligible_reason)
        if grant.is_paused:
            yield Obstacle(ObstacleKind.PAUSED)
        if grant.starts_at is not None and grant.starts_at > now:
            yield Obstacle(ObstacleKind.NOT_STARTED, until=grant.starts_at)
        if self.cooldown_until is not None and self.cooldown_until > now:
            yield Obstacle(ObstacleKind.COOLDOWN, until=self.cooldown_until)
        if grant.blocking:
            yield Obstacle(ObstacleKind.BLOCKED, ", ".join(grant.blocking))
        yield from (
            Obstacle(ObstacleKind.CLEARS_OTHERS, window.label)
            for window in full
            if window.key not in grant.clears
        )
        if not full:
            yield Obstacle(ObstacleKind.NONE_FULL)
        is_reported = self.is_eligible and grant.is_next and grant.is_usable and grant.resets_left is not None
        is_at_limit = self.is_at_limit or not grant.needs_limit
        is_readable = not grant.is_unreadable and not self.is_cooldown_unreadable
        if not (is_reported and is_at_limit and is_readable and grant.starts_at is not None):
            yield Obstacle(ObstacleKind.NOT_REPORTED)

    def summarize(self, full_windows: Iterable[Window], now: datetime) -> SavedResetSummary | None:
        """Return the grant to show, usable or not, with the total of all grants. None if no reset is left."""
        full = tuple(full_windows)
        unused = [grant for grant in self.grants if grant.is_unused(now)]
        found = [
            SavedResetSummary(
                sum(each.resets_left or 0 for each in unused),
                grant.ends_at,
                next(self.find_obstacles(grant, full, now), None),
            )
            for grant in sorted(unused, key=lambda grant: not grant.is_next)
        ]
        return next((one for one in found if one.is_usable), next(iter(found), None))

    def iter_changes(self) -> Iterator[datetime]:
        """Yield the times at which a saved reset becomes usable or stops being usable."""
        times = (
            self.cooldown_until,
            *(at for grant in self.grants for at in (grant.starts_at, grant.ends_at)),
        )
        return (at for at in times if at is not None)

    def count_by_loss(self, now: datetime) -> Mapping[datetime, int]:
        """Return the number of unused resets by their time of expiry."""
        counts: dict[datetime, int] = {}
        for grant in self.grants:
            if grant.ends_at is not None and grant.resets_left and grant.is_unused(now):
                counts[grant.ends_at] = counts.get(grant.ends_at, 0) + grant.resets_left
        return counts

    def end_with_plan(self, plan_ends_at: datetime | None) -> SavedResets:
        """Return the resets; those that would outlast the plan end with it."""
        if plan_ends_at is None:
            return self
        ends = (min(grant.ends_at or plan_ends_at, plan_ends_at) for grant in self.grants)
        grants = (grant._replace(ends_at=end) for grant, end in zip(self.grants, ends, strict=True))
        return self._replace(grants=tuple(grants))


class SavedResetSummary(NamedTuple):
    """The saved resets of an org in one value."""

    resets_left: int
    """Number of resets left in all grants."""
    ends_at: datetime | None
    """Time at which the grant to use next is lost. None if not reported."""
    obstacle: Obstacle | None = None
    """The main reason why it cannot be used now. None if it can."""

    @property
    def is_usable(self) -> bool:
        """True if a saved reset can be used now."""
        return self.obstacle is None


class SessionReset(NamedTuple):
    """The weekly session reset: it clears the 5-hour window, and its use counts against the week."""

    is_eligible: bool = False
    is_available: bool = False
    """True if it can be used now, unless `is_control`."""
    is_control: bool = False
    """True if the account is in the group that cannot use it, or its group cannot be read."""
    next_at: datetime | None = None
    """Time of the next one. None if not reported."""

    @property
    def is_usable(self) -> bool:
        """True if the server offers it now."""
        return self.is_eligible and self.is_available and not self.is_control

    def is_cure(self, full_windows: Iterable[Window]) -> bool:
        """Return True if it lets work continue: it can be used, and only the 5-hour window is full."""
        kinds = {window.kind for window in full_windows}
        return self.is_usable and kinds == {WindowKind.SESSION}

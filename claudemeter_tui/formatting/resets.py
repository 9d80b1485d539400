"""Put the resets that a person can use into words: saved resets and the weekly session reset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.resets import Obstacle, ObstacleKind, SavedResetSummary

SESSION_RESET_CURE = "session reset available (counts against the week)"
MAX_CODE_LENGTH = 60
"""Maximum characters of the server's reasons on screen."""
_QUIET_OBSTACLES = frozenset((ObstacleKind.NOT_REPORTED, ObstacleKind.NONE_FULL))
"""Obstacles that are not worth showing beside a verdict."""


def describe_saved_resets(
    resets: SavedResetSummary, now: datetime, zone: tzinfo | None = None
) -> Iterator[str]:
    """Yield `saved reset available (1 left, expires Mon May 4 14:48)`, or why none can be used now.

    Yield nothing if none can be used and there is no reason to show, or if the reason has ended since.
    """
    obstacle = resets.obstacle
    if obstacle is None:
        lost_at = resets.ends_at if resets.ends_at is not None and resets.ends_at > now else None
        ends = f", expires {format_moment(lost_at, now, zone)}" if lost_at is not None else ""
        yield f"saved reset available ({resets.resets_left} left{ends})"
    elif obstacle.kind not in _QUIET_OBSTACLES and (obstacle.until is None or obstacle.until > now):
        yield f"saved reset not usable now: {describe_obstacle(obstacle, now, zone)}"


def describe_obstacle(obstacle: Obstacle, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the reason why a saved reset cannot be used now; empty if it is not known."""
    until = format_moment(obstacle.until, now, zone) if obstacle.until is not None else ""
    code = obstacle.code
    if len(code) > MAX_CODE_LENGTH:
        code = f"{code[: MAX_CODE_LENGTH - 1]}…"
    return {
        ObstacleKind.NOT_ELIGIBLE: f'the server says "{code}"',
        ObstacleKind.PAUSED: "paused",
        ObstacleKind.NOT_STARTED: f"usable from {until}",
        ObstacleKind.COOLDOWN: f"cooldown until {until}",
        ObstacleKind.BLOCKED: f'the server says "{code}"',
        ObstacleKind.CLEARS_OTHERS: f"does not clear the {code} window",
        ObstacleKind.NONE_FULL: "no window is full",
        ObstacleKind.NONE_LEFT: "none left",
        ObstacleKind.LOST: "",
        ObstacleKind.NOT_REPORTED: "",
    }[obstacle.kind]

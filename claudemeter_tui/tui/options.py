"""How the person wants the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # the first frame does not wait for it
    from claudemeter_tui.model.store import OrgKey


StateWriter: TypeAlias = "Callable[[str, OrgKey | None], None]"
"""Keeps the theme and the selected org for the next run."""


def _save_nothing(theme: str, org: OrgKey | None) -> None:
    """Keep nothing."""


@dataclass(frozen=True)
class Options:
    """Everything about the dashboard that is a matter of taste or place."""

    zone: tzinfo | None = None
    """None: the system's own time zone."""
    note: str = ""
    """Said beside the program's name: "demo". Empty in earnest."""
    theme: str = ""
    """The theme to begin with; empty or unknown: our dark one."""
    org: OrgKey | None = None
    """The org to begin with, if it is there. None: the first one."""
    ascii: bool = False
    """Draw with ASCII alone."""
    privacy: bool = False
    """Begin with everything personal hidden."""
    pictures: Path = field(default_factory=Path.cwd)
    """The folder for pictures."""
    thresholds: tuple[float, ...] = (75.0, 90.0, 100.0)
    """Percentages that are told when a window or the credits pass them."""
    alerts: bool = False
    """Whether to call for attention at all: not in a demo, not without a terminal."""
    toast: bool = True
    bell: bool = True
    desktop: str = "auto"
    """`auto`, `osc9`, `osc777` or `off`."""
    on_event: tuple[str, ...] = ()
    """A program and its arguments, told of every event. Empty: none."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """For a bug report: the settings by name; nothing secret is among them."""
    save_state: StateWriter = _save_nothing

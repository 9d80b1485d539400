"""The dashboard's settings, and the values of its run that no one can set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from claudemeter_tui.settings import Settings

if TYPE_CHECKING:  # the first frame does not wait for it
    from claudemeter_tui.model.store import OrgKey


StateWriter: TypeAlias = "Callable[[str, OrgKey | None], None]"
"""Saves the theme and the selected org for the next run."""


def _save_nothing(theme: str, org: OrgKey | None) -> None:
    """Save nothing."""


@dataclass(frozen=True)
class Options(Settings):
    """The settings, with the theme and the folder for screenshots resolved, and the values of one run."""

    pictures: Path = field(default_factory=Path.cwd)
    """The folder for screenshots."""
    zone: tzinfo | None = None
    """None for the system's own time zone."""
    note: str = ""
    """Text beside the program's name, such as "demo". Empty with real figures."""
    org: OrgKey | None = None
    """The org to select first. None, or an unknown org, for the first one."""
    alerts: bool = False
    """False in a demo, and without a terminal."""
    save_state: StateWriter = _save_nothing

    @classmethod
    def build(cls, settings: Settings, **run: Any) -> Self:
        """Return all settings, with the values of the run beside or in place of them."""
        values = {one.name: getattr(settings, one.name) for one in fields(Settings)}
        return cls(**{**values, **run})

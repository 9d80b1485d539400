"""What a widget is given to draw: the store at a moment, seen from one org."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from claudemeter_tui.model.store import OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.verdict import Verdict, judge
from claudemeter_tui.tui.layout import Layout


@dataclass(frozen=True)
class View:
    """Everything on screen is drawn from this, and from nothing else."""

    store: Store = field(default_factory=Store)
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    key: OrgKey | None = None
    """The selected org. None: no org is known yet."""
    zone: tzinfo | None = None
    """None: the system's own time zone."""
    layout: Layout = field(default_factory=Layout)
    """What the terminal has room for."""
    note: str = ""
    """Said beside the program's name: "demo". Empty in earnest."""

    @cached_property
    def state(self) -> OrgState | None:
        """The selected org. None: no org is known yet, or it has left."""
        return self.store.org(self.key)

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict on the selected org. None without one."""
        return judge(self.state, self.now) if self.state else None

    @cached_property
    def session(self) -> SessionState | None:
        """The session that serves the selected org, else the first one. None before the first poll."""
        if self.state is not None:
            return self.store.session(self.state.session)
        return next(iter(self.store.sessions), None)

    @property
    def index(self) -> int:
        """The selected org's place among all, from 0; 0 without one."""
        return next((i for i, state in enumerate(self.store.orgs) if state.key == self.key), 0)

    def neighbour(self, step: int) -> OrgKey | None:
        """The org so many tabs further, round the ends. None without orgs."""
        orgs = self.store.orgs
        if not orgs:
            return None
        if self.state is None:
            return orgs[0].key
        return orgs[(self.index + step) % len(orgs)].key

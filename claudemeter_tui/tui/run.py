"""The run: what has happened since the program started, and how all of it is shown and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from claudemeter_tui.model.events import Event
from claudemeter_tui.model.journal import Journal
from claudemeter_tui.model.store import OrgKey, Store
from claudemeter_tui.text.redact import Redaction
from claudemeter_tui.tui.alerts import Alert
from claudemeter_tui.tui.attention import Attention
from claudemeter_tui.tui.options import Options
from claudemeter_tui.tui.pictures import private_view
from claudemeter_tui.tui.terminal import Outlet
from claudemeter_tui.tui.view import View


class Run:
    """Keeps the events and the pseudonyms; made after the first frame, which needs neither."""

    def __init__(self, options: Options, outlet: Outlet, complain: Callable[[str], object]) -> None:
        """Begin without events; `complain` is told once when the person's command fails."""
        self.attention = Attention(options, outlet, complain)
        self.redaction = Redaction()
        self._options = options
        self._journal = Journal(options.thresholds)

    def follow(self, store: Store, now: datetime) -> Sequence[Event]:
        """What has happened since the last look."""
        self._journal = self._journal.after(store, now)
        return self._journal.fresh

    def call(self, fresh: Sequence[Event], store: Store, *, private: bool) -> list[Alert]:
        """Tell events past the screen; gives the alerts that deserve a toast."""
        if private:
            self.redaction.store(store)
        return self.attention.call(fresh, self._pseudonym if private else _name)

    def view(
        self, store: Store, now: datetime, key: OrgKey | None, span: timedelta | None, *, private: bool
    ) -> View:
        """What is on screen at that moment, with the org of that key; pseudonyms where it is private."""
        options = self._options
        view = View(
            store,
            now,
            key,
            options.zone,
            span=span,
            events=self._journal.events,
            ascii=options.ascii,
            note=options.note,
        )
        return private_view(view, self.redaction) if private else view

    def _pseudonym(self, event: Event) -> str:
        (event,) = self.redaction.events((event,))
        return event.whose


def _name(event: Event) -> str:
    return event.whose

"""State of one run of the dashboard: its events, alerts and pseudonyms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.store import Store
from claudemeter_tui.privacy.redact import Redactor
from claudemeter_tui.tui.alerts import Alert, EventCommand, select_alerts
from claudemeter_tui.tui.terminal import TerminalWriter
from claudemeter_tui.tui.view import FigureCache

if TYPE_CHECKING:  # the app imports this module
    from claudemeter_tui.tui.app import Options


class DashboardRun:
    """Events, alerts and pseudonyms of the run; created after the first frame, which needs none of them."""

    def __init__(self, options: Options, outlet: TerminalWriter, complain: Callable[[str], object]) -> None:
        """Start without events; call `complain` once if the user's command fails."""
        self._options = options
        self._terminal = outlet
        self.command = EventCommand(options.on_event, complain) if options.on_event else None
        """Runs for every event. None if no command is set."""
        self.redaction = Redactor()
        self._event_log = EventLog(options.thresholds)
        self.figure_cache = FigureCache()

    @property
    def events(self) -> tuple[Event, ...]:
        """Events of this run, oldest first."""
        return self._event_log.events

    def collect_events(self, store: Store, now: datetime) -> Sequence[Event]:
        """Return the new events since the last call."""
        self._event_log = self._event_log.observe(store, now)
        return self._event_log.new_events

    def send_alerts(self, fresh: Sequence[Event], store: Store, *, private: bool) -> list[Alert]:
        """Send notifications outside the screen and return the alerts that need a toast."""

        def get_name(event: Event) -> str:
            (shown,) = self.redaction.redact_events((event,)) if private else (event,)
            return shown.owner_name

        options = self._options
        if private:
            self.redaction.redact_store(store)
        if self.command is not None:
            self.command.enqueue(fresh)
        found = list(select_alerts(fresh, get_name, options.zone))
        # The others concern work or money, so that a toast is not enough.
        urgent = [alert for alert in found if alert.event.kind is not EventKind.SESSION_ENDS]
        if options.alerts_desktop != "off":
            for alert in urgent:
                self._terminal.notify(alert.title, alert.text)
        if urgent and options.alerts_bell:
            self._terminal.ring_bell()
        return found if options.alerts_toast else []

"""State of one run of the dashboard: its events, alerts and pseudonyms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.store import OrgKey, Store
from claudemeter_tui.privacy.redact import Redactor
from claudemeter_tui.tui.alerts import Alert, AlertSettings, EventCommand, select_alerts
from claudemeter_tui.tui.options import Options
from claudemeter_tui.tui.screenshots import redact_view
from claudemeter_tui.tui.terminal import TerminalWriter
from claudemeter_tui.tui.view import FigureCache, View


class Alerts:
    """Sends alerts according to the options."""

    def __init__(self, options: Options, outlet: TerminalWriter, complain: Callable[[str], object]) -> None:
        """Send through `outlet`; call `complain` once if the user's command fails."""
        desktop = options.alerts_desktop != "off"
        self._settings = AlertSettings(options.alerts_toast, options.alerts_bell, desktop)
        self._zone = options.zone
        self._terminal = outlet
        self.command = EventCommand(options.on_event, complain) if options.on_event else None
        """None if no command is set."""

    def send(self, fresh: Iterable[Event], name: Callable[[Event], str]) -> list[Alert]:
        """Send notifications for the events of one step and return the alerts that need a toast."""
        events = tuple(fresh)
        if self.command is not None:
            self.command.enqueue(events)
        found = list(select_alerts(events, self._settings, name, self._zone))
        urgent = [alert for alert in found if alert.is_urgent]
        for alert in urgent:
            if self._settings.desktop:
                self._terminal.notify(alert.title, alert.text)
        if urgent and self._settings.bell:
            self._terminal.ring_bell()
        return found if self._settings.toast else []


class DashboardRun:
    """Events and pseudonyms of the run; created after the first frame, which needs neither."""

    def __init__(self, options: Options, outlet: TerminalWriter, complain: Callable[[str], object]) -> None:
        """Start without events; call `complain` once if the user's command fails."""
        self.alerts = Alerts(options, outlet, complain)
        self.redaction = Redactor()
        self._options = options
        self._event_log = EventLog(options.thresholds)
        self._figure_cache = FigureCache()

    def collect_events(self, store: Store, now: datetime) -> Sequence[Event]:
        """Return the new events since the last call."""
        self._event_log = self._event_log.observe(store, now)
        return self._event_log.new_events

    def send_alerts(self, fresh: Sequence[Event], store: Store, *, private: bool) -> list[Alert]:
        """Send notifications outside the screen and return the alerts that need a toast."""
        if private:
            self.redaction.redact_store(store)
        return self.alerts.send(fresh, self._get_pseudonym if private else _get_name)

    def build_view(
        self, store: Store, now: datetime, key: OrgKey | None, span: timedelta | None, *, private: bool
    ) -> View:
        """Build the view of an org at a moment, with pseudonyms if it is private."""
        options = self._options
        view = View(
            store,
            now,
            key,
            options.zone,
            span=span,
            events=self._event_log.events,
            ascii=options.ascii,
            note=options.note,
            figure_cache=self._figure_cache,
        )
        return redact_view(view, self.redaction) if private else view

    def _get_pseudonym(self, event: Event) -> str:
        (event,) = self.redaction.redact_events((event,))
        return event.owner_name


def _get_name(event: Event) -> str:
    return event.owner_name

"""Calls for attention past the screen: bell, desktop notification, the person's own command."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from claudemeter_tui.model.events import Event
from claudemeter_tui.tui.alerts import Alert, AlertSettings, EventCommand, alerts
from claudemeter_tui.tui.options import Options
from claudemeter_tui.tui.terminal import Outlet


class Attention:
    """Tells alerts as the options say."""

    def __init__(self, options: Options, outlet: Outlet, complain: Callable[[str], object]) -> None:
        """Tell through `outlet`; `complain` is told once when the person's command fails."""
        desktop = options.desktop != "off"
        self._settings = AlertSettings(options.toast, options.bell, desktop)
        self._zone = options.zone
        self._outlet = outlet
        self.command = EventCommand(options.on_event, complain) if options.on_event else None
        """None: there is none."""

    def call(self, fresh: Iterable[Event], name: Callable[[Event], str]) -> list[Alert]:
        """Notify of the events of one step; gives the alerts that deserve a toast."""
        events = tuple(fresh)
        if self.command is not None:
            self.command.tell(events)
        found = list(alerts(events, self._settings, name, self._zone))
        urgent = [alert for alert in found if alert.is_urgent]
        for alert in urgent:
            if self._settings.desktop:
                self._outlet.notify(alert.head, alert.text)
        if urgent and self._settings.bell:
            self._outlet.ring()
        return found if self._settings.toast else []

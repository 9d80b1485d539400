"""Run `--metrics`: serve the figures to Prometheus, or write them once for its textfile renderer."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from claudemeter_tui.commands.metrics_server import MetricsServer
from claudemeter_tui.commands.once import apply_readings, find_status, poll_readings, write_line
from claudemeter_tui.config.actions import ListenAddress
from claudemeter_tui.feed import OneShotFeed, RunningFeed
from claudemeter_tui.formatting.metrics import INFO_SUFFIX, AnyMetric, Sample, list_samples
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.secrets import Secret
from claudemeter_tui.model.store import Store
from claudemeter_tui.privacy.metric_labels import build_view
from claudemeter_tui.settings import SettingsError
from claudemeter_tui.storage import open_replacement

if TYPE_CHECKING:
    from prometheus_client.core import Metric as MetricFamily

METRICS_FILE_MODE = 0o644
"""Mode of the file: Prometheus' node exporter, which reads it, runs as another user."""
NO_LIBRARY_MESSAGE = (
    "--metrics needs one more library: run pip install prometheus-client in this program's environment"
)


def check_library() -> None:
    """Check that the library for the format is installed; it is loaded later.

    Raises:
        SettingsError: It is not.
    """
    if find_spec("prometheus_client") is None:
        raise SettingsError(NO_LIBRARY_MESSAGE)


class MetricsRenderer:
    """Renders the latest store in the formats of Prometheus."""

    def __init__(self, now: Callable[[], datetime], *, shows_names: bool) -> None:
        """Start with an empty store; with `shows_names`, labels have names instead of pseudonyms."""
        self.store = Store()
        """Everything that was read. Another thread may replace it at any time."""
        self._now = now
        self._shows_names = shows_names
        self._one_at_a_time = threading.Lock()
        self._last = _Samples([]), "", b""
        """The last samples, their content type and their text."""

    def post(self, reading: Reading) -> None:
        """Add one more reading."""
        self.store = self.store.apply_safely(reading)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics in the format that an `Accept` header prefers, and their content type."""
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415 - the optional library

        encode, content_type = choose_encoder(accept)
        with self._one_at_a_time:  # many requests at once must not delay the polls
            view = build_view(self.store, self._now(), shows_names=self._shows_names)
            samples = _Samples([(metric, found) for metric, found in list_samples(view) if found])
            # Between two polls there is usually no change, and the text takes longer than the samples.
            if self._last[:2] != (samples, content_type):
                self._last = samples, content_type, encode(samples)
            return self._last[2], content_type


class _Samples(NamedTuple):
    """Samples for Prometheus' own library, which calls `collect`."""

    found: list[tuple[AnyMetric, list[Sample]]]

    def collect(self) -> Iterator[MetricFamily]:
        """Yield the metrics as values of the library."""
        from prometheus_client.core import Metric as MetricFamily  # noqa: PLC0415 - the optional library
        from prometheus_client.core import Sample as LibrarySample  # noqa: PLC0415

        for metric, samples in self.found:
            # In the library, the end of such a name belongs to the sample.
            name, kind = metric.name.removesuffix(INFO_SUFFIX), "info" if metric.is_info else "gauge"
            family = MetricFamily(name, f"{metric.help[0].upper()}{metric.help[1:]}.", kind)
            for values, value in samples:
                labels = {label: text for label, text in zip(metric.labels, values, strict=True) if text}
                family.samples.append(LibrarySample(metric.name, labels, value))
            yield family


def serve_metrics(
    address: ListenAddress, feed: RunningFeed, renderer: MetricsRenderer, token: Secret | None
) -> int:
    """Serve the metrics until SIGTERM; return the exit status.

    Args:
        address: the address to listen on.
        feed: the feed to poll.
        renderer: the metrics.
        token: the token that every request needs. None if it needs none.

    Raises:
        SettingsError: the address cannot be used, or standard output fails.
    """
    server = MetricsServer(address, renderer.render, token)
    server.start()
    try:
        write_line(f"serving {server.url}")
        asyncio.run(_run_until_terminated(feed, renderer))
    finally:
        server.close()
    return 0


async def _run_until_terminated(feed: RunningFeed, renderer: MetricsRenderer) -> None:
    """Poll until SIGTERM, which service managers send; what was read is then kept, and the lease is free."""
    polls = asyncio.ensure_future(feed.run(renderer.post))
    with suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, polls.cancel)
    with suppress(asyncio.CancelledError):
        await polls


def write_metrics(
    path: Path, feed: OneShotFeed, renderer: MetricsRenderer, print_reason: Callable[[str], None]
) -> int:
    """Poll once, write the metrics to a file and return the exit status.

    The file is written even if nothing could be read: it then says so, and old figures do not stay in it.

    Args:
        path: the file, which is replaced as a whole.
        feed: the feed to poll.
        renderer: the metrics.
        print_reason: called with each reason, one line, if nothing was read.

    Raises:
        SettingsError: the file cannot be written; an existing one is unchanged.
    """
    renderer.store = store = apply_readings(poll_readings(feed), Store())
    try:
        with open_replacement(path, METRICS_FILE_MODE) as file:
            file.write(renderer.render()[0])
    except OSError as error:
        fault = (error.strerror or "cannot be written").lower()
        raise SettingsError(f"--metrics: {str(path)!r}: {fault}") from None
    return find_status(store, store.orgs, print_reason)

"""Setup of every test: one time zone, one terminal, and pictures in `snapshots/`."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_textual_snapshot
from hypothesis import HealthCheck, settings
from syrupy.location import PyTestLocation

SNAPSHOTS = Path(__file__).parent.parent / "snapshots"
HOMES = itertools.count()
"""Numbers for home folders, so that each test has its own."""

settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine makes no test fail
)
settings.load_profile("steady")

# A shell makes its background programs ignore Ctrl+C, and so all programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Freeze the loaded objects, so that no test collects garbage among them."""
    gc.collect()
    gc.freeze()


class Pictures(pytest_textual_snapshot.SVGImageExtension):  # type: ignore[misc]
    """Keeps accepted pictures beside the package, where the README shows them: a folder a test module."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """Return the folder of this module's pictures."""
        return str(SNAPSHOTS / Path(test_location.filepath).stem)


@pytest.fixture(autouse=True)
def _one_world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set UTC, a colour terminal, and an environment without the person's own folders and session."""
    home = tmp_path_factory.getbasetemp() / f"home-{next(HOMES)}"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    for name in [name for name in os.environ if name.startswith("CLAUDE") or name == "TEXTUAL"]:
        monkeypatch.delenv(name)
    for name in (
        "NO_COLOR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "PYTHONDONTWRITEBYTECODE",  # with it each program that a test starts would compile itself again
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the plugin's extension, which it looks up when called."""
    monkeypatch.setattr(pytest_textual_snapshot, "SVGImageExtension", Pictures)

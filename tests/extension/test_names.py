"""The names of the extension's sessions, each with a lock that its host holds."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from threading import Timer

from claudemeter_tui.extension.names import claim_name, find_names
from claudemeter_tui.model.reading import name_session
from claudemeter_tui.storage import hold_lock


def test_each_host_has_a_name_of_its_own(tmp_path: Path) -> None:
    """A second profile gets a number, and a name is free again once its host has ended."""
    with claim_name(tmp_path, "Chrome") as first, claim_name(tmp_path, "Chrome") as second:
        assert (first, second) == (name_session("Chrome", 1), name_session("Chrome", 2))
        assert dict.fromkeys((first, second), True) == find_names(tmp_path)
    assert dict.fromkeys((first, second), False) == find_names(tmp_path)
    with claim_name(tmp_path, "Chrome") as third:
        assert first == third


def test_lock_held_for_a_moment_costs_no_name(tmp_path: Path) -> None:
    """`--extension status` holds each lock for a moment; a host that starts meanwhile waits for it."""
    with ExitStack() as held:
        held.enter_context(hold_lock(tmp_path / "extension-Chrome-1"))
        timer = Timer(0.05, held.close)
        timer.start()
        with claim_name(tmp_path, "Chrome") as name:
            assert name == name_session("Chrome", 1)
        timer.join()

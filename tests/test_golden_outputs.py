"""Every text for people and scripts is as accepted, to the byte.

`pytest tests/test_golden_outputs.py --snapshot-update` accepts the current texts, and removes those of
removed scenes: read `git diff snapshots/golden` before you commit.
"""

from __future__ import annotations

from difflib import unified_diff
from itertools import islice

import pytest

from tests.golden.copies import FOLDER, accepted, copies, path_of

MOST_LINES = 60
"""Lines of a difference that are printed."""


@pytest.mark.parametrize("name", sorted(copies()))
def test_text_is_as_it_was_accepted(name: str, request: pytest.FixtureRequest) -> None:
    """No text changes unless a person accepts the change."""
    now, path = copies()[name](), path_of(name)
    if request.config.getoption("update_snapshots"):
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_bytes(now.encode("utf-8", "surrogateescape"))
    if not path.is_file():
        pytest.fail(f"{path.name} was never accepted; --snapshot-update accepts it")
    before = path.read_bytes().decode("utf-8", "surrogateescape")
    if before != now:
        lines = unified_diff(before.split("\n"), now.split("\n"), "accepted", "now", lineterm="", n=1)
        pytest.fail(f"{path.name}:\n" + "\n".join(islice(lines, MOST_LINES)), pytrace=False)


def test_every_accepted_text_has_its_scene(request: pytest.FixtureRequest) -> None:
    """A text without a scene is removed, so that a lost scene is noticed."""
    stale = accepted() - set(copies())
    if request.config.getoption("update_snapshots"):
        for name in stale:
            path_of(name).unlink()
        stale = set()
    assert set() == stale

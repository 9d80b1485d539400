"""Each part of the soak runs, and a failure is counted and can be repeated."""

from __future__ import annotations

import random

import pytest

from tests.soak import __main__ as soak
from tests.soak import bodies, programs
from tests.soak.parts import Part


@pytest.mark.parametrize("name", bodies.PARTS)
def test_bodies_hold_for_one_try(name: str) -> None:
    """A try of a part without a program passes."""
    bodies.PARTS[name].run(random.Random(1))  # noqa: S311 - repeatable


@pytest.mark.pty
@pytest.mark.parametrize("name", programs.PARTS)
def test_programs_hold_for_one_try(name: str) -> None:
    """A try of a part that starts the program passes."""
    programs.PARTS[name].run(random.Random(1))  # noqa: S311 - repeatable


def odd(chance: random.Random) -> None:
    """Fail for every other number or so."""
    number = chance.randrange(100)
    assert number % 2 == 0, number


def test_soak_counts_and_repeats_failures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line has the counts, the status is 1, and a failed try fails again by itself."""
    monkeypatch.setattr(soak, "PARTS", {"odd": Part(odd, 20)})
    assert soak.main(["--seed", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    failed = sum(line.startswith("odd ") for line in lines)
    assert 0 < failed < 20
    assert lines[0] == "seed 1"
    assert lines[-1] == f"{20 - failed} passed, {failed} failed"
    repeat = next(line for line in lines if "repeat it: " in line).partition("tests.soak ")[2].split(" ")
    assert soak.main(repeat) == 1
    assert "AssertionError" in capsys.readouterr().err


def test_soak_without_a_failure_exits_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scaled run has at least one try."""
    monkeypatch.setattr(soak, "PARTS", {"even": Part(lambda _: None, 20)})
    assert soak.main(["--scale", "0.001"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"

"""Each part of the soak runs, and a failure is counted and can be repeated."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.soak import __main__ as soak
from tests.soak import archive, bodies, credits, programs, transcripts
from tests.soak.credits_oracle import NOT_FOUND, RawOrg, RawReply, State, allowed_states
from tests.soak.parts import Part

OPEN, TEAM = credits.personal_org(), credits.shared_org()


@pytest.mark.parametrize("name", bodies.PARTS)
def test_bodies_hold_for_one_try(name: str) -> None:
    """A try of a part without a program passes."""
    bodies.PARTS[name].run(random.Random(1))  # noqa: S311 - repeatable


@pytest.mark.parametrize("seed", range(3))
def test_killed_writers_lose_nothing(seed: int) -> None:
    """Two processes write one archive until they are killed; what was acknowledged is in it."""
    archive.PARTS["archive"].run(random.Random(seed))  # noqa: S311 - repeatable


@pytest.mark.slow
def test_killed_readers_lose_nothing() -> None:
    """Processes that read transcripts are killed; in the end each call is in the archive once."""
    transcripts.PARTS["transcripts"].run(random.Random(1))  # noqa: S311 - repeatable


@pytest.mark.pty
@pytest.mark.parametrize("name", programs.PARTS)
def test_programs_hold_for_one_try(name: str) -> None:
    """A try of a part that starts the program passes."""
    programs.PARTS[name].run(random.Random(1))  # noqa: S311 - repeatable


@pytest.mark.parametrize(
    ("expected", "org"),
    [
        ("open", OPEN),
        ("open", TEAM),
        ("locked", credits.with_field(TEAM, "own", ("out_of_credits",), value=True)),
        ("locked", credits.with_field(OPEN, "overage", ("disabled_reason",), value="a_new_reason")),
        ("off", credits.with_field(OPEN, "overage", ("disabled_reason",), value="user_disabled")),
        ("off", RawOrg(OPEN.organization, RawReply({}), NOT_FOUND)),
        ("not known", credits.with_field(OPEN, "overage", ("disabled_reason",), value="fetch_error")),
    ],
)
def test_program_and_oracle_agree_about_clear_replies(expected: State, org: RawOrg) -> None:
    """The program reaches every state, and the oracle allows each of them."""
    assert expected in allowed_states(org, credits.NOW)
    assert expected == credits.name_state(credits.judge_org(org))


def test_mutated_orgs_depend_on_the_seed_alone_and_vary() -> None:
    """The same random numbers give the same replies; many are open, many are not, many are in doubt."""
    orgs = [credits.mutate_org(random.Random(seed)) for seed in range(100)]  # noqa: S311 - repeatable
    again = [credits.mutate_org(random.Random(seed)) for seed in range(100)]  # noqa: S311 - repeatable
    assert repr(orgs) == repr(again)
    allowed = [allowed_states(org, credits.NOW) for org in orgs]
    assert sum(one == {"open"} for one in allowed) > 10
    assert sum("open" not in one for one in allowed) > 10
    assert sum(len(one) > 1 and "open" in one for one in allowed) > 10


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


def test_counts_of_a_part_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part may count its results; the counts follow its line, the most frequent first."""
    counts: Counter[str] = Counter()

    def count(_: random.Random) -> None:
        counts["seldom" if not counts else "often"] += 1

    monkeypatch.setattr(soak, "PARTS", {"counted": Part(count, 5, counts)})
    assert soak.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-2] == "  4 often, 1 seldom"


def test_soak_without_a_failure_exits_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scaled run has at least one try."""
    monkeypatch.setattr(soak, "PARTS", {"even": Part(lambda _: None, 20)})
    assert soak.main(["--scale", "0.001"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"

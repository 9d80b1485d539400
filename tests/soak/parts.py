"""Parts of the soak: one try of each, and the number of tries of a full run."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MOST_SHOWN = 10
"""Failures of a part that are printed; the others are only counted."""


@dataclass(frozen=True)
class Part:
    """One kind of try, repeated with other random numbers each time."""

    run: Callable[[random.Random], None]
    """Makes one try; raises an exception if it fails."""
    tries: int
    """Number of tries of a full run, 1 or more."""
    counts: Counter[str] = field(default_factory=Counter)
    """Results that the tries count besides passed and failed; printed if there are any."""

    def scaled(self, scale: float) -> int:
        """Return the number of tries of a run of that scale, at least 1."""
        return max(1, round(self.tries * scale))


@dataclass(frozen=True)
class Result:
    """Counts of a part that has run."""

    passed: int
    failed: int


def run(name: str, part: Part, numbers: Iterable[int], seed: int) -> Result:
    """Run the tries of these numbers and print a line with the counts.

    A try depends on the seed, the name and its number alone, so that each can be repeated by itself.
    """
    began, passed, failed = time.monotonic(), 0, 0
    for number in numbers:
        try:
            part.run(random.Random(f"{seed} {name} {number}"))  # noqa: S311 - repeatable, not secret
        except Exception as error:  # noqa: BLE001 - any exception is a failure of the try
            failed += 1
            if failed <= MOST_SHOWN:
                _complain(name, number, seed, error)
        else:
            passed += 1
    seconds = time.monotonic() - began
    print(f"{name}: {passed + failed} tries, {failed} failed, {seconds:.0f} s", flush=True)
    if part.counts:
        print(f"  {', '.join(f'{count} {name}' for name, count in part.counts.most_common())}", flush=True)
    return Result(passed, failed)


def _complain(name: str, number: int, seed: int, error: Exception) -> None:
    text = str(error) or repr(error.__traceback__ and error.__traceback__.tb_lineno)
    print(f"{name} {number} failed: {type(error).__name__}: {text}")
    print(
        f"  repeat it: python -m tests.soak --part {name} --seed {seed} --only {number} --trace", flush=True
    )

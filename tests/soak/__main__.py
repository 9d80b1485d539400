"""Long random loops over the program: too long for a test, the same for the same seed.

    python -m tests.soak                          all parts, half an hour
    python -m tests.soak --scale 0.1              a tenth of the tries, as in .ci/run
    python -m tests.soak --part bodies --seed 7   one part, with the random numbers of that seed

Each part prints a line with its counts; the last line is "N passed, N failed". The exit status is 1 if
a try has failed.
"""

from __future__ import annotations

import argparse
import random
import secrets
import signal
import traceback
from collections.abc import Sequence

from tests.soak import archive, bodies, credits, programs, transcripts
from tests.soak.parts import Part, Result, run

PARTS: dict[str, Part] = bodies.PARTS | credits.PARTS | archive.PARTS | transcripts.PARTS | programs.PARTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen parts; return 1 if a try has failed, otherwise 0."""
    # A shell makes its background programs ignore Ctrl+C, and so all programs that are started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = _parser().parse_args(arguments)
    print(f"seed {chosen.seed}", flush=True)
    if chosen.trace:
        return _trace(chosen)
    results: list[Result] = []
    for name in chosen.part or PARTS:
        numbers = range(PARTS[name].scaled(chosen.scale)) if chosen.only is None else [chosen.only]
        results.append(run(name, PARTS[name], numbers, chosen.seed))
    failed = sum(one.failed for one in results)
    print(f"{sum(one.passed for one in results)} passed, {failed} failed")
    return 1 if failed else 0


def _trace(chosen: argparse.Namespace) -> int:
    """Make one try and print its traceback if it fails."""
    (name,) = chosen.part
    try:
        PARTS[name].run(random.Random(f"{chosen.seed} {name} {chosen.only}"))  # noqa: S311 - not secret
    except Exception:  # noqa: BLE001 - any exception is a failure of the try
        traceback.print_exc()
        print("0 passed, 1 failed")
        return 1
    print("1 passed, 0 failed")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="run only this part (repeatable; default: all)"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the number of tries (default 1)")
    parser.add_argument(
        "--seed",
        type=int,
        default=secrets.randbelow(10**6),
        help="repeat the run of this seed (default: another one each time)",
    )
    parser.add_argument("--only", type=int, help="make only the try of this number")
    parser.add_argument("--trace", action="store_true", help="print the traceback (with --part and --only)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

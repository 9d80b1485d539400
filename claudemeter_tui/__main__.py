"""Where the program begins: `claudemeter-tui` and `python -m claudemeter_tui`."""

from __future__ import annotations

import sys


def main() -> int:
    """Say again what a status bar was told a moment ago, else run the program; gives the exit status."""
    from claudemeter_tui.commands import answer_cache  # noqa: PLC0415 - both are loaded only when they are needed

    status = answer_cache.replay_answer(sys.argv[1:])
    if status is not None:
        return status
    from claudemeter_tui import cli, gc_control  # noqa: PLC0415

    status = cli.main()
    gc_control.skip_last_collection()
    return status


if __name__ == "__main__":
    raise SystemExit(main())

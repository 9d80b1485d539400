"""Entry point of `claudemeter-tui` and `python -m claudemeter_tui`."""

from __future__ import annotations

import sys


def main() -> int:
    """Repeat a status bar's cached answer, or run the program; return the exit status."""
    from claudemeter_tui import interruption  # noqa: PLC0415 - before the slow imports, which Ctrl+C may meet

    interruption.exit_on_interrupt()
    from claudemeter_tui.commands import answer_cache  # noqa: PLC0415 - loaded only if needed

    status = answer_cache.replay_answer(sys.argv[1:])
    if status is not None:
        return status
    from claudemeter_tui import cli, gc_control  # noqa: PLC0415

    status = cli.main()
    gc_control.skip_last_collection()
    interruption.leave_threads_behind(status)
    return status


if __name__ == "__main__":
    raise SystemExit(main())

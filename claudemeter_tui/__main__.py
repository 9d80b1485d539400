"""Entry point of `claudemeter-tui` and `python -m claudemeter_tui`."""

# No import that reads a file, not even `__future__`: before `main`, Ctrl+C would print a traceback.
import sys

ARCHIVED_FLAGS = frozenset({"--check", "--line"})
"""Flags of the commands that print from the archive."""
STATUSLINE_FLAG = "--statusline"
"""Flag of the command that Claude Code runs."""


def main() -> int:
    """Print a status bar's line from the archive, or run the program; return the exit status."""
    # Built in, so no Ctrl+C meets its import. Until that of `interruption` is done, SIGINT ends the process.
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from claudemeter_tui import interruption  # noqa: PLC0415 - before the slow imports, which Ctrl+C may meet

    interruption.exit_on_interrupt()
    if not ARCHIVED_FLAGS.isdisjoint(sys.argv):
        from claudemeter_tui.commands.archived_status import print_archived  # noqa: PLC0415

        status = print_archived(sys.argv[1:])
        if status is not None:
            return status
    if STATUSLINE_FLAG in sys.argv:
        from claudemeter_tui.commands.statusline import print_statusline  # noqa: PLC0415

        status = print_statusline(sys.argv[1:])
        if status is not None:
            return status
    from claudemeter_tui import cli, gc_control  # noqa: PLC0415

    status = cli.main()
    gc_control.skip_last_collection()
    interruption.leave_threads_behind(status)
    return status


if __name__ == "__main__":
    raise SystemExit(main())

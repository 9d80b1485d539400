"""Commands for scripts and status bars: plain text and JSON on standard output, without a dashboard."""

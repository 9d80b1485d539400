"""What scripts and status bars ask for: plain text and JSON on standard output, without a dashboard."""

"""Widgets, one per file, each named for what it shows."""

"""Transcripts of Claude Code on this machine: find the files, read what is new, and decode the lines."""

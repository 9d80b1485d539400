"""Tests of reading Claude Code's transcripts."""

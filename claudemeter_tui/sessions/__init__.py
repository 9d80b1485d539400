"""The sessions: how they are found, which of them polls, and how each is renewed or removed."""

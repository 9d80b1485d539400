"""Claude Code's login as a source: its bearer token, the budget it may be used in, and what it reads."""

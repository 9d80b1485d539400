"""Claude Code's login as a source: its bearer token, its budget of requests, and its replies."""

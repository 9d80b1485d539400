"""Claude Code's login as a source: the bearer token, the request budget, and the replies."""

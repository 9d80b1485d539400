"""Every session there is, which of them polls, and the life of each."""

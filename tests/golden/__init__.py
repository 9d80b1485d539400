"""The golden copies: every text that people and scripts get, each by the name of its file."""

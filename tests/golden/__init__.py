"""The golden copies: every text for people and scripts, each by the name of its file."""

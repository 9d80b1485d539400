"""Put the values of the model into words in one place, for every screen and script."""

SCHEMA_VERSION = 1
"""Version of all printed JSON; it rises only if a key is removed or changes its meaning."""

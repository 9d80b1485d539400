"""What is said of a setting that cannot be used: one line, and never a secret."""

from __future__ import annotations

SECRET_MARKS = ("sessionkey", "sk-ant-")
"""What a text holds that is, or contains, the key to an account; compared in lower case."""


class SettingsError(ValueError):
    """A setting that cannot be used. Its text names it and says what to do."""


def is_secret(text: str) -> bool:
    """Whether it looks like a cookie or a token: no such text is ever quoted."""
    return any(mark in text.lower() for mark in SECRET_MARKS)


def quoted(value: object) -> str:
    """The value as it was given, for a message."""
    shown = repr(value)
    if is_secret(shown):
        return "what looks like a session key"
    return shown if len(shown) <= 200 else f"{shown[:200]}…"


def why(error: OSError) -> str:
    """What the system says."""
    return error.strerror or "it cannot be read"

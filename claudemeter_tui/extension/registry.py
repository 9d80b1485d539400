"""The user's part of the Windows registry, in which browsers look for native messaging hosts."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Registry:
    """Keys below HKEY_CURRENT_USER, each with a text as its default value."""

    def __init__(self, winreg: Any = None) -> None:
        """Use the module `winreg`, or another one with its functions; None imports it, on Windows only."""
        self._winreg = import_module("winreg") if winreg is None else winreg

    def read(self, key: str) -> str | None:
        """Return the text of a key. None if there is no such key, or none with a text.

        Raises:
            OSError: it cannot be read.
        """
        winreg = self._winreg
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                value, kind = winreg.QueryValueEx(opened, "")
        except FileNotFoundError:
            return None
        return value if kind == winreg.REG_SZ else None

    def write(self, key: str, text: str) -> None:
        """Set the text of a key; create the key and those above it.

        Raises:
            OSError: it cannot be written.
        """
        winreg = self._winreg
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as created:
            winreg.SetValueEx(created, "", 0, winreg.REG_SZ, text)

    def remove(self, key: str) -> bool:
        """Remove a key; return False if there is none.

        Raises:
            OSError: it cannot be removed.
        """
        winreg = self._winreg
        try:
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key)
        except FileNotFoundError:
            return False
        return True

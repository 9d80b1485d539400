"""A registry in memory, with the functions of `winreg` that the program uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class FakeWinreg:
    """The part of the module `winreg` below HKEY_CURRENT_USER; a key is its path."""

    HKEY_CURRENT_USER = 0x80000001
    REG_SZ, REG_DWORD = 1, 4

    def __init__(self, *, is_read_only: bool = False) -> None:
        self.values: dict[str, tuple[object, int]] = {}
        """Default value and kind of each key."""
        self.is_read_only = is_read_only

    @contextmanager
    def OpenKey(self, root: int, key: str) -> Iterator[str]:  # noqa: N802 - the module's own name
        """Open an existing key."""
        self._find(root, key)
        yield key

    def QueryValueEx(self, key: str, name: str) -> tuple[object, int]:  # noqa: N802
        """Return the default value and its kind."""
        assert name == ""
        return self.values[key]

    @contextmanager
    def CreateKey(self, root: int, key: str) -> Iterator[str]:  # noqa: N802
        """Create a key."""
        assert root == self.HKEY_CURRENT_USER
        if self.is_read_only:
            raise PermissionError(5, "Access is denied")
        yield key

    def SetValueEx(self, key: str, name: str, reserved: int, kind: int, value: object) -> None:  # noqa: N802
        """Set the default value."""
        assert (name, reserved) == ("", 0)
        self.values[key] = value, kind

    def DeleteKey(self, root: int, key: str) -> None:  # noqa: N802
        """Delete an existing key."""
        self._find(root, key)
        if self.is_read_only:
            raise PermissionError(5, "Access is denied")
        del self.values[key]

    def _find(self, root: int, key: str) -> None:
        assert root == self.HKEY_CURRENT_USER
        if key not in self.values:
            raise FileNotFoundError(2, "The system cannot find the file specified")

"""The hosts of the browser extension: the browsers that are read through it, and the result."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import ErrorKind, Session


class HostRecord(NamedTuple):
    """One session that is or was read through the extension, as its host last described it."""

    session: Session
    """The browser, and `extension`; with a number if several profiles of the browser have it."""
    account: Account | None
    """Account as the server last named it. None if it did not, or if its history was removed."""
    host_version: str
    """Version of this program, as the host ran it. Empty if not known."""
    extension_version: str
    """Version of the extension in the browser. Empty if not known."""
    seen_at: datetime | None
    """Time of the host's last entry in the history. None if the history has none of it."""
    replied_at: datetime | None
    """Time of the last reply with data. None if there was none."""
    error_kind: ErrorKind | None
    """Why the last poll failed. None if it did not."""
    is_running: bool
    """True unless the host is known to have ended; it ends with the browser."""
    unkept_since: datetime | None = None
    """Time of the last poll in the history if a later one should be in it. None if none is missing."""

"""The one origin that cookies are sent to."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

CLAUDE_AI = "https://claude.ai"
_NAME = re.compile(r"(?=.*[a-z])([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")


class BadOriginError(ValueError):
    """An address that cookies must not be sent to. Its text says why."""


def origin(url: str) -> str:
    """The origin of `--base-url`: https anywhere, http only to this machine.

    Raises:
        BadOriginError: it is neither, or holds more than scheme, host and port.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadOriginError("it is not a web address") from None
    if parts.scheme not in ("http", "https") or not _is_host(host) or port == 0:
        raise BadOriginError("it must look like https://host or http://127.0.0.1:PORT")
    if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadOriginError("it must be scheme, host and port only")
    if parts.scheme == "http" and not is_loopback(host):
        raise BadOriginError("plain http would show the session cookie to the network; use https")
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def _is_host(host: str) -> bool:
    """Whether it is a name of ASCII letters, or an address; a zone or another script is none."""
    try:
        ip_address(host)
    except ValueError:
        return _NAME.fullmatch(host) is not None
    return "%" not in host


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

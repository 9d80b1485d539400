"""The one origin that cookies are sent to."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

CLAUDE_AI = "https://claude.ai"


class BadOriginError(ValueError):
    """An address that cookies must not be sent to. Its text says why."""


def origin(url: str) -> str:
    """The origin of `--base-url`: https anywhere, http only to this machine.

    Raises:
        BadOriginError: it is neither, or holds more than scheme, host and port.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadOriginError("it is not a web address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise BadOriginError("it must look like https://host or http://127.0.0.1:PORT")
    if parts.username or parts.password or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadOriginError("it must be scheme, host and port only")
    if parts.scheme == "http" and not is_loopback(host):
        raise BadOriginError("plain http would show the session cookie to the network; use https")
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

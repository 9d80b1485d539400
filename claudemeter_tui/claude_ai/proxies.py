"""Find the proxy for one origin in the settings of the environment or the system."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

_SOCKS_SCHEMES = ("socks5", "socks5h", "socks4", "socks4a", "socks")
_MAX_PORT = 65_535


class BadProxyError(Exception):
    """The proxy cannot be used. The text follows the word "proxy" and holds no password."""


def find_proxy(origin: str, settings: Mapping[str, str]) -> str | None:
    """Return the address of the proxy for an https origin. None if requests go straight to the origin.

    Args:
        origin: Such as `https://claude.ai`.
        settings: The proxies by scheme and the exceptions under `no`, as `urllib.request.getproxies` returns.

    Raises:
        BadProxyError: There is a proxy, but not one that works.
    """
    address = settings.get("https", "").strip() or settings.get("all", "").strip()
    parts = urlsplit(origin)
    if not address or _is_exempt(parts.hostname or "", parts.port or 443, settings.get("no", "")):
        return None
    url = address if "://" in address else f"http://{address}"
    _check_proxy(url)
    return url


def _check_proxy(url: str) -> None:
    try:
        proxy = urlsplit(url)
        host = proxy.hostname
    except ValueError:
        raise BadProxyError("its address is not valid") from None
    try:
        proxy.port  # noqa: B018 - it raises
    except ValueError:
        port = proxy.netloc.rpartition(":")[2]
        is_number = port.isascii() and port.isdigit()
        what = (
            f"port {port[:10]} is out of range (1 to {_MAX_PORT})"
            if is_number
            else "its port is not a number"
        )
        raise BadProxyError(what) from None
    if proxy.scheme not in ("http", "https", *_SOCKS_SCHEMES):
        raise BadProxyError("only HTTP proxies are supported")
    if not host:
        raise BadProxyError("its address has no host")
    if proxy.scheme in _SOCKS_SCHEMES and find_spec("socksio") is None:  # rarely installed
        raise BadProxyError("SOCKS proxies are not supported")


def _is_exempt(host: str, port: int, exceptions: str) -> bool:
    """Return True if an entry of `NO_PROXY` names the host; an entry that cannot be read is skipped."""
    entries = (entry.strip().lower() for entry in exceptions.replace(" ", ",").split(","))
    return any(_matches(entry, host.lower(), port) for entry in entries if entry)


def _matches(entry: str, host: str, port: int) -> bool:
    """Return True if an entry names the host: `*`, a domain, an address or a network, perhaps with a port."""
    if entry == "*":
        return True
    name = entry.rpartition("://")[2]
    if name.startswith("["):  # an IPv6 address in brackets, perhaps with a port
        name, _, rest = name[1:].partition("]")
        wanted_port = rest.removeprefix(":")
    elif name.count(":") == 1:
        name, _, wanted_port = name.partition(":")
    else:
        wanted_port = ""
    if wanted_port and wanted_port != str(port):
        return False
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:  # one of them is a name
        domain = name.removeprefix("*").removeprefix(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))

"""A TLS server on loopback with a self-signed certificate."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

SELF_SIGNED = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8ITyzgeoEH7oykRj
sg7rMt2e59+7ItJdbD/V999HZ9ihRANCAARCnepos48LEnjrFc8xFJKibeQ4pn8I
lCHgnjXYXEi2wiD8Q0lGmTEYJKlPinmF8w5kgbCmN69UzLRIwWNl7xDC
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBijCCATCgAwIBAgIUWeypt7rvE5+bo0FZMDGtto+Ld+IwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
MDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARCnepos48LEnjrFc8xFJKibeQ4pn8IlCHgnjXYXEi2wiD8Q0lGmTEY
JKlPinmF8w5kgbCmN69UzLRIwWNl7xDCo14wXDAaBgNVHREEEzARgglsb2NhbGhv
c3SHBH8AAAEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAoQwHQYDVR0O
BBYEFFiOW/I6G5YGUzFPUeBgAxKph4LbMAoGCCqGSM49BAMCA0gAMEUCIDSBotxB
gYnGUza61OKZGq4bvKw7OkPEXSMfu1NVDh1hAiEAwsu+HoZYb3uqZWBwAkTrb3bt
caMiLsSatMv2P8KwNBg=
-----END CERTIFICATE-----
"""
"""A key and its certificate for `localhost` and 127.0.0.1, valid from 2020 to 2120, for tests only."""


@asynccontextmanager
async def tls_server(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Yield the URL and the certificate file of a server that sends `{}` for every request."""
    file = folder / "self-signed.pem"
    file.write_text(SELF_SIGNED)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", file
    finally:
        server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()

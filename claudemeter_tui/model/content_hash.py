"""Hash of a text or of a part of a file; apart, because loading `hashlib` takes a while."""

from __future__ import annotations

from hashlib import blake2b


def hash_content(content: bytes | memoryview) -> int:
    """Return a hash of 63 bits, which a database keeps as a number."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big") >> 1

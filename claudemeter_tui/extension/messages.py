"""Messages between the browser extension and its host: JSON objects behind a length of four bytes.

Chromium starts the host and connects its standard input and output. Everything that arrives is hostile: sizes
are bounded, and a message that is not understood is ignored.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO

from claudemeter_tui.claude_ai.responses import reject_constant

MAX_SENT_BYTES = 1 << 20
"""Size of a message to the extension; Chromium accepts no larger one."""
MAX_RECEIVED_BYTES = 16 << 20
"""Size of a message from the extension. A body has at most 1 MiB, and each byte can become six in JSON."""
_LENGTH = struct.Struct("=I")
"""Length of a message, in the machine's byte order."""

Message = Mapping[str, object]
"""A decoded message; `type` names its kind."""


class MessageError(Exception):
    """Raised if the stream cannot be continued: a length is out of range, or it ends within a message."""


def read_message(stream: IO[bytes]) -> Message | None:
    """Return the next message, empty if it is no JSON object; None at the end of the stream.

    Raises:
        MessageError: The stream cannot be continued.
        OSError: It cannot be read.
    """
    head = _read_exactly(stream, _LENGTH.size)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_RECEIVED_BYTES:
        raise MessageError("too long")
    body = _read_exactly(stream, length)
    if len(body) < length:
        raise MessageError("cut off")
    try:
        value = json.loads(body, parse_constant=reject_constant)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def write_message(stream: IO[bytes], message: Message) -> None:
    """Write a message to the extension at once.

    Raises:
        MessageError: It is too long; nothing was written.
        OSError: The stream cannot be written.
    """
    body = json.dumps(message).encode()
    if len(body) > MAX_SENT_BYTES:
        raise MessageError("too long")
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    """Return this number of bytes, empty at the end of the stream.

    Raises:
        MessageError: the stream ends after some of them.
    """
    found = bytearray()
    while len(found) < size:
        part = stream.read(size - len(found))
        if not part:
            if found:
                raise MessageError("cut off")
            break
        found += part
    return bytes(found)

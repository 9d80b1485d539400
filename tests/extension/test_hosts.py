"""The hosts that a test plays, when they end early."""

from __future__ import annotations

import json
import socket
import struct

import pytest

from tests.extension.hosts import Host


@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        (b"", []),
        (b'["chrome-ex', []),
        (b'["caller"]\n', ["caller"]),
        (b'["caller"]\n' + b"\x05\x00", ["caller"]),
        (b'["caller"]\n' + struct.pack("=I", 20) + b'{"type":', ["caller"]),
    ],
    ids=["nothing", "arguments cut off", "no message", "length cut off", "message cut off"],
)
def test_host_that_ends_early_has_sent_what_is_whole(sent: bytes, arguments: list[str]) -> None:
    """A killed host may have written the beginning of a line or message: that is no message and no error."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            host = Host(theirs)
            ours.sendall(sent)
        assert host.has_ended.wait(10)
    assert host.arguments == arguments
    assert host.messages == []


def test_host_keeps_whole_messages() -> None:
    """A message that was sent whole is there."""
    ours, theirs = socket.socketpair()
    message = json.dumps({"type": "hello"}).encode()
    with theirs:
        with ours:
            host = Host(theirs)
            ours.sendall(b"[]\n" + struct.pack("=I", len(message)) + message)
            assert host.wait_for("hello") == [{"type": "hello"}]
        assert host.has_ended.wait(10)

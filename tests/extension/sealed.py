"""A program for a new, empty network namespace: it sends a listening socket home, then becomes a browser.

`python sealed.py LINK READ WRITE COMMAND...` brings loopback up, sends a socket that listens on 127.0.0.1:443
through the Unix socket LINK, and runs COMMAND with READ and WRITE as its files 3 and 4. A socket belongs to
the namespace in which it was created, so that the test can serve it from outside.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def main() -> None:
    """Seal the browser in."""
    link, reads, writes = (int(number) for number in sys.argv[1:4])
    _bring_loopback_up()
    with socket.create_server(("127.0.0.1", 443)) as listener, socket.socket(fileno=link) as home:
        socket.send_fds(home, [b"."], [listener.fileno()])
    # Above 9 first: one of them could be 3 or 4 already.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (reads, writes)]
    for end, number in zip(ends, (3, 4), strict=True):
        os.dup2(end, number)
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 the test builds the command


if __name__ == "__main__":
    main()

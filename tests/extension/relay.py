"""The native messaging host of the tests: passes everything on to the test, which plays the host.

`relay.py SOCKET ARGUMENTS...` first sends its arguments as one line of JSON. It ends if either side does.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading


def main() -> None:
    """Pass on the bytes in both directions."""
    with socket.socket(socket.AF_UNIX) as test:
        test.connect(sys.argv[1])
        test.sendall(json.dumps(sys.argv[2:]).encode() + b"\n")

        def pass_to_browser() -> None:
            while part := test.recv(1 << 16):
                os.write(1, part)
            os._exit(0)

        threading.Thread(target=pass_to_browser, daemon=True).start()
        while part := os.read(0, 1 << 16):
            test.sendall(part)
        os._exit(0)


if __name__ == "__main__":
    main()

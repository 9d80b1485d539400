"""The DevTools protocol over a pipe: JSON messages that end with a null byte."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any


class DevToolsError(Exception):
    """Raised for a command that the browser refuses, or a script that throws."""


class DevTools:
    """The remote control of one browser; used by one thread."""

    def __init__(self, reads: int, writes: int) -> None:
        """Take over both ends: one to read from, one to write to."""
        self._reads, self._writes = reads, writes
        self._kept, self._number = b"", 0
        self.events: list[dict[str, Any]] = []
        """Every event so far."""

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._reads)
        os.close(self._writes)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Send a command and return its result; a session is an attached page or worker.

        Raises:
            DevToolsError: the browser refuses it.
        """
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise DevToolsError(f"{method}: {answer['error']}")
        return answer["result"]

    def _receive(self, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\0" not in self._kept:
            ready, _, _ = select.select([self._reads], [], [], max(0, end - time.monotonic()))
            assert ready, f"the browser is silent for {seconds} s"
            part = os.read(self._reads, 1 << 16)
            assert part, "the browser is gone"
            self._kept += part
        whole, _, self._kept = self._kept.partition(b"\0")
        message: dict[str, Any] = json.loads(whole)
        return message

    def attach(self, target: str) -> str:
        """Return a session of a page or worker."""
        session: str = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return session

    def evaluate(self, session: str, script: str) -> Any:
        """Return the JSON value of a script, or of the promise that it returns.

        Raises:
            DevToolsError: it throws.
        """
        answer = self.call(
            "Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise DevToolsError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

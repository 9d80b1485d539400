"""Prometheus and its promtool, which check the metrics and the alert rules.

`.ci/run` unpacks Debian's package, which would start a service if it were installed, and sets `PROMETHEUS`.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from tests.metrics_client import find_free_port

VARIABLE = "PROMETHEUS"
"""Environment variable with the path of `prometheus`; `promtool` is in the same folder."""


def find_prometheus() -> Path:
    """Return the path of Prometheus; skip the test, and say so, if there is none."""
    given = os.environ.get(VARIABLE) or shutil.which("prometheus")
    if not given:
        pytest.skip(f"there is no Prometheus: install it, or set {VARIABLE} to its path, as .ci/run does")
    return Path(given)


def run_promtool(*arguments: str, text: str | None = None) -> None:
    """Run promtool with these arguments and this input.

    Raises:
        AssertionError: It complains about anything.
    """
    command = [str(find_prometheus().with_name("promtool")), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


class Prometheus:
    """A real Prometheus on loopback, from `with` until its end."""

    def __init__(self, folder: Path, config: str) -> None:
        """Keep its data in a folder, with this configuration."""
        self._port = find_free_port()
        file = folder / "prometheus.yml"
        file.write_text(config)
        self._command = [
            str(find_prometheus()),
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--log.level=warn",
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.communicate(timeout=30)
        finally:
            self._process.kill()
            self._process.communicate()

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its API. None until it answers."""
        try:
            url = f"http://127.0.0.1:{self._port}/api/v1/{path}"
            reply = httpx.get(url, params=parameters, timeout=30)
        except httpx.TransportError:
            return None
        return reply.json()["data"] if reply.status_code == 200 else None

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of an expression now."""
        data = self.get("query", query=expression) or {"result": []}
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def wait_for(self, rule: Callable[[Prometheus], bool], seconds: int = 60) -> None:
        """Wait until the rule holds.

        Raises:
            AssertionError: It does not hold in time, or Prometheus has ended.
        """
        for _ in range(seconds * 5):
            if rule(self):
                return
            assert self._process.poll() is None
            assert self._process.stderr is not None
            # What Prometheus prints may be the reason.
            select.select([self._process.stderr], [], [], 0.2)
        raise AssertionError(json.dumps(self.get("targets"), indent=1))

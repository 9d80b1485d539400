"""An item of the macOS keychain, asked of the system's own tool."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from claudemeter_tui.sources.claude_code.secret import Secret

TOOL = "/usr/bin/security"
"""By its whole path, so that nothing else of that name is run."""
PATIENCE = 8.0
"""Seconds for the tool, which may wait for somebody to answer a dialog."""
NOT_FOUND = 44
"""Exit status: there is no such item."""
_REFUSALS = {
    36: "the keychain is locked: run security unlock-keychain",
    51: "the keychain did not accept the password",
    128: "access to the keychain was declined",
}
"""The other exit statuses with a name: the low byte of the system's error number."""
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


class KeychainError(Exception):
    """The keychain gave no answer. Its text says why and quotes nothing from it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    status: int
    output: Secret


Runner = Callable[[Sequence[str]], Finished]
"""Runs a command. It may raise OSError, and TimeoutError where it takes too long."""


def run(command: Sequence[str]) -> Finished:
    """Run a command to its end, without input, its complaints dropped."""
    try:
        return Finished(
            0,
            Secret(
                subprocess.run(  # noqa: S603 - the keychain's tool, by its whole path
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    timeout=PATIENCE,
                    check=True,
                ).stdout.decode("utf-8", errors="replace")
            ),
        )
    except subprocess.CalledProcessError as error:
        return Finished(error.returncode, Secret(""))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None


def item(name: str, run: Runner) -> Secret | None:
    """The text of an item; None where there is no such item.

    Raises:
        KeychainError: the tool failed, was refused, or took too long.
    """
    try:
        done = run([TOOL, "find-generic-password", "-w", "-s", name])
    except TimeoutError:
        raise KeychainError("the keychain did not answer in time") from None
    except OSError as error:
        raise KeychainError(f"the keychain's tool cannot be run ({type(error).__name__})") from None
    if done.status == NOT_FOUND:
        return None
    if done.status != 0:
        words = _REFUSALS.get(done.status, f"the keychain's tool failed (status {done.status})")
        raise KeychainError(words)
    return _plain_text(done.output)


def _plain_text(output: Secret) -> Secret:
    """The item as text: the tool writes in hexadecimal what holds more than printable ASCII."""
    if not _HEX.fullmatch(output.reveal().strip()):
        return output
    return Secret(bytes.fromhex(output.reveal().strip()).decode("utf-8", errors="replace"))

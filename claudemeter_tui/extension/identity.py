"""The extension's identity: its folder, version and id, all from `browser/manifest.json`.

The browser derives the id from the public key in the manifest. The private key was never kept: it would only
sign packages, and the extension is loaded as a folder.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

HOST_NAME = "com.claudemeter.tui"
"""Name of the native messaging host, by which the extension connects; also in `browser/worker.js`."""
EXTENSION_FOLDER = Path(__file__).parent / "browser"
"""The files of the extension as they were installed with this program."""
_ID_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def read_extension_manifest(folder: Path = EXTENSION_FOLDER) -> dict[str, Any]:
    """Return the manifest of the extension in a folder.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, or not an object.
    """
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    if not isinstance(manifest, dict):
        raise ValueError("manifest.json: not an object")  # noqa: TRY004 a wrong file, not a wrong argument
    return manifest


def compute_extension_id(key: str) -> str:
    """Return the id that a Chromium-based browser gives to an extension with this `key` (Base64 of the DER).

    Chromium, `crx_file/id_util.cc`: the first 16 bytes of the SHA-256, in hexadecimal digits from a to p.
    """
    return hashlib.sha256(b64decode(key)).hexdigest()[:32].translate(_ID_LETTERS)


_MANIFEST = read_extension_manifest()
EXTENSION_VERSION: str = _MANIFEST["version"]
"""Version of the extension that belongs to this program."""
EXTENSION_ID = compute_extension_id(_MANIFEST["key"])
"""Id of the extension in every browser."""
EXTENSION_ORIGIN = f"chrome-extension://{EXTENSION_ID}/"
"""The only caller that the host accepts: the browser names it in the first argument."""

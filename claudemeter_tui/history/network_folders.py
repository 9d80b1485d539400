"""Find out whether a folder is on a file system that another machine can change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple


class _Mount(NamedTuple):
    """A mounted file system."""

    folder: Path
    kind: str
    """Name of the file system, such as "ext4" or "nfs4"."""


NETWORK_FILE_SYSTEMS = re.compile(
    r"(nfs4?|cifs|smb\w*|ncpfs|afs|coda|ceph|9p|davfs|glusterfs|gfs2?|ocfs2|lustre|beegfs|gpfs|orangefs|pvfs2"
    r"|vboxsf|vmhgfs|prl_fs|virtiofs|fuse\.(?!gvfsd|portal|snapfuse|bindfs|encfs|gocryptfs).+)"
)
"""File systems that another machine can change. Most of those in user space are, too."""
_MOUNTS_FILE = Path("/proc/self/mountinfo")


def is_network_folder(folder: Path, mounts: Path = _MOUNTS_FILE) -> bool:
    """True if the folder is on a file system that another machine can change; known on Linux only.

    Args:
        folder: an existing folder.
        mounts: list of the mounted file systems, in the format of `/proc/self/mountinfo`.
    """
    try:
        lines = mounts.read_text("utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    real = folder.resolve()
    # Of nested mounts the longest path counts, of two at one path the last.
    found = _Mount(Path("/"), "")
    for mount in map(_parse_mount, lines):
        if real.is_relative_to(mount.folder) and len(mount.folder.parts) >= len(found.folder.parts):
            found = mount
    return NETWORK_FILE_SYSTEMS.fullmatch(found.kind) is not None


def _parse_mount(line: str) -> _Mount:
    """Return the mount of a line such as `36 35 98:0 / /mnt rw,noatime master:1 - ext4 /dev/sda rw`."""
    fields, _, source = line.partition(" - ")
    folder = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields.split(" ")[4])
    return _Mount(Path(folder), source.partition(" ")[0])

"""Read what is new in a transcript.

A file is read from the end of its last complete line. It is read again from its start if it was replaced,
became shorter, or was rewritten in place. The checksum of a few of its bytes shows the latter. It is computed
only if the size or the time of the last change is another one.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import PurePath

from claudemeter_tui.model.content_hash import hash_content
from claudemeter_tui.model.transcripts import Call, TranscriptPosition, TranscriptReading
from claudemeter_tui.transcripts.files import FileVersion, describe_file
from claudemeter_tui.transcripts.lines import decode_line, iter_marked_lines

BLOCK_BYTES = 4 << 20
"""Bytes that are read at once."""
MAX_READING_BYTES = 64 << 20
"""Bytes after which a reading ends, so that its calls can be kept before more are read."""
MAX_LINE_BYTES = 32 << 20
"""Maximum bytes of a line; a longer one is skipped."""
CHECKED_BYTES = 4 << 10
"""Bytes at the start of a file, and before a position, whose checksum shows that the file was rewritten."""
_SUBAGENT_PREFIX = "agent-"
"""Start of the name of a subagent's transcript, in which every call is of a sidechain."""


def read_transcript(
    path: str,
    position: TranscriptPosition,
    max_bytes: int = MAX_READING_BYTES,
    is_stopped: Callable[[], bool] = lambda: False,
) -> TranscriptReading | None:
    """Return what is behind a position. None if the file is gone, unreadable or not a regular one.

    An unfinished last line waits for the next reading.

    Args:
        path: the file.
        position: where the last reading ended.
        max_bytes: number of bytes after which the reading ends with a complete line.
        is_stopped: returns True to end the reading before its next block.
    """
    # A pipe in the place of the file must not block.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except (OSError, ValueError):
        return None
    try:
        version = describe_file(os.fstat(handle))
        if version is None:
            return None
        reading = TranscriptReading(path, _seek_start(handle, version, position))
        _read_blocks(handle, reading, max_bytes, is_stopped)
        offset = reading.position.offset
        reading.position = reading.position._replace(
            changed_at=version.changed_at, checksum=_compute_checksum(handle, offset)
        )
    except OSError:
        return None
    finally:
        os.close(handle)
    return reading


def _seek_start(handle: int, version: FileVersion, position: TranscriptPosition) -> TranscriptPosition:
    """Return the position to continue at: the start of the file if it is not the one that was read."""
    if (
        position.identity == version.identity
        and 0 < position.offset <= version.size
        and position.checksum == _compute_checksum(handle, position.offset)
    ):
        os.lseek(handle, position.offset, os.SEEK_SET)
        return position
    os.lseek(handle, 0, os.SEEK_SET)
    return TranscriptPosition(version.identity)


def _compute_checksum(handle: int, offset: int) -> int:
    """Return the checksum of a file up to an offset, and move the place at which it is read next."""
    if not offset:
        return 0
    os.lseek(handle, 0, os.SEEK_SET)
    first = os.read(handle, min(offset, CHECKED_BYTES))
    os.lseek(handle, max(0, offset - CHECKED_BYTES), os.SEEK_SET)
    return hash_content(first + os.read(handle, min(offset, CHECKED_BYTES)))


def _read_blocks(
    handle: int, reading: TranscriptReading, max_bytes: int, is_stopped: Callable[[], bool]
) -> None:
    """Decode the file up to the end of its last complete line, or of one that is far enough."""
    rest, dropped, limit = b"", 0, reading.position.offset + max_bytes
    while not is_stopped() and (block := os.read(handle, BLOCK_BYTES)):
        end = block.rfind(b"\n") + 1
        if not end:
            rest += block
            if dropped or len(rest) > MAX_LINE_BYTES:
                rest, dropped = b"", dropped + len(rest)
            continue
        start = 0
        if dropped:
            start = block.find(b"\n") + 1
            reading.skipped += 1
        else:
            block, end, rest = rest + block, end + len(rest), b""
            if not reading.position.offset and block.startswith(BOM_UTF8):
                start = len(BOM_UTF8)
        _decode_block(block, start, end, reading)
        reading.position = reading.position._replace(offset=reading.position.offset + dropped + end)
        rest, dropped = block[end:], 0
        if reading.position.offset >= limit:
            reading.is_complete = False
            return


def _decode_block(block: bytes, start: int, end: int, reading: TranscriptReading) -> None:
    view = memoryview(block)
    is_subagent = PurePath(reading.path).name.startswith(_SUBAGENT_PREFIX)
    for first, last in iter_marked_lines(block, start, end):
        try:
            line = decode_line(view[first:last])
        except ValueError:
            reading.skipped += 1
            continue
        if line is None:
            continue
        if line.folder and not reading.position.folder:
            reading.position = reading.position._replace(folder=line.folder)
        if line.call is not None:
            # Calls of a sidechain within the main conversation's file have no call before them here.
            is_next = line.call.is_sidechain == is_subagent
            reading.calls.append(_count_rebuilt(line.call, reading) if is_next else line.call)
        if line.refusal is not None:
            # A session is of one project, also while it works in an inner folder.
            reading.refusals.append(line.refusal._replace(project=reading.position.folder))


def _count_rebuilt(call: Call, reading: TranscriptReading) -> Call:
    """Return the call with the tokens that it wrote to the cache although the call before had cached them.

    A context that became smaller was compacted, so its tokens are new ones.
    """
    before, counts = reading.position, call.counts
    rebuilt = before.rebuilt
    if call.key != before.last_key:
        is_continued = counts.context >= before.cached
        rebuilt = min(counts.written, max(0, before.cached - counts.cache_read)) if is_continued else 0
    cached = counts.written + counts.cache_read
    reading.position = before._replace(last_key=call.key, cached=cached, rebuilt=rebuilt)
    return call._replace(rebuilt=rebuilt) if rebuilt else call

"""Remove the secrets of a client from the server's replies.

A server may echo a cookie in an error message or in a name. Every reply passes this filter before it is
parsed or kept, so no output, file or traceback needs a filter of its own.
"""

from __future__ import annotations

import base64
import re
from array import array
from collections.abc import Iterator
from urllib.parse import unquote

from claudemeter_tui.model.secrets import LAST_ORG, SESSION_KEY, Cookies, Secret

MARKER = "(secret removed)"
"""Replacement of a secret; valid in JSON, in a header and in a web page."""
MIN_FRAGMENT = 20
"""Minimum length of a part of a secret that is removed; longer than the prefix that all keys share."""
MIN_SECRET = 8
"""Minimum length of a secret: a shorter one could match ordinary words."""
MAX_SECRETS = 64
"""Maximum number of remembered secrets; old ones are kept, because a reply may echo a renewed secret."""
MAX_ENCODINGS = 3
"""Maximum number of nested encodings that are decoded, such as JSON in percent-encoded JSON."""

_MIN_HEX = 2 * MIN_FRAGMENT
_MIN_BASE64 = 8 * MIN_FRAGMENT // 6
"""Minimum lengths of a removed part of a secret in hex and in Base64: those of `MIN_FRAGMENT` characters."""
_STANDARD_BASE64 = bytes.maketrans(b"-_", b"+/")
"""Converts Base64 for URLs to the standard alphabet."""
_CREDENTIAL_NAME = re.compile(
    rf"{SESSION_KEY}|token|secret|clearance|__cf_bm|routinghint|__host-|__secure-", re.IGNORECASE
)
"""Names of cookies whose value is a credential, whatever its form."""
_TOKEN = re.compile(rf"(?=.*[0-9])[\w.~+/=|:!*$-]{{{MIN_FRAGMENT},}}", re.ASCII)
"""Form of a credential in a cookie with any other name."""
# A jar also has ids, dates, models and settings, which replies contain legitimately.
_NO_TOKEN = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-|[0-9]{4}-[0-9]{2}-[0-9]{2}|^(?:(?:[a-z]+|[0-9]+x?)(?:[-_.]|$))+$"
)
# Invisible characters are dropped before a text is shown, which would join the parts of a split secret.
# Credentials are ASCII, so the search ignores all other characters.
_ESCAPE = re.compile(
    rb"%([0-9a-f]{2})|\\u([0-9a-f]{4})|\\(.)|&#x([0-9a-f]{1,6});?|&#([0-9]{1,7});?"
    rb"|[\x00-\x08\x0e-\x1f\x7f-\xff]+",
    re.DOTALL,
)
_ESCAPE_START = re.compile(rb"[%\\&\x00-\x08\x0e-\x1f\x7f-\xff]")
"""First bytes of all escapes; searching for these alone is much faster."""
_PLAIN_ESCAPES = b"\"\\/'"
"""Characters that keep their meaning after a backslash."""


def select_secrets(cookies: Cookies) -> Iterator[Secret]:
    """Yield the values of a jar that are credentials, the session key last."""
    for name, value in sorted(cookies.reveal(), key=lambda pair: pair[0].startswith(SESSION_KEY)):
        plain = unquote(value)
        is_token = _TOKEN.fullmatch(plain) and not _NO_TOKEN.search(plain) and name != LAST_ORG
        if is_token or _CREDENTIAL_NAME.search(name):
            yield Secret(value)


class SecretFilter:
    """The secrets that one client has sent or received, and the replies without them."""

    def __init__(self) -> None:
        """Start without secrets."""
        self._needles: dict[Secret, tuple[_Needle, ...]] = {}

    def add(self, secret: Secret) -> None:
        """Remove this secret from now on; the oldest one is forgotten if there are too many."""
        for form in {secret, Secret(unquote(secret.reveal()))}:
            if _is_long_enough(form):
                self._needles[form] = self._needles.pop(form, ()) or tuple(_build_needles(form))
        while len(self._needles) > MAX_SECRETS:
            del self._needles[next(iter(self._needles))]

    def clean(self, content: bytes) -> bytes:
        """Return the content with a marker in place of each secret, and of each long part of one.

        Secrets are found in any case, in percent-encoding, JSON escapes and character references, and in
        Base64 and hex, also inside a longer encoded text.
        """
        if not self._needles:
            return content
        view = content.lower()
        spans = list(self._find_spans(view))
        starts = ends = array("I")
        for _ in range(MAX_ENCODINGS):
            if not _ESCAPE_START.search(view):
                break
            if not starts:
                starts, ends = array("I", range(len(view))), array("I", range(1, len(view) + 1))
            view, starts, ends = _decode(view, starts, ends)
            spans += [(starts[first], ends[last - 1]) for first, last in self._find_spans(view)]
        return _replace_spans(content, spans) if spans else content

    def clean_text(self, text: str) -> str:
        """Return the text of a header with a marker in place of each secret."""
        return self.clean(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def _find_spans(self, view: bytes) -> Iterator[tuple[int, int]]:
        # Blank copies: the next level of encoding needs the original text.
        plain, in_base64 = bytearray(view), bytearray(view.translate(_STANDARD_BASE64))
        for needles in self._needles.values():
            for needle in needles:
                yield from needle.find_spans(in_base64 if needle.is_base64 else plain)


def _is_long_enough(secret: Secret) -> bool:
    """True if the secret is neither too short nor a number."""
    return len(_to_bytes(secret)) >= MIN_SECRET and not _to_bytes(secret).isdigit()


def _to_bytes(secret: Secret) -> bytes:
    return secret.reveal().encode("utf-8", "surrogateescape")


def _build_needles(secret: Secret) -> Iterator[_Needle]:
    """Yield the needles of a secret: plain, in hex, and in each of the three alignments of Base64."""
    yield _Needle(secret, MIN_FRAGMENT)
    yield _Needle(Secret(_to_bytes(secret).hex()), _MIN_HEX)
    for shift in range(3):
        yield _Needle(_encode_base64(secret, shift), _MIN_BASE64, is_base64=True)


def _encode_base64(secret: Secret, shift: int) -> Secret:
    """Return the characters of the Base64 text that depend on the secret alone, after `shift` other bytes."""
    first, last = (8 * shift + 5) // 6, 8 * (shift + len(_to_bytes(secret))) // 6
    return Secret(base64.b64encode(bytes(shift) + _to_bytes(secret))[first:last].decode())


class _Needle:
    """A secret to search for. Its `repr` hides it, and no local variable of a method holds a part of it."""

    __slots__ = ("_blocks", "_min_length", "_secret", "is_base64")

    def __init__(self, secret: Secret, min_fragment: int, *, is_base64: bool = False) -> None:
        """Search for parts of `min_fragment` characters or more, or for the whole of a shorter secret."""
        self.is_base64 = is_base64
        self._secret = _to_bytes(secret).lower()
        length = len(self._secret)
        self._min_length = min(length, min_fragment)
        # Each part of `min_fragment` characters contains a whole block of half that length.
        size = min_fragment // 2 if length >= min_fragment else length
        self._blocks = [(at, self._secret[at : at + size]) for at in range(0, length - size + 1, size)]

    def find_spans(self, view: bytearray) -> Iterator[tuple[int, int]]:
        """Yield the spans of the secret, and blank them, so that no span is searched twice."""
        for index in range(len(self._blocks)):
            at = -1
            while (at := view.find(self._blocks[index][1], at + 1)) >= 0:
                first, last = self._extend(view, at, index)
                if last - first >= self._min_length:
                    view[first:last] = bytes(last - first)
                    yield first, last

    def _extend(self, view: bytearray, at: int, index: int) -> tuple[int, int]:
        """Return the span around a block in which the view equals the secret."""
        place = self._blocks[index][0]
        first, before = at, place
        while first > 0 and before > 0 and view[first - 1] == self._secret[before - 1]:
            first, before = first - 1, before - 1
        last, after = at + len(self._blocks[index][1]), place + len(self._blocks[index][1])
        while last < len(view) and after < len(self._secret) and view[last] == self._secret[after]:
            last, after = last + 1, after + 1
        return first, last


def _decode(view: bytes, starts: array[int], ends: array[int]) -> tuple[bytes, array[int], array[int]]:
    """Decode one level; return the view, and the start and end of each of its bytes in the content."""
    decoded, new_starts, new_ends, last = bytearray(), array("I"), array("I"), 0
    for escape in _ESCAPE.finditer(view):
        first, after = escape.span()
        piece = _decode_escape(escape)
        decoded += view[last:first] + piece
        new_starts += starts[last:first] + array("I", [starts[first]]) * len(piece)
        new_ends += ends[last:first] + array("I", [ends[after - 1]]) * len(piece)
        last = after
    return bytes(decoded + view[last:]), new_starts + starts[last:], new_ends + ends[last:]


def _decode_escape(escape: re.Match[bytes]) -> bytes:
    """Return the decoded text of an escape; empty if it is invisible."""
    percent, unit, plain, hexadecimal, decimal = escape.groups()
    if plain is not None:
        return plain if plain in _PLAIN_ESCAPES else b" "
    digits, base = (decimal, 10) if decimal else (percent or unit or hexadecimal or b"0", 16)
    number = int(digits, base)
    if number < ord(" ") or number > 0x10FFFF:
        return b""
    text = bytes([number]) if percent else chr(number).encode("utf-8", "surrogatepass")
    return text.lower()


def _replace_spans(content: bytes, spans: list[tuple[int, int]]) -> bytes:
    """Return the content with a marker in place of each span; overlapping spans share one."""
    cleaned, last = bytearray(), 0
    for first, after in sorted(spans):
        if first >= last:
            cleaned += content[last:first] + MARKER.encode()
        last = max(last, after)
    return bytes(cleaned + content[last:])

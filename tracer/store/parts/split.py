"""Replaces repeated pieces of a payload's JSON by references, so that each is stored once. Pure.

Agents re-send their whole history with every model call. The elements of lists and long strings
become parts, which the table `parts` holds once per trace. The rest of the value is a skeleton: a
JSON list ``[size, text, references, text, …]``. The value consists of the texts and of the parts
between them; consecutive parts are elements of one list and are joined by commas. `references` is
base64 of the parts' hashes.

A part may be a skeleton itself, as the first bit of its hash shows: a message whose long strings
are parts, or a block of messages. Blocks begin at fixed positions, so that a history that grew by
a message refers to the blocks of the call before. The database function `assemble_payload` puts
values together.
"""

from __future__ import annotations

from base64 import b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Any, Final, NamedTuple

from tracer import exact_json

HASH_BYTES: Final = 12
"""Bytes of a part's hash; `assemble_payload` reads references in steps of this length.

Twelve bytes are sixteen characters of base64. Among a million parts of one trace the chance that
two different ones share a hash is below 10⁻¹⁶.
"""
SPLIT_FROM: Final = 1_000
"""Values of fewer bytes of JSON are not searched for parts."""
_LIST_FROM: Final = 3
"""Elements of a list that is split: the two messages of a single question repeat too rarely."""
BLOCK: Final = 16
"""Elements of a list that make one part together."""
_ELEMENT_FROM: Final = 96
"""Bytes of an element that becomes a part: a reference to it takes 16 of them."""
_STRING_FROM: Final = 512
"""Bytes of a string that becomes a part: what a tool returns is sent again in a message."""
_DEEPEST: Final = 6
"""Levels of objects and lists that are searched for parts."""
SHARED_FROM: Final = 48
"""Bytes of a resource, scope or list of names that becomes a part of the project."""
_CACHE_BYTES: Final = 8_000_000

encoder = exact_json.encoder()


class Part(NamedTuple):
    """A piece of JSON text, or a skeleton of it with the parts that it refers to."""

    text: bytes
    inner: Mapping[bytes, Part]


Parts = dict[bytes, Part]
"""Hash -> part."""


def split(value: Any, size: int, parts: Parts) -> bytes | None:
    """Return the skeleton of a value, and add its parts to ``parts``; None: it has no parts.

    ``size`` is the length of the value's JSON in bytes.
    """
    skeleton = _Skeleton()
    _walk(value, _DEEPEST, skeleton)
    parts |= skeleton.parts
    return skeleton.encoded(size)


def as_one_part(text: bytes, parts: Parts) -> bytes:
    """Return the skeleton of a value that is one part, and add that to ``parts``."""
    return _of_part(_leaf(text), text, parts)


def split_as_one(value: Any, text: bytes, parts: Parts) -> bytes:
    """Return the skeleton of a value, with JSON ``text``, that is sent again as a whole.

    It is one part, whose pieces are parts as well: further values may have some of them.
    """
    hashed = _cache.get(text)
    if hashed is None:
        skeleton = _Skeleton()
        _walk(value, _DEEPEST, skeleton)
        hashed = _cache.add(text, _nested(skeleton, text))
    return _of_part(hashed, text, parts)


def _of_part(hashed: _Hashed, text: bytes, parts: Parts) -> bytes:
    skeleton = _Skeleton()
    skeleton.add_part(hashed)
    parts |= skeleton.parts
    return skeleton.encoded(len(text)) or text


class _Hashed(NamedTuple):
    digest: bytes
    part: Part


class _Skeleton:
    """The texts and references of a value, in order."""

    def __init__(self, *, splits_lists: bool = True) -> None:
        self.parts: Parts = {}
        self.splits_lists = splits_lists
        self._segments: list[bytes] = []
        """Texts at even positions, concatenated hashes at odd ones."""
        self._texts: list[bytes] = []
        self._hashes: list[bytes] = []

    def add_text(self, text: bytes) -> None:
        """Append JSON text that stays in the skeleton."""
        if self._hashes:
            self._segments.append(b"".join(self._hashes))
            self._hashes = []
        self._texts.append(text)

    def add_part(self, hashed: _Hashed) -> None:
        """Append a reference to a part; a part right after another follows a comma."""
        self.parts[hashed.digest] = hashed.part
        if not self._hashes:
            self._segments.append(b"".join(self._texts))
            self._texts = []
        self._hashes.append(hashed.digest)

    @property
    def after_part(self) -> bool:
        """Whether the last piece is a part."""
        return bool(self._hashes)

    def encoded(self, size: int) -> bytes | None:
        """Return the skeleton as JSON; None: it has no references."""
        self.add_text(b"")
        if not self._segments:
            return None
        segments = [
            b64encode(segment).decode() if number % 2 else segment.decode()
            for number, segment in enumerate([*self._segments, b"".join(self._texts)])
        ]
        return exact_json.encode([size, *segments])


def _leaf(text: bytes) -> _Hashed:
    """Return a part whose text is complete."""
    digest = blake2b(text, digest_size=HASH_BYTES).digest()
    return _Hashed(bytes([digest[0] & 0x7F]) + digest[1:], Part(text, {}))


def _nested(skeleton: _Skeleton, text: bytes) -> _Hashed:
    """Return the part of a skeleton, whose whole text is ``text``."""
    encoded = skeleton.encoded(len(text))
    if encoded is None:
        return _leaf(text)
    digest = blake2b(encoded, digest_size=HASH_BYTES).digest()
    return _Hashed(bytes([digest[0] | 0x80]) + digest[1:], Part(encoded, skeleton.parts))


def _walk(value: Any, depth: int, skeleton: _Skeleton) -> None:
    if depth and isinstance(value, dict):
        _walk_object(value, depth, skeleton)
    elif depth and isinstance(value, list):
        _walk_list(value, depth, skeleton)
    else:
        text = exact_json.encode(value)
        # Parts next to each other are elements of a list: here a text has to stand between.
        skeleton.add_text(b"")
        if len(text) < _STRING_FROM:
            skeleton.add_text(text)
        else:
            skeleton.add_part(_leaf(text))


def _walk_object(value: dict[str, Any], depth: int, skeleton: _Skeleton) -> None:
    separator = b"{"
    for key, member in value.items():
        skeleton.add_text(separator + exact_json.encode(key) + b":")
        _walk(member, depth - 1, skeleton)
        separator = b","
    skeleton.add_text(b"}" if value else b"{}")


def _walk_list(value: list[Any], depth: int, skeleton: _Skeleton) -> None:
    skeleton.add_text(b"[")
    if len(value) >= _LIST_FROM and skeleton.splits_lists:
        _split_list(value, depth, skeleton)
    else:
        for number, element in enumerate(value):
            skeleton.add_text(b"," if number else b"")
            _walk(element, depth - 1, skeleton)
    skeleton.add_text(b"]")


def _split_list(value: list[Any], depth: int, skeleton: _Skeleton) -> None:
    """Append the elements: full blocks as one part each, the others one by one."""
    full = len(value) // BLOCK * BLOCK
    for start in range(0, full, BLOCK):
        if start and not skeleton.after_part:
            skeleton.add_text(b",")
        skeleton.add_part(_block(value[start : start + BLOCK], depth))
    _add_elements(value[full:], depth, skeleton, first=full == 0)


def _block(elements: list[Any], depth: int) -> _Hashed:
    text = exact_json.encode(elements)[1:-1]
    hashed = _cache.get(text)
    if hashed is None:
        skeleton = _Skeleton()
        _add_elements(elements, depth, skeleton, first=True)
        hashed = _cache.add(text, _nested(skeleton, text))
    return hashed


def _add_elements(elements: Sequence[Any], depth: int, skeleton: _Skeleton, *, first: bool) -> None:
    """Append elements of a list, the long ones as parts. ``first``: nothing precedes them."""
    for element in elements:
        text = exact_json.encode(element)
        if len(text) < _ELEMENT_FROM:
            skeleton.add_text(text if first else b"," + text)
        else:
            if not first and not skeleton.after_part:
                skeleton.add_text(b",")
            skeleton.add_part(_element(element, text, depth))
        first = False


def _element(value: Any, text: bytes, depth: int) -> _Hashed:
    """Return the part of an element, whose long strings are parts as well."""
    if len(text) < _STRING_FROM or not isinstance(value, dict | list):
        return _leaf(text)
    hashed = _cache.get(text)
    if hashed is None:
        skeleton = _Skeleton(splits_lists=False)
        _walk(value, depth, skeleton)
        hashed = _cache.add(text, _nested(skeleton, text))
    return hashed


class _Cache:
    """A cache of the parts of recent texts: most messages are repeated by the next call."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: OrderedDict[bytes, _Hashed] = OrderedDict()
        self._bytes = 0

    def get(self, text: bytes) -> _Hashed | None:
        with self._lock:
            hashed = self._parts.get(text)
            if hashed is not None:
                self._parts.move_to_end(text)
            return hashed

    def add(self, text: bytes, hashed: _Hashed) -> _Hashed:
        with self._lock:
            if text not in self._parts:
                self._parts[text] = hashed
                self._bytes += len(text)
            while self._bytes > _CACHE_BYTES:
                self._bytes -= len(self._parts.popitem(last=False)[0])
        return hashed


_cache = _Cache()

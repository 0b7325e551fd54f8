"""Which entries of a segment hold which words: bit sets, packed in blocks of sorted words.

A segment is a run of at most `SEGMENT` entries of a trace; a set of them is an int whose bit n
says that entry n is in it, so that sets are united, cut and counted at the speed of C.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Final, NamedTuple

import msgspec
import zstandard

from tracer.analysis.log.words import Term, index_words

SEGMENT: Final = 16_384
# Packed, a block stays below the 2 kB over which PostgreSQL would move it out of its row.
_BLOCK_BYTES: Final = 4_096
# A list takes two bytes an entry, a set two thousand; that packs to less where it is sparse.
_MOST_LISTED: Final = 512
_ONE: Final = ord("1")
# No text holds the last of all characters.
_LAST: Final = chr(0x10FFFF)
_pack: Final = msgspec.msgpack.Encoder().encode


class Block(NamedTuple):
    """A stretch of a segment's sorted words; both ends belong to it."""

    first_word: bytes
    last_word: bytes
    body: bytes


class _Body(msgspec.Struct, array_like=True):
    words: list[str]
    lists: list[bytes]


_decoder: Final = msgspec.msgpack.Decoder(_Body)


class Postings:
    """Collects the words of one segment, entry by entry."""

    def __init__(self) -> None:
        self._raw: defaultdict[bytes, array[int]] = defaultdict(lambda: array("H"))
        self._marks: defaultdict[str, array[int]] = defaultdict(lambda: array("H"))

    def add(self, entry: int, raw: Iterable[bytes], marks: Iterable[str] = ()) -> None:
        """Say that ``entry`` holds these raw words, and marks which no text can hold."""
        # Nothing here runs in Python a word: this is where an index spends its time.
        deque(map(array.append, map(self._raw.__getitem__, raw), repeat(entry)), maxlen=0)
        for mark in marks:
            self._marks[mark].append(entry)

    def blocks(self) -> Iterator[Block]:
        """Yield everything collected, in the order of the words."""
        words: list[str] = []
        lists: list[bytes] = []
        size = 0
        for word, entries in sorted(self._by_word().items(), key=lambda item: item[0].encode()):
            packed = _packed(entries)
            if words and size + len(word) + len(packed) > _BLOCK_BYTES:
                yield _block(words, lists)
                words, lists, size = [], [], 0
            words.append(word)
            lists.append(packed)
            size += len(word) + len(packed)
        if words:
            yield _block(words, lists)

    def _by_word(self) -> dict[str, array[int]]:
        # Case, humps and scripts are looked at once per distinct word, not per occurrence.
        found: dict[str, array[int]] = dict(self._marks)
        for raw, entries in self._raw.items():
            for word in index_words(raw):
                held = found.get(word)
                found[word] = entries if held is None else held + entries
        return found


def find(bodies: Iterable[bytes], term: Term) -> int:
    """Return the set of entries that hold a word of these blocks which ``term`` means."""
    united, listed = 0, bytearray(b"0") * SEGMENT
    for body in bodies:
        block = _decoder.decode(zstandard.decompress(body))
        first = bisect_left(block.words, term.text)
        last = bisect_right(block.words, term.text if term.whole else term.text + _LAST)
        meant = block.lists[first:last]
        for packed in meant:
            if len(packed) > 2 * _MOST_LISTED:
                united |= int.from_bytes(packed, "little")
        # Digits of a number in base 2, set without a step in Python for each.
        short = b"".join([packed for packed in meant if len(packed) <= 2 * _MOST_LISTED])
        deque(map(listed.__setitem__, array("H", short), repeat(_ONE)), maxlen=0)
    return united | int(listed[::-1], 2)


def reach(term: Term) -> tuple[bytes, bytes]:
    """Return the first and the last word, in byte order, that a term can mean."""
    word = term.text.encode()
    # No byte of UTF-8 is 0xff.
    return word, word if term.whole else word + b"\xff"


def members(entries: int, start: int = 0) -> Iterator[int]:
    """Yield the entries of a set from ``start`` on, in order."""
    entries >>= start
    while entries:
        skip = (entries & -entries).bit_length()
        start += skip
        yield start - 1
        entries >>= skip


def members_before(entries: int, end: int) -> Iterator[int]:
    """Yield the entries of a set below ``end``, the last first."""
    entries &= (1 << end) - 1
    while entries:
        last = entries.bit_length() - 1
        yield last
        entries ^= 1 << last


def _packed(entries: array[int]) -> bytes:
    if len(entries) <= _MOST_LISTED:
        return entries.tobytes()
    # Written as it will be read: the longer form is what tells it from a list.
    held = bytearray(SEGMENT // 8)
    for entry in entries:
        held[entry >> 3] |= 1 << (entry & 7)
    return bytes(held)


def _block(words: list[str], lists: list[bytes]) -> Block:
    body = zstandard.compress(_pack(_Body(words, lists)), 3)
    return Block(words[0].encode(), words[-1].encode(), body)

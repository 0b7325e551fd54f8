"""Inverted index of the log: the entries of a segment that contain each word.

A segment is at most `SEGMENT` consecutive entries of a trace. A set of entries is an int whose
bit n stands for entry n, so that union, intersection and count run in C. The sets are packed in
blocks of sorted words.
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
"""Entries in a segment, at most."""
# Compressed, a block stays below 2 kB, beyond which PostgreSQL moves a value out of its row.
_BLOCK_BYTES: Final = 4_096
# A list takes 2 bytes per entry, a bit set always 2048 bytes; long lists are stored as bit sets.
_MAX_LISTED: Final = 512
_DIGIT_ONE: Final = ord("1")
# The highest code point; no word contains it, so it ends the range of a prefix.
_LAST: Final = chr(0x10FFFF)
_pack: Final = msgspec.msgpack.Encoder().encode


class Block(NamedTuple):
    """A range of a segment's sorted words; both limits are inclusive."""

    first_word: bytes
    last_word: bytes
    body: bytes


class _Body(msgspec.Struct, array_like=True):
    words: list[str]
    lists: list[bytes]


_decoder: Final = msgspec.msgpack.Decoder(_Body)


class Postings:
    """Builds the index of one segment, entry by entry."""

    def __init__(self) -> None:
        self._raw: defaultdict[bytes, array[int]] = defaultdict(lambda: array("H"))
        self._tags: defaultdict[str, array[int]] = defaultdict(lambda: array("H"))

    def add(self, entry: int, raw: Iterable[bytes], tags: Iterable[str] = ()) -> None:
        """Add the raw words of ``entry``, and its tags: words that no text can contain."""
        # No Python code runs per word: indexing spends most of its time here.
        deque(map(array.append, map(self._raw.__getitem__, raw), repeat(entry)), maxlen=0)
        for tag in tags:
            self._tags[tag].append(entry)

    def blocks(self) -> Iterator[Block]:
        """Yield the index as blocks, in byte order of the words."""
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
        # Case, camel case and scripts are handled once per distinct word, not per occurrence.
        entries_by_word: dict[str, array[int]] = dict(self._tags)
        for raw, entries in self._raw.items():
            for word in index_words(raw):
                earlier = entries_by_word.get(word)
                entries_by_word[word] = entries if earlier is None else earlier + entries
        return entries_by_word


def find(bodies: Iterable[bytes], term: Term) -> int:
    """Return the set of entries that contain a word of these blocks matching ``term``."""
    united, listed = 0, bytearray(b"0") * SEGMENT
    for body in bodies:
        block = _decoder.decode(zstandard.decompress(body))
        first = bisect_left(block.words, term.text)
        last = bisect_right(block.words, term.text if term.whole else term.text + _LAST)
        matching = block.lists[first:last]
        for packed in matching:
            if len(packed) > 2 * _MAX_LISTED:
                united |= int.from_bytes(packed, "little")
        # `listed` holds binary digits, so that setting bits needs no Python step per entry.
        short = b"".join([packed for packed in matching if len(packed) <= 2 * _MAX_LISTED])
        deque(map(listed.__setitem__, array("H", short), repeat(_DIGIT_ONE)), maxlen=0)
    return united | int(listed[::-1], 2)


def word_range(term: Term) -> tuple[bytes, bytes]:
    """Return the first and the last word, in byte order, that can match a term."""
    word = term.text.encode()
    # UTF-8 never contains the byte 0xff.
    return word, word if term.whole else word + b"\xff"


def members(entries: int, start: int = 0) -> Iterator[int]:
    """Yield the entries of a set from ``start`` on, ascending."""
    entries >>= start
    while entries:
        skip = (entries & -entries).bit_length()
        start += skip
        yield start - 1
        entries >>= skip


def members_before(entries: int, end: int) -> Iterator[int]:
    """Yield the entries of a set below ``end``, descending."""
    entries &= (1 << end) - 1
    while entries:
        last = entries.bit_length() - 1
        yield last
        entries ^= 1 << last


def _packed(entries: array[int]) -> bytes:
    if len(entries) <= _MAX_LISTED:
        return entries.tobytes()
    # The reader distinguishes a bit set from a list by its length.
    bits = bytearray(SEGMENT // 8)
    for entry in entries:
        bits[entry >> 3] |= 1 << (entry & 7)
    return bytes(bits)


def _block(words: list[str], lists: list[bytes]) -> Block:
    body = zstandard.compress(_pack(_Body(words, lists)), 3)
    return Block(words[0].encode(), words[-1].encode(), body)

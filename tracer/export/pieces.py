"""Joins the parts that a format writes into pieces of similar size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def in_pieces(parts: Iterable[bytes], min_bytes: int) -> Iterator[bytes]:
    """Yield the parts joined to pieces of at least ``min_bytes`` bytes; the last may be shorter."""
    joined: list[bytes] = []
    size = 0
    for part in parts:
        joined.append(part)
        size += len(part)
        if size >= min_bytes:
            yield b"".join(joined)
            joined, size = [], 0
    yield b"".join(joined)

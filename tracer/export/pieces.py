"""Files in pieces of about one size, whatever the parts are that a format writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def in_pieces(parts: Iterable[bytes], least: int) -> Iterator[bytes]:
    """Yield the parts joined to pieces of at least ``least`` bytes; the last may be shorter."""
    joined: list[bytes] = []
    size = 0
    for part in parts:
        joined.append(part)
        size += len(part)
        if size >= least:
            yield b"".join(joined)
            joined, size = [], 0
    yield b"".join(joined)

"""Packs: the short payload values of many spans of a trace, in one text that compresses well.

PostgreSQL compresses no value of a row below 2 kB. A pack is a row of `parts` with up to 8,000
bytes or a little more, which take a third of that. In the place of its value, a column has a
reference to a pack: the JSON list ``[length, pack, start]``, in bytes, where `pack` is base64 of
the id that the row has instead of a hash.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tracer.records import Json
from tracer.store.parts.split import Part, Parts

PACKS_SINCE: Final = "0036"
"""The first revision whose servers read packs."""
PACK_FROM: Final = 64
"""Bytes of a value that is packed: the reference to it takes 22."""
PACK_BELOW: Final = 4_000
"""Longer values are compressed well by themselves."""
_MIN_BYTES: Final = 2_500
"""Bytes of the smallest pack: PostgreSQL compresses rows of more than 2 kB."""
_FULL: Final = 8_000
"""Bytes of a pack that takes no further span. PostgreSQL looks for repetitions in the last
4 kB only, and a reader decompresses the whole pack."""
PACK_ID_BYTES: Final = 6
"""Bytes of the random id of a pack."""


class PayloadRow(msgspec.Struct):
    """The JSON columns of a new row of `span_payload_rows`."""

    columns: list[bytes]
    """JSON texts."""
    split: int
    """Bits of the columns that hold a skeleton or a reference to a pack."""
    packable: Sequence[tuple[int, int]] = ()
    """Positions of the columns whose values may be packed, with their bits."""


def is_packed(skeleton: Sequence[Json]) -> bool:
    """Return whether what a column has in the place of its value refers to a pack."""
    return isinstance(skeleton[2], int)


def pack(rows: Iterable[PayloadRow], parts: Parts) -> None:
    """Replace the packable values of a trace's rows by references, and add the packs to ``parts``.

    Too few values to be compressed stay as they are. Those of a row are in the same pack.
    """
    groups: list[list[PayloadRow]] = [[]]
    size = 0
    for row in rows:
        if row.packable:
            if size >= _FULL:
                groups.append([])
                size = 0
            groups[-1].append(row)
            size += sum(len(row.columns[position]) for position, _ in row.packable)
    if size < _MIN_BYTES:
        rest = groups.pop()
        if not groups:
            return
        groups[-1] += rest
    for group in groups:
        _pack_together(group, parts)


def _pack_together(rows: Iterable[PayloadRow], parts: Parts) -> None:
    # A part whose hash begins with a set bit is a skeleton.
    random = secrets.token_bytes(PACK_ID_BYTES)
    pack_id = bytes([random[0] & 0x7F]) + random[1:]
    name = b64encode(pack_id).decode()
    texts: list[bytes] = []
    start = 0
    for row in rows:
        columns = row.columns
        for position, column_bit in row.packable:
            text = columns[position]
            columns[position] = f'[{len(text)},"{name}",{start}]'.encode()
            row.split |= column_bit
            texts.append(text)
            start += len(text) + 1
    parts[pack_id] = Part(b"\n".join(texts), {})

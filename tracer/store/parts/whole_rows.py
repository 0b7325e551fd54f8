"""Rows of `span_payload_rows` with their payloads as whole JSON texts, for readers of many spans.

The view `span_payloads` assembles each payload separately and so reads shared parts repeatedly,
for example the history of an agent for each of its calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from tracer import exact_json
from tracer.store.database.keys import columns_of
from tracer.store.parts.assemble import Assembler, PartKey, Skeleton
from tracer.store.parts.columns import PROJECT_COLUMNS, SPLIT_COLUMNS, bit

_MAX_BYTES: Final = 1 << 40
_KEPT_BYTES: Final = 16_000_000
"""With more bytes of parts in memory, they are dropped before the next rows."""
_BITS: Final = [(name, bit(name)) for name in SPLIT_COLUMNS]
# In place of a missing part that was a skeleton, the reader expects one.
_PARTS: Final = """
    SELECT k.trace_id, k.hash, coalesce(p.text, CASE WHEN get_byte(k.hash, 0) < 128
        THEN '"[missing]"' ELSE '[11, "\\"[missing]\\""]' END)
    FROM unnest(%b::text[], %b::bytea[]) k (trace_id, hash)
    LEFT JOIN parts p ON p.project_id = %b AND p.trace_id = k.trace_id AND p.hash = k.hash
"""


class WholeRows:
    """Puts together the payloads of one project, which a connection reads."""

    def __init__(self, connection: psycopg.Connection[Any], project_id: str) -> None:
        self._connection = connection
        self._project_id = project_id
        self._assembler = self._new()

    def complete(self, trace_id: str, rows: Sequence[dict[str, Any]]) -> None:
        """Replace the skeletons in rows of a trace by whole texts, and take their `split` out.

        A row is a dict by column, JSON as text.
        """
        if _MAX_BYTES - self._assembler.bytes_left > _KEPT_BYTES:
            self._assembler = self._new()
        skeletons: list[tuple[dict[str, Any], str, str, Skeleton]] = []
        for row in rows:
            split = row.pop("split") or 0
            for name, column_bit in _BITS if split else ():
                if split & column_bit:
                    owner = "" if name in PROJECT_COLUMNS else trace_id
                    skeletons.append((row, name, owner, exact_json.decode(row[name])))
        if skeletons:
            self._assembler.load((owner, skeleton) for _, _, owner, skeleton in skeletons)
        for row, name, owner, skeleton in skeletons:
            row[name] = self._assembler.whole_text(owner, skeleton)

    def _new(self) -> Assembler:
        return Assembler(self._fetch, _MAX_BYTES)

    def _fetch(self, keys: list[PartKey], _: int) -> list[tuple[str, bytes, str]]:
        values = [*columns_of(keys, 2), self._project_id]
        return self._connection.execute(_PARTS, values).fetchall()

"""What spans say of their traces, each distinct saying once: the writer pays per record."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer.records import Json, ScoreRecord, SpanPatch, TraceRecord

_encode: Final = msgspec.json.Encoder().encode


class TraceFacts:
    """Collects the TraceRecords of one request, and what else its spans carry beside themselves."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, int, bytes], TraceRecord] = {}
        self.scores: list[ScoreRecord] = []
        self.patches: list[SpanPatch] = []
        self.exported: list[TraceRecord] = []
        """Those of our own export, which say everything once."""

    def add(self, trace_id: str, rank: int, version: int, said: dict[str, Json]) -> TraceRecord:
        """Note that at ``version`` the trace was said to have these fields, tags and metadata."""
        key = (trace_id, rank, _encode(said))
        record = self._records.get(key)
        if record is None:
            record = TraceRecord(
                trace_id=trace_id,
                rank=rank,
                version=version,
                fields={name: said[name] for name in said if name not in ("tags", "metadata")},
                tags=said.get("tags", []),
                metadata=said.get("metadata", {}),
            )
            self._records[key] = record
        elif version > record.version:
            # Said again later, it is newer than what was said in between.
            record.version = version
        return record

    def records(self) -> list[TraceRecord]:
        """Return one record for each trace, rank and distinct content."""
        return [*self._records.values(), *self.exported]

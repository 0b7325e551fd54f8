"""Trace fields sent in spans: equal ones become one record, because each record costs time."""

from __future__ import annotations

from typing import Final

from tracer import exact_json
from tracer.records import RANK_SPAN, Json, ScoreRecord, SpanPatch, SpanRecord, TraceRecord

_encode: Final = exact_json.encode
_MERGED: Final = ("tags", "metadata")
_NESTED: Final = frozenset(("input", "output", "metadata"))
"""Fields whose values may be equal in Python, as 1 and True are, but different JSON."""


class TraceFacts:
    """Collects the TraceRecords, scores and patches in the spans of one request."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, int, bool, str, bytes], TraceRecord] = {}
        self._latest: dict[str, tuple[TraceRecord, dict[str, Json]]] = {}
        """By trace: the record that was added or repeated last, and the fields as sent."""
        self.scores: list[ScoreRecord] = []
        self.patches: list[SpanPatch] = []
        self.exported: list[TraceRecord] = []
        """The records of exported traces, which are distinct already."""

    def add(
        self,
        record: SpanRecord,
        rank: int,
        fields: dict[str, Json],
        process: str,
    ) -> TraceRecord:
        """Record these fields, tags and metadata of the span's trace."""
        trace_id, start = record.trace_id, record.start_time
        by_root = rank == RANK_SPAN and record.parent_span_id is None
        latest = self._latest.get(trace_id)
        if latest is not None:
            # Most spans repeat what the span before them sent: no need to encode the fields again,
            # which takes 1 to 2 µs.
            known, sent = latest
            repeats = known.rank == rank and known.by_root is by_root and known.process == process
            if repeats and sent == fields and _NESTED.isdisjoint(fields):
                note_time(known, start)
                return known
        key = (trace_id, rank, by_root, process, _encode(fields))
        fact = self._records.get(key)
        if fact is None:
            fact = self._records[key] = TraceRecord(
                trace_id=trace_id,
                rank=rank,
                version=start,
                fields={name: fields[name] for name in fields if name not in _MERGED},
                tags=fields.get("tags", []),
                metadata=fields.get("metadata", {}),
                process=process,
                by_root=by_root,
                first=start,
            )
        else:
            note_time(fact, start)
        self._latest[trace_id] = fact, fields
        return fact

    def records(self) -> list[TraceRecord]:
        """Return one record for each trace, rank and distinct content."""
        return [*self._records.values(), *self.exported]


def note_time(fact: TraceRecord, start: int) -> None:
    """Record that a span with this ``start`` (µs) sent the same fields again."""
    if start > fact.version:
        # The later of two equal values is newer than the values between them.
        fact.version = start
    elif fact.first is not None and start < fact.first:
        fact.first = start

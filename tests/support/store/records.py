"""Records for the store's tests, and the rows that they become."""

from __future__ import annotations

from typing import Any

import psycopg

from tracer.records import Batch, SpanRecord, TraceRecord
from tracer.store.writing.transaction import store

T0 = 1_700_000_000_000_000
"""A moment in 2023, in µs."""
TABLES = ("traces", "spans", "span_payloads", "sessions", "scores")


def span(span_id: str, parent: str | None = None, *, trace: str = "t", **said: Any) -> SpanRecord:
    """Return a finished span of one millisecond, unless `said` says otherwise."""
    said.setdefault("start_time", T0)
    said.setdefault("end_time", said["start_time"] + 1_000)
    said.setdefault("version", said["end_time"] or said["start_time"])
    said.setdefault("name", span_id)
    return SpanRecord(trace_id=trace, span_id=span_id, parent_span_id=parent, **said)


def claim(*, trace: str = "t", rank: int = 2, version: int = T0, **fields: Any) -> TraceRecord:
    """Return a record that says these fields of a trace."""
    return TraceRecord(trace_id=trace, rank=rank, version=version, fields=fields)


def put(connection: psycopg.Connection[Any], *items: Any, project: str = "default") -> None:
    """Store records in one batch."""
    batch = Batch()
    for item in items:
        kinds = {"SpanRecord": batch.spans, "SpanPatch": batch.patches, "TraceRecord": batch.traces}
        kinds.get(type(item).__name__, batch.scores).append(item)
    store(connection, [(project, batch)])


def rows(connection: psycopg.Connection[Any], table: str) -> list[dict[str, Any]]:
    """Return a table's rows as JSON values, in a fixed order, without the time of writing."""
    found = connection.execute(f"SELECT to_jsonb(t) - 'updated_at' FROM {table} t").fetchall()
    connection.rollback()
    return sorted(
        (row for (row,) in found), key=lambda row: (row.get("trace_id", ""), row.get("span_id", ""))
    )


def everything(connection: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables that hold traces."""
    return {table: rows(connection, table) for table in TABLES}


def clear(connection: psycopg.Connection[Any]) -> None:
    """Empty the tables that hold traces."""
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")
    connection.commit()

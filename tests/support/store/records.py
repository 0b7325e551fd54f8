"""Records for the store's tests, and the rows that they become."""

from __future__ import annotations

from typing import Any

import psycopg

from tracer.records import Batch, ScoreRecord, SpanPatch, SpanRecord, TraceRecord
from tracer.store.writing.transaction import store

T0 = 1_700_000_000_000_000
"""A moment in 2023, in µs."""
TABLES = ("traces", "spans", "span_payloads", "sessions", "scores")


def span(span_id: str, parent: str | None = None, *, trace: str = "t", **fields: Any) -> SpanRecord:
    """Return a finished span of one millisecond, unless `fields` differ."""
    fields.setdefault("start_time", T0)
    fields.setdefault("end_time", fields["start_time"] + 1_000)
    fields.setdefault("version", fields["end_time"] or fields["start_time"])
    fields.setdefault("name", span_id)
    return SpanRecord(trace_id=trace, span_id=span_id, parent_span_id=parent, **fields)


def trace_record(
    *, trace: str = "t", rank: int = 2, version: int = T0, **fields: Any
) -> TraceRecord:
    """Return a record that sets these fields of a trace."""
    return TraceRecord(trace_id=trace, rank=rank, version=version, fields=fields)


def put(connection: psycopg.Connection[Any], *items: Any, project: str = "default") -> None:
    """Store records in one batch."""
    batch = Batch()
    lists: dict[type, list[Any]] = {
        SpanRecord: batch.spans,
        SpanPatch: batch.patches,
        TraceRecord: batch.traces,
        ScoreRecord: batch.scores,
    }
    for item in items:
        lists[type(item)].append(item)
    store(connection, [(project, batch)])


def table_rows(connection: psycopg.Connection[Any], table: str) -> list[dict[str, Any]]:
    """Return a table's rows as JSON values, in a fixed order, without the time of the write."""
    rows = connection.execute(f"SELECT to_jsonb(t) - 'updated_at' FROM {table} t").fetchall()
    connection.rollback()
    return sorted(
        (row for (row,) in rows), key=lambda row: (row.get("trace_id", ""), row.get("span_id", ""))
    )


def all_rows(connection: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables that hold traces."""
    return {table: table_rows(connection, table) for table in TABLES}


def clear_tables(connection: psycopg.Connection[Any]) -> None:
    """Empty the tables that hold traces."""
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")
    connection.commit()

"""Storing records with the real writer, and the rows that they become."""

from __future__ import annotations

from typing import Any

import psycopg

from tracer.records import Batch, ScoreRecord, SpanPatch, SpanRecord, TraceRecord
from tracer.store.writing.transaction import store

TABLES = ("traces", "trace_payloads", "spans", "span_payloads", "sessions", "scores")
"""The tables, and the view of payloads, with all data of traces."""
_OF_ORDER = ["updated_at", "trace_start", "trace_environment"]
_STORED = (
    "traces",
    "trace_payloads",
    "spans",
    "span_payload_rows",
    "parts",
    "sessions",
    "scores",
)


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
    """Return a table's rows as JSON values, in a fixed order, without what depends on the order.

    That is the time of the write, and whether a score has the start of its trace yet.
    """
    rows = connection.execute(f"SELECT to_jsonb(t) - %s::text[] FROM {table} t", [_OF_ORDER])
    stored = rows.fetchall()
    connection.rollback()
    return sorted(
        (row for (row,) in stored),
        key=lambda row: (row.get("trace_id", ""), row.get("span_id", "")),
    )


def trace_rows(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Return the rows of all traces with their payloads, as `table_rows` does."""
    return table_rows(connection, "(SELECT * FROM traces NATURAL JOIN trace_payloads)")


def all_rows(connection: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables that hold traces."""
    return {table: table_rows(connection, table) for table in TABLES}


def stored_state(connection: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Return all rows without the mark of traces whose spans were compared once.

    The mark only saves other traces the comparison, and stays after its cause is gone.
    """
    state = all_rows(connection)
    for trace in state["trace_payloads"]:
        trace["claims"].pop("compared", None)
    return state


def clear_tables(connection: psycopg.Connection[Any]) -> None:
    """Empty the tables that hold traces."""
    for table in (*_STORED, "score_hours", "score_hours_due"):
        connection.execute(f"DELETE FROM {table}")
    connection.commit()

"""A trace with a row in every table, and which tables hold rows of a trace."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.support.traces.records import T0, span, trace_record
from tracer.records import ScoreRecord

GONE = "trace-to-delete"
"""The id of the trace that a test deletes."""


def score_record(trace: str, name: str = "helpful", **fields: Any) -> ScoreRecord:
    """Return a numeric score of a trace."""
    fields.setdefault("score_id", f"{trace}-{name}")
    return ScoreRecord(trace_id=trace, name=name, data_type="numeric", value=1.0, time=T0, **fields)


def full_trace(trace: str, session: str | None = "chat") -> list[Any]:
    """Return records of a trace that put a row into every table that a writer fills."""
    fields: dict[str, Any] = {"session_id": session} if session else {}
    return [
        span("root", trace=trace, kind="generation", usage={"input": 5}, model="house"),
        span("child", "root", trace=trace, flags=["truncated"], input=f"about {trace}"),
        span("orphan", "missing", trace=trace),
        trace_record(trace=trace, **fields),
        score_record(trace),
    ]


def tables_with(connection: psycopg.Connection[Any], text: str) -> list[str]:
    """Return the tables that have a row with this text in any column."""
    connection.rollback()
    names = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = current_schema()::regnamespace"
    ).fetchall()
    tables = [
        name
        for (name,) in names
        if connection.execute(
            f"SELECT 1 FROM {name} t WHERE to_jsonb(t)::text LIKE %s LIMIT 1", [f"%{text}%"]
        ).fetchone()
    ]
    connection.rollback()
    return tables

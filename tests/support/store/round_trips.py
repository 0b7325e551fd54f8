"""Exports of stored traces, imported into another project, and whether both projects are equal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import psycopg

from tracer.export import otlp
from tracer.export.records import Source
from tracer.store.traces.snapshot import Snapshot
from tracer.store.writing.transaction import store
from tracer.wire.otlp.request import JSON, decode_traces

MAX_VALUE_BYTES = 1 << 20

COPY = "copy"

Write = Callable[[Source], Iterator[str]]


def export_text(write: Write = otlp.write, trace_id: str = "t", project: str = "default") -> str:
    """Return a trace in a format."""
    snapshot = Snapshot()
    try:
        source = snapshot.trace(project, trace_id)
        assert source is not None
        return "".join(write(source))
    finally:
        snapshot.close()


def import_text(connection: psycopg.Connection[Any], text: str, project: str = COPY) -> None:
    """Store an OTLP/JSON export in another project."""
    decoded = decode_traces(text.encode(), JSON, max_value_bytes=MAX_VALUE_BYTES)
    assert decoded.item_errors == []
    store(connection, [(project, decoded.batch)])


def project_rows(
    connection: psycopg.Connection[Any], table: str, project: str
) -> list[dict[str, Any]]:
    """Return a project's rows of a table, without the columns that differ between projects."""
    query = f"""
        SELECT to_jsonb(t) - 'updated_at' - 'project_id' FROM {table} t WHERE project_id = %s
    """
    rows = connection.execute(query.encode(), [project]).fetchall()
    connection.rollback()
    return sorted((row for (row,) in rows), key=lambda row: json.dumps(row, sort_keys=True))


def assert_copy_is_equal(connection: psycopg.Connection[Any], project: str = COPY) -> None:
    """Assert that both projects hold the same rows."""
    for table in ("spans", "span_payloads", "traces", "trace_payloads", "scores", "sessions"):
        mine, theirs = (project_rows(connection, table, name) for name in ("default", project))
        differ = [pair for pair in zip_longest(mine, theirs) if pair[0] != pair[1]]
        assert not differ, f"{table}: {differ[0]}"

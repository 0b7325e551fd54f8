"""Exports of what the real writer stored, read back by the real reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import psycopg
import pytest
from flask import Flask

from tracer.export import otlp
from tracer.export.records import Source
from tracer.store.traces.snapshot import Snapshot
from tracer.store.writing.transaction import store
from tracer.wire.otlp.request import JSON, decode_traces

MAX_VALUE_BYTES = 1 << 20
COPY = "copy"
Write = Callable[[Source], Iterator[str]]


@pytest.fixture
def connection(app: Flask, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the test's own, inside the application's context."""
    with app.app_context(), psycopg.connect(database_url) as opened:
        yield opened


def exported(write: Write = otlp.write, trace_id: str = "t", project: str = "default") -> str:
    """Return a trace in a format."""
    snapshot = Snapshot()
    try:
        source = snapshot.trace(project, trace_id)
        assert source is not None
        return "".join(write(source))
    finally:
        snapshot.close()


def take_back(connection: psycopg.Connection[Any], text: str, project: str = COPY) -> None:
    """Store an OTLP/JSON export in another project."""
    decoded = decode_traces(text.encode(), JSON, max_value_bytes=MAX_VALUE_BYTES)
    assert decoded.refusals == []
    store(connection, [(project, decoded.batch)])


def rows(connection: psycopg.Connection[Any], table: str, project: str) -> list[dict[str, Any]]:
    """Return a project's rows of a table, without what tells projects and receipts apart."""
    query = f"""
        SELECT to_jsonb(t) - 'updated_at' - 'project_id' FROM {table} t WHERE project_id = %s
    """
    found = connection.execute(query.encode(), [project]).fetchall()
    connection.rollback()
    return sorted((row for (row,) in found), key=lambda row: json.dumps(row, sort_keys=True))


def identical(connection: psycopg.Connection[Any], project: str = COPY) -> None:
    """Assert that both projects hold the same rows."""
    for table in ("spans", "span_payloads", "traces", "scores", "sessions"):
        mine, theirs = (rows(connection, table, one) for one in ("default", project))
        differ = [pair for pair in zip_longest(mine, theirs) if pair[0] != pair[1]]
        assert not differ, f"{table}: {differ[0]}"

"""Export of a trace of a million spans: speed, size and memory, per format."""

from __future__ import annotations

import http.client
import time
from typing import Final

import psycopg

from bench.family import Family, PeakMemory
from bench.figures import MEGABYTE, Figure, Sizes
from bench.load import Client
from bench.pages import large_trace
from tracer.demo.otlp import Trace, requests
from tracer.server.postgres import Embedded

FORMATS: Final = ("json", "csv", "otlp", "markdown", "html")
_SEED: Final = 10_000
_MAX_GROWTH_MB: Final = 64
"""Memory that a web worker may need in addition while it exports a million spans."""

# Copies of all spans except the root, below the same root.
_MULTIPLY: Final = """
    INSERT INTO spans ({names})
    SELECT {values} FROM spans s CROSS JOIN generate_series(1, %(times)s) n
    WHERE trace_id = %(trace)s AND parent_span_id IS NOT NULL
"""
_MULTIPLY_PAYLOADS: Final = """
    INSERT INTO span_payload_rows ({names})
    SELECT {values} FROM span_payload_rows s CROSS JOIN generate_series(1, %(times)s) n
    WHERE trace_id = %(trace)s AND span_id <> %(root)s
"""
_TOTAL: Final = """
    UPDATE traces SET span_count = (SELECT count(*) FROM spans WHERE trace_id = %(trace)s)
    WHERE trace_id = %(trace)s RETURNING span_count
"""


def measure(server: Family, sizes: Sizes) -> list[Figure]:
    """Store one large trace, and export it in each format."""
    trace = large_trace(min(_SEED, sizes.export_spans))
    client = Client(server.port)
    for request in requests([trace], 2_000):
        client.post(request.SerializeToString())
    spans = _multiply(server, trace, sizes.export_spans)
    trace_id = trace.trace_id.hex()
    # Both workers must have their modules and connections before memory is measured.
    for _ in range(4):
        _download(server, f"{trace_id}/export?format=markdown&budget=1000")
    figures = []
    for name in FORMATS:
        before = server.memory().pss
        with PeakMemory(server) as memory:
            seconds, size = _download(server, f"{trace_id}/export?format={name}")
        growth = max(memory.peak.pss - before, 0) / MEGABYTE
        title = f"export of {spans:,} spans, {name}"
        figures += [
            Figure(f"export_{name}", title, spans / seconds, "spans/s"),
            Figure(f"export_{name}_size", "… size", size / MEGABYTE, "MB"),
            Figure(
                f"export_{name}_memory", "… growth of memory", growth, "MB", maximum=_MAX_GROWTH_MB
            ),
        ]
    return figures


def _multiply(server: Family, trace: Trace, span_count: int) -> int:
    """Grow the trace to about ``span_count`` spans, and return its number of spans."""
    seed, root = len(trace.spans), trace.spans[0].span_id.hex()
    values = {
        "trace": trace.trace_id.hex(),
        "root": root,
        "times": max(span_count // seed - 1, 0),
    }
    with psycopg.connect(Embedded(server.data_dir).url) as connection:
        for query, table in ((_MULTIPLY, "spans"), (_MULTIPLY_PAYLOADS, "span_payload_rows")):
            names = _columns(connection, table)
            statement = query.format(names=", ".join(names), values=", ".join(map(_value, names)))
            connection.execute(statement.encode(), values)
        row = connection.execute(_TOTAL, values).fetchone()
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE spans, span_payload_rows")
    assert row is not None
    return int(row[0])


def _columns(connection: psycopg.Connection, table: str) -> list[str]:
    query = f"SELECT * FROM {table} LIMIT 0"
    return [column.name for column in connection.execute(query.encode()).description or ()]


def _value(name: str) -> str:
    if name == "span_id":
        return "s.span_id || '-' || n"
    if name == "parent_span_id":
        return (
            "CASE WHEN s.parent_span_id = %(root)s THEN s.parent_span_id"
            " ELSE s.parent_span_id || '-' || n END"
        )
    return f"s.{name}"


def _download(server: Family, path: str) -> tuple[float, int]:
    """Download an export; return its duration in seconds and its size in bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    started_at, size = time.perf_counter(), 0
    connection.request("GET", f"/api/v1/traces/{path}")
    response = connection.getresponse()
    while chunk := response.read(1 << 20):
        size += len(chunk)
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"GET {path}: status {response.status}")
    return time.perf_counter() - started_at, size

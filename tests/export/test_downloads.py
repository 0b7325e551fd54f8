"""Exports over HTTP: file names, errors, one consistent state, interrupted downloads."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.serving import Serve
from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tests.support.waiting import wait_until
from tracer.export.formats import FORMATS
from tracer.records import SpanPatch, TraceRecord
from tracer.server.postgres import Embedded
from tracer.store.traces.snapshot import Snapshot, TraceSource

Connection = psycopg.Connection[Any]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("base", ["/api/v1", "/project/default"])
def test_every_format_is_a_file_with_a_name(
    connection: Connection, client: FlaskClient, base: str, name: str
) -> None:
    put(connection, span("s", trace="a/b", name="Größe: 1\r\n"))
    answer = client.get(f"{base}/traces/a%2Fb/export?format={name}")
    assert answer.status_code == 200
    assert answer.content_type == FORMATS[name].content_type
    expected = f'attachment; filename="Gr-e-1-a-b.{FORMATS[name].suffix}"'
    assert answer.headers["Content-Disposition"] == expected
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content_length is None
    assert answer.data


def test_a_session_is_a_file_of_its_traces(connection: Connection, client: FlaskClient) -> None:
    for number in range(3):
        trace = f"t{number}"
        claim = TraceRecord(trace_id=trace, rank=2, version=T0, fields={"session_id": "s 1"})
        put(connection, span("a", trace=trace, start_time=T0 - number), claim)
    for base in ("/api/v1", "/project/default"):
        answer = client.get(f"{base}/sessions/s%201/export")
        document = json.loads(answer.data)
        assert (document["format"], document["session_id"], document["complete"]) == (
            "tracer.session",
            "s 1",
            True,
        )
        assert [trace["trace"]["id"] for trace in document["traces"]] == ["t2", "t1", "t0"]
        assert all(trace["complete"] and len(trace["spans"]) == 1 for trace in document["traces"])
        assert 'filename="session-s-1.json"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("base", ["/api/v1", "/project/default"])
def test_a_missing_trace_or_unknown_format_is_refused(
    connection: Connection, client: FlaskClient, base: str
) -> None:
    put(connection, span("s"))
    assert client.get(f"{base}/traces/nope/export?format=csv").status_code == 404
    assert client.get(f"{base}/sessions/nope/export").status_code == 404
    refused = client.get(f"{base}/traces/t/export?format=docx")
    assert refused.status_code == 400
    assert "markdown" in refused.text
    for budget in ("199", "x", "1000001"):
        path = f"{base}/traces/t/export?format=markdown&budget={budget}"
        assert client.get(path).status_code == 400, budget


@pytest.fixture
def reading(connection: Connection) -> Iterator[Callable[[], TraceSource]]:  # noqa: ARG001 - the fixture comes first
    """Return what begins to read the trace, and ends it with the test."""
    snapshots: list[Snapshot] = []

    def begin() -> TraceSource:
        snapshots.append(Snapshot())
        source = snapshots[-1].trace("default", "t")
        assert source is not None
        return source

    yield begin
    for snapshot in snapshots:
        snapshot.close()


def test_an_export_is_of_one_moment(
    connection: Connection, reading: Callable[[], TraceSource]
) -> None:
    put(connection, *(span(f"s{n:04}", start_time=T0 + n) for n in range(500)))
    source = reading()
    spans = source.in_time()
    exported = [next(spans)]
    put(connection, *(span(f"z{n}", start_time=T0 + 1_000 + n) for n in range(100)))
    connection.execute("DELETE FROM span_payload_rows")
    connection.commit()
    exported += spans
    assert [record.span_id for record in exported] == [f"s{n:04}" for n in range(500)]
    assert all(record.claimed is None for record in exported)
    assert len(list(source.in_tree())) == 500
    assert len(list(reading().in_time())) == 600


def test_the_tree_is_read_in_its_order_however_wide_or_deep(
    connection: Connection, reading: Callable[[], TraceSource]
) -> None:
    chain = [span(f"c{n}", f"c{n - 1}" if n else None, start_time=T0 + n) for n in range(300)]
    wide = [span(f"w{n:03}", "c120", start_time=T0 + 1_000 + n) for n in range(250)]
    put(connection, *chain, *wide, span("lost", "gone", start_time=T0 + 5_000))
    source = reading()
    rows = [(row.depth, row.span.span_id) for row in source.in_tree()]
    expected = [(n, f"c{n}") for n in range(300)]
    expected += [(121, f"w{n:03}") for n in range(250)] + [(0, "gone"), (1, "lost")]
    assert rows == expected
    assert [row.span.span_id for row in source.upper(10_000)] == [
        span_id for _, span_id in expected
    ]


def test_a_span_under_a_missing_parent_is_not_lost(
    connection: Connection, reading: Callable[[], TraceSource]
) -> None:
    put(connection, span("root"), span("a", "root"), span("below", "a"))
    moved = {"parent_span_id": "nowhere"}
    put(connection, SpanPatch(trace_id="t", span_id="a", version=T0 + 5, fields=moved))
    # A place is kept for the parent that the update named.
    expected = [(0, "root"), (0, "nowhere"), (1, "a"), (2, "below")]
    rows = [(row.depth, row.span.span_id) for row in reading().in_tree()]
    assert sorted(rows) == sorted(expected)
    assert {(row.depth, row.span.span_id) for row in reading().upper(9)} == {*expected}


def test_the_upper_levels_count_the_spans_that_are_left_out(
    connection: Connection, reading: Callable[[], TraceSource]
) -> None:
    below = [span(f"b{n}", "a", start_time=T0 + n) for n in range(5)]
    deep = [span(f"c{n}", "b0", start_time=T0 + n) for n in range(4)]
    put(connection, span("a"), *below, *deep)

    def upper(limit: int) -> list[tuple[int, str, int]]:
        return [(row.depth, row.span.span_id, row.left_out) for row in reading().upper(limit)]

    assert upper(3) == [(0, "a", 3), (1, "b0", 4), (1, "b1", 0)]
    assert upper(7) == [
        (0, "a", 0),
        (1, "b0", 3),
        (2, "c0", 0),
        *((1, f"b{n}", 0) for n in range(1, 5)),
    ]
    assert len(upper(10)) == 10
    assert all(left_out == 0 for _, _, left_out in upper(10))


@pytest.fixture
def long_trace(served: Serve) -> Iterator[Connection]:
    """A connection to the database of a real server, which holds a trace of some 20 MB."""
    assert served.data_dir is not None
    with psycopg.connect(Embedded(served.data_dir).url, autocommit=True) as connection:
        text = "x" * 10_000
        put(connection, *(span(f"s{n}", trace="long", input=text) for n in range(2_000)))
        yield connection


# What another connection of the server does is seen as it is: none of them reads the trace.
_READERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
"""


def test_a_client_that_disconnects_leaves_no_snapshot_behind(
    served: Serve, long_trace: Connection
) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as reader:
        reader.sendall(
            b"GET /api/v1/traces/long/export?format=otlp HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        assert reader.recv(1000).startswith(b"HTTP/1.1 200")
        wait_until(lambda: long_trace.execute(_READERS).fetchall())
    wait_until(lambda: not long_trace.execute(_READERS).fetchall())


def test_an_interrupted_download_is_no_complete_file(served: Serve, long_trace: Connection) -> None:
    reader = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    reader.request("GET", "/api/v1/traces/long/export?format=csv")
    answer = reader.getresponse()
    assert answer.status == 200
    answer.read(1000)
    wait_until(lambda: long_trace.execute(_READERS).fetchall())
    for (pid,) in long_trace.execute(_READERS).fetchall():
        long_trace.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    reader.close()
    # The server goes on: a new connection takes the place of the one that was lost.
    reader.request("GET", "/api/v1/traces/long/export?format=csv")
    whole = reader.getresponse().read()
    assert whole.count(b"\n") >= 2_001
    reader.close()

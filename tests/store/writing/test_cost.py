"""What a request costs grows with its size, and not with its square or with what is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import psutil
import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.store.rows import put
from tests.support.traces.records import T0, span

Bodies = Iterator[tuple[str, dict[str, Any]]]
"""Path and JSON body of each request."""

T0_NS = T0 * 1_000
BATCH = "/api/v1/batch"
OTLP = "/v1/traces"
names = count()


def new_id() -> str:
    return f"{next(names):032x}"


def native(trace: str, parents: list[str | None], **fields: Any) -> dict[str, Any]:
    """Return the body of a batch with a span for each parent."""
    spans = [
        {"trace_id": trace, "id": f"s{n}", "parent_id": parent, "name": "s", **fields}
        for n, parent in enumerate(parents)
    ]
    return {"spans": spans}


def otlp(*resources: dict[str, Any], **span: Any) -> dict[str, Any]:
    """Return an OTLP request with one span below each resource."""
    trace = new_id()
    shared = {"traceId": trace, "name": "s", "startTimeUnixNano": T0_NS, **span}
    return {
        "resourceSpans": [
            {
                "resource": resource,
                "scopeSpans": [{"spans": [{**shared, "spanId": f"{n + 1:016x}"}]}],
            }
            for n, resource in enumerate(resources)
        ]
    }


def attributes(size: int) -> list[dict[str, Any]]:
    return [{"key": f"k{n}", "value": {"stringValue": "v"}} for n in range(size)]


def keys(size: int) -> Bodies:
    yield "/api/v1/traces", {"id": new_id(), "metadata": {f"k{n}": n for n in range(size)}}


def spans(size: int) -> Bodies:
    yield BATCH, native(new_id(), ["s0"] * size)


def roots(size: int) -> Bodies:
    yield BATCH, native(new_id(), [None] * size)


def lost(size: int) -> Bodies:
    """Each span's parent is missing."""
    yield BATCH, native(new_id(), [f"missing{n}" for n in range(size)])


def chain(size: int) -> Bodies:
    yield BATCH, native(new_id(), [None, *(f"s{n}" for n in range(size - 1))])


def span_attributes(size: int) -> Bodies:
    yield OTLP, otlp({}, attributes=attributes(size))


def events(size: int) -> Bodies:
    event = {"name": "e", "timeUnixNano": T0_NS, "attributes": attributes(2)}
    yield OTLP, otlp({}, events=[event] * size)


def links(size: int) -> Bodies:
    yield OTLP, otlp({}, links=[{"traceId": new_id(), "spanId": "1" * 16}] * size)


def resources(size: int) -> Bodies:
    yield OTLP, otlp(*({"attributes": attributes(1)} for _ in range(size)))


def tags(size: int) -> Bodies:
    yield "/api/v1/traces", {"id": new_id(), "tags": [f"tag{n}" for n in range(size)]}


def scores(size: int) -> Bodies:
    trace = new_id()
    yield BATCH, {"scores": [{"trace_id": trace, "name": f"s{n}", "value": n} for n in range(size)]}


def comments(size: int) -> Bodies:
    trace = new_id()
    yield BATCH, native(trace, [None])
    for n in range(size):
        yield "/api/v1/comments", {"trace_id": trace, "text": f"comment {n}"}


def traces(size: int) -> Bodies:
    yield BATCH, {"traces": [{"id": new_id(), "session_id": "one"} for _ in range(size)]}


def sessions(size: int) -> Bodies:
    yield BATCH, {"traces": [{"id": new_id(), "session_id": new_id()} for _ in range(size)]}


def repeated_spans(size: int) -> Bodies:
    """Small requests, each with a few spans of one trace."""
    trace = new_id()
    for n in range(0, size, 20):
        parents = [None] * 20
        body = native(trace, parents)
        for number, each in enumerate(body["spans"]):
            each["id"] = f"s{n + number}"
        yield BATCH, body


KINDS: dict[Callable[[int], Bodies], int] = {
    keys: 2_000,
    spans: 500,
    roots: 500,
    lost: 500,
    chain: 500,
    repeated_spans: 200,
    span_attributes: 60_000,
    events: 16_000,
    links: 20_000,
    resources: 500,
    tags: 5_000,
    scores: 500,
    comments: 10,
    traces: 300,
    sessions: 300,
}


BACKENDS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"


@pytest.fixture
def spent(connection: psycopg.Connection[Any]) -> Callable[[], float]:
    """The processor time of this process and of PostgreSQL so far, in seconds."""
    connection.autocommit = True

    def total() -> float:
        database = 0.0
        for (process,) in connection.execute(BACKENDS):
            times = psutil.Process(process).cpu_times()
            database += times.user + times.system
        return time.process_time() + database

    return total


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_cost_of_a_request_grows_with_its_size(
    client: FlaskClient, spent: Callable[[], float], kind: Callable[[int], Bodies]
) -> None:
    def cost(size: int) -> float:
        requests = [(path, json.dumps(body)) for path, body in kind(size)]
        before = spent()
        for path, body in requests:
            response = client.post(path, data=body, content_type="application/json")
            assert response.status_code < 300, response.text
        return spent() - before

    size = KINDS[kind]
    cost(size)
    small, large = (min(cost(n) for _ in range(3)) for n in (size, 8 * size))
    # Three times double.
    assert large <= 2.3**3 * small


LARGE = 20_000
MAX_ROWS = 300
"""Rows that a write of one span may read, whatever else is stored."""
SHAPES = {
    "roots": [None] * LARGE,
    "children": ["s0"] * LARGE,
    "chain": [None, *(f"s{n}" for n in range(LARGE - 1))],
    "lost": [f"missing{n}" for n in range(LARGE)],
}


@pytest.fixture(scope="module", params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    """How the trace that makes up most of the database looks."""
    return str(request.param)


def test_a_write_reads_few_rows_though_one_trace_is_most_of_the_database(
    connection: psycopg.Connection[Any], shape: str
) -> None:
    records = [
        span(f"s{n}", parent, trace="large", start_time=T0 + n)
        for n, parent in enumerate(SHAPES[shape])
    ]
    for start in range(0, LARGE, 5_000):
        put(connection, *records[start : start + 5_000])
    put(connection, span("root", trace="small"))
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    late = {"start_time": T0 + LARGE, "end_time": T0 + LARGE + 1}
    for written in (
        span("root", trace="small", **late),
        span("other", "root", trace="small", level="error", **late),
        span("new", trace="large", **late),
        span("below", "s5", trace="large", level="error", **late),
        span("s7", SHAPES[shape][7], trace="large", name="again", version=T0 * 2),
    ):
        before = rows_read(connection)
        put(connection, written)
        assert rows_read(connection) - before < MAX_ROWS, written.span_id


def rows_read(connection: psycopg.Connection[Any]) -> int:
    """Return the rows that this connection's statements have read from the large tables."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    row = connection.execute(
        "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_user_tables"
        " WHERE relname IN ('spans', 'span_payloads', 'traces')"
    ).fetchone()
    assert row is not None
    return int(row[0])

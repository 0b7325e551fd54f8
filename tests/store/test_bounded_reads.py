"""No page of a trace reads all of it: the rows that PostgreSQL counts for each statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.extensions import db
from tracer.records import SpanRecord
from tracer.store.analyses.compute import analyse
from tracer.store.timeline.fill import fill

SPANS = 8_000
MAX_ROWS = 2_500
"""Rows that a statement may read of any trace: a page of 100, with the children of each counted."""
HEADERS = {"HX-Request": "true", "HX-Request-Type": "partial"}


def wide() -> Iterator[SpanRecord]:
    """One root with all others below it."""
    yield span("root", kind="agent", end_time=T0 + SPANS * 1_000, trace="wide")
    for n in range(SPANS - 1):
        yield record("wide", f"s{n:05}", "root", n)


def deep() -> Iterator[SpanRecord]:
    """Ten chains of eight hundred."""
    for chain in range(10):
        for n in range(SPANS // 10):
            parent = f"c{chain}-{n - 1}" if n else None
            yield record("deep", f"c{chain}-{n}", parent, chain * SPANS // 10 + n)


def roots() -> Iterator[SpanRecord]:
    """Four hundred roots with a few spans each."""
    for n in range(SPANS):
        yield record("roots", f"r{n:05}", f"r{n // 20 * 20:05}" if n % 20 else None, n)


def agent() -> Iterator[SpanRecord]:
    """A tree with four to nineteen children everywhere."""
    yield record("agent", "a0", None, 0)
    made, parent = 1, 0
    while made < SPANS:
        for _ in range(min(4 + parent * 7 % 16, SPANS - made)):
            yield record("agent", f"a{made}", f"a{parent}", made)
            made += 1
        parent += 1


def record(trace: str, span_id: str, parent: str | None, n: int) -> SpanRecord:
    failed = {"level": "error"} if n % 100 == 7 else {}
    kind = ("tool", "generation", "span")[n % 3]
    start = T0 + n * 1_000
    text = f"ask {n} needle{n % 500}"
    return span(
        span_id, parent, trace=trace, start_time=start, kind=kind, name=kind, input=text, **failed
    )


def crowd() -> Iterator[SpanRecord]:
    """Many traces of two spans: by the statistics of the planner, every other span is a root."""
    for n in range(SPANS):
        yield record(f"t{n // 2:04}", f"t{n}", f"t{n - 1}" if n % 2 else None, n)


SHAPES = {"wide": wide, "deep": deep, "roots": roots, "agent": agent}
MIDDLE = {"wide": "s04000", "deep": "c5-600", "roots": "r04001", "agent": "a6000"}
PARENT = {"wide": "root", "deep": "c5-599", "roots": "r04000", "agent": "a700"}


@pytest.fixture
def large(app: Flask, database_url: str) -> Iterator[psycopg.Connection[Any]]:  # noqa: ARG001 - the fixture comes first
    """A database with a large trace of each shape, all that is derived of them, and statistics."""
    with psycopg.connect(database_url) as connection:
        for shape in (*SHAPES.values(), crowd):
            spans = list(shape())
            for first in range(0, SPANS, 5_000):
                put(connection, *spans[first : first + 5_000])
        connection.autocommit = True
        for trace in SHAPES:
            assert analyse(connection, "default", trace)
            assert fill(connection, "default", trace)
        connection.execute("ANALYZE")
        yield connection


def test_no_statement_reads_a_whole_trace(
    app: Flask, client: FlaskClient, large: psycopg.Connection[Any]
) -> None:
    wrong = [line for trace in SHAPES for line in too_long(app, client, trace)]
    # What is derived is old now: nobody makes up for that by reading the trace.
    put(large, record("agent", "late", "a0", SPANS))
    wrong += too_long(app, client, "agent")
    assert not wrong, "\n".join(wrong)


def too_long(app: Flask, client: FlaskClient, trace: str) -> Iterator[str]:
    for path in paths(client, trace):
        for statement, rows in reads(app, client, path):
            if rows > MAX_ROWS:
                yield f"{rows:,} rows for {path}: {' '.join(statement.split())[:300]}"


def paths(client: FlaskClient, trace: str) -> Iterator[str]:
    """Yield the addresses of everything that a reader does with a trace."""
    base, middle, parent = f"/project/default/traces/{trace}", MIDDLE[trace], PARENT[trace]
    page = client.get(base).text
    tokens = [part.partition('"')[0] for part in page.split('data-page="')[1:]]
    axis = page.partition('name="t" value="')[2].partition('"')[0]
    assert tokens
    assert axis
    yield from (
        base,
        f"{base}?span={middle}",
        f"{base}?q=needle7",
        f"{base}?q=needle7&span={middle}",
    )
    yield f"{base}/live?t={axis}&page=" + "&page=".join(quote(token) for token in tokens)
    yield f"{base}/spans?t={axis}&depth=1&parent={parent}"
    first = client.get(f"/api/v1/traces/{trace}/spans?parent={parent}&limit=2").get_json()
    if first["next_cursor"]:
        yield f"{base}/spans?t={axis}&depth=1&parent={parent}&after={quote(first['next_cursor'])}"
    yield from (f"{base}/span?id={middle}", f"{base}/error?after={middle}")
    views = ("log", "transcript", "statistics", "findings")
    yield from (f"{base}/{view}?span={middle}" for view in views)
    yield from (f"{base}/log?q=needle7", f"{base}/log?level=error", f"{base}/log?kind=tool")
    yield from (f"/api/v1/traces/{trace}", f"/api/v1/traces/{trace}/spans?parent={parent}")
    # By its id alone, and the newest of all traces.
    yield from (f"/api/public/observations/{middle}", "/api/public/v2/observations?limit=20")


def reads(app: Flask, client: FlaskClient, path: str) -> Iterator[tuple[str, int]]:
    """Ask for ``path``; yield each statement that this took, and how many rows it reads."""
    run: list[tuple[str, Any]] = []
    with app.app_context():
        engine = db.engine

        def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> None:
            run.append((statement, parameters))

        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            answer = client.get(path, headers=HEADERS)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        assert answer.status_code in (200, 302), (path, answer.status_code)
        assert run, path
        with engine.connect() as connection:
            for statement, parameters in run:
                if statement.lstrip()[:6].upper() not in ("SELECT", "WITH R", "WITH U"):
                    continue
                explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
                ((plan,),) = connection.exec_driver_sql(explain, parameters).fetchall()
                plans = json.loads(plan) if isinstance(plan, str) else plan
                yield statement, touched(plans[0]["Plan"])


def touched(node: dict[str, Any]) -> int:
    """Return how many rows the scans of a plan read, those thrown away included."""
    below = sum(touched(child) for child in node.get("Plans", ()))
    if "Relation Name" not in node:
        return below
    kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return below + round(sum(node.get(kind, 0) for kind in kinds) * node["Actual Loops"])

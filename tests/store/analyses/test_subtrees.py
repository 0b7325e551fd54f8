"""Sums of subtrees: computed on read for a small trace, stored by the worker for a large one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings

from tests.support.serving import environ
from tests.support.store.rows import clear_tables, put
from tests.support.traces.forests import any_trace
from tests.support.traces.records import T0, span
from tracer.analysis.forest import SpanFacts
from tracer.analysis.trace_analyses import TRACE_ANALYSES
from tracer.extensions import db
from tracer.records import SpanRecord
from tracer.store import thresholds
from tracer.store.analyses import forests
from tracer.store.analyses.compute import analyse, analyse_due
from tracer.store.analyses.subtrees import Subtree, read_subtrees
from tracer.store.thresholds import MAX_SPANS_ANALYSED
from tracer.store.traces import span_tree
from tracer.store.writing.delete import delete_trace


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """Three spans make a large trace."""
    monkeypatch.setattr(thresholds, "MAX_SPANS_ANALYSED", 2)
    return 2


def sums(trace: str = "t") -> dict[str, Subtree] | None:
    """Return the subtrees of all spans that are opened."""
    spans: list[span_tree.SpanRow] = []
    level: list[str | None] = [None]
    while level:
        pages = span_tree.children("default", trace, level, 1_000)
        rows = [row for page in pages.values() for row in page.rows]
        spans += rows
        level = [row.span_id for row in rows if row.child_count]
    try:
        return read_subtrees("default", trace, spans)
    finally:
        # Or the session's transaction would keep others from emptying the tables.
        db.session.rollback()


def rest(connection: psycopg.Connection[Any]) -> None:
    """Make all traces look as if they had not changed for a minute."""
    connection.execute("UPDATE analyses SET changed_at = changed_at - interval '1 minute'")
    connection.commit()


def agent() -> Iterator[SpanRecord]:
    used = {"usage": {"input": 7}, "cost": {"input": Decimal("0.5")}, "cost_source": "given"}
    yield span("root", end_time=T0 + 10_000, **used)
    yield span("step", "root", start_time=T0 + 1_000, end_time=T0 + 9_000)
    yield span("call", "step", start_time=T0 + 2_000, end_time=T0 + 5_000, **used)
    yield span("fails", "step", start_time=T0 + 2_000, end_time=T0 + 3_000, level="error")


def test_subtrees_of_a_small_trace_are_summed_on_read(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *agent())
    with app.app_context():
        subtrees = sums()
    assert subtrees is not None
    root = subtrees["root"]
    # The usage of the root repeats that of the call.
    assert (root.span_count, root.error_count, root.level) == (4, 1, "error")
    assert (root.total_tokens, root.total_cost) == (7, Decimal("0.5"))
    assert (root.self_us, root.critical_us) == (2_000, 10_000)
    assert (subtrees["call"].critical_us, subtrees["fails"].critical_us) == (3_000, 0)
    assert connection.execute("SELECT count(*) FROM analyses").fetchone() == (0,)


def test_subtrees_of_a_large_trace_are_the_same_once_they_are_stored(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, *agent())
    with app.app_context():
        expected = sums()
        clear_tables(connection)
        monkeypatch.setattr(thresholds, "MAX_SPANS_ANALYSED", 2)
        put(connection, *agent())
        assert sums() is None
        assert analyse(connection, "default", "t")
        assert sums() == expected


@pytest.mark.usefixtures("few")
def test_late_spans_make_stored_subtrees_outdated(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *agent())
    with app.app_context():
        assert analyse(connection, "default", "t")
        put(connection, span("late", "call", start_time=T0 + 2_000, level="error"))
        assert sums() is None
        assert analyse(connection, "default", "t")
        subtrees = sums()
        assert subtrees is not None
        assert subtrees["step"].error_count == 2
        # Nothing has changed since.
        assert not analyse(connection, "default", "t")


@pytest.mark.usefixtures("few")
def test_only_traces_at_rest_are_due(
    app: Flask, connection: psycopg.Connection[Any], database_url: str
) -> None:
    put(connection, *agent())
    assert analyse_due(database_url) == 0
    rest(connection)
    assert analyse_due(database_url) == 1
    with app.app_context():
        assert sums() is not None


@pytest.mark.usefixtures("few")
def test_a_write_during_the_analysis_discards_it(
    app: Flask,
    connection: psycopg.Connection[Any],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(connection, *agent())

    def writes(_: object) -> None:
        with psycopg.connect(database_url) as other:
            put(other, span("meanwhile", "root"))

    monkeypatch.setitem(TRACE_ANALYSES, "writes", writes)
    assert not analyse(connection, "default", "t")
    with app.app_context():
        assert sums() is None
        assert connection.execute("SELECT count(*) FROM subtrees").fetchone() == (0,)
        connection.rollback()
        monkeypatch.delitem(TRACE_ANALYSES, "writes")
        assert analyse(connection, "default", "t")
        subtrees = sums()
        assert subtrees is not None
        assert subtrees["root"].span_count == 5


@pytest.mark.usefixtures("app", "few")
def test_two_workers_never_analyse_the_same_trace(
    connection: psycopg.Connection[Any], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, *agent())
    second: list[bool] = []

    def counts_too(_: object) -> None:
        with psycopg.connect(database_url, autocommit=True) as other:
            second.append(analyse(other, "default", "t"))

    monkeypatch.setitem(TRACE_ANALYSES, "too", counts_too)
    assert analyse(connection, "default", "t")
    assert second == [False]


@pytest.mark.usefixtures("few")
def test_a_deleted_trace_leaves_no_analysis(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *agent())
    assert analyse(connection, "default", "t")
    with app.app_context():
        delete_trace("default", "t")
    for table in ("analyses", "subtrees", "sibling_groups"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.usefixtures("few")
def test_an_analysis_is_read_of_small_and_of_large_traces(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TRACE_ANALYSES, "names", lambda inputs: sorted(inputs.forest.names))
    put(connection, *agent(), span("small", trace="s"))
    with app.app_context():
        assert forests.read_analysis("default", "s", "names") == ["small"]
        assert forests.read_analysis("default", "t", "names") is None
        assert analyse(connection, "default", "t")
        assert forests.read_analysis("default", "t", "names") == ["call", "fails", "root", "step"]


def test_the_process_analyses_due_traces(
    app: Flask, connection: psycopg.Connection[Any], database_url: str
) -> None:
    put(connection, span("root"), *[span(f"{n}", "root") for n in range(MAX_SPANS_ANALYSED)])
    rest(connection)
    with app.app_context():
        assert sums() is None
        command = [sys.executable, "-m", "tracer.worker.analysis_process"]
        subprocess.run(command, env=environ(DATABASE_URL=database_url), check=True, timeout=120)
        subtrees = sums()
    assert subtrees is not None
    assert subtrees["root"].span_count == MAX_SPANS_ANALYSED + 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_trace(max_spans=15))
def test_stored_subtrees_equal_those_summed_on_read_for_any_trace(
    app: Flask,
    connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    facts: list[SpanFacts],
) -> None:
    clear_tables(connection)
    connection.execute("TRUNCATE analyses, subtrees")
    connection.commit()
    monkeypatch.setattr(thresholds, "MAX_SPANS_ANALYSED", 0)
    put(connection, *map(_record, facts))
    with app.app_context():
        assert analyse(connection, "default", "t")
        stored = sums()
        assert stored is not None
        connection.execute("TRUNCATE analyses, subtrees")
        connection.commit()
        assert stored == sums()


def _record(fact: SpanFacts) -> SpanRecord:
    return span(
        fact.span_id,
        fact.parent_span_id,
        start_time=T0 + fact.start,
        end_time=None if fact.end is None else T0 + fact.end,
        version=T0,
        level=fact.level,
        usage={} if fact.tokens is None else {"input": fact.tokens},
        cost={} if fact.cost is None else {"input": fact.cost},
        cost_source=None if fact.cost is None else "given",
    )

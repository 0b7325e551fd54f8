"""Counts of how spans were mapped, kept up to date as spans arrive and change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.records import T0, span
from tracer.records import SpanRecord
from tracer.store.counters.fold_sql import COMPACT, SUBTRACT_TRACE
from tracer.store.counters.read import list_mapping_counts
from tracer.store.writing import count_spans

USED = {"input": 1}


def counts() -> dict[tuple[str, str], int]:
    return {(row.measure, row.value): row.number for row in list_mapping_counts("default")}


def test_spans_are_counted_by_how_they_were_mapped(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("a", dialect="gen_ai"), span("b", "missing", flags=["truncated"]))
    put(connection, span("c", kind="generation", usage=USED, model="no-such-model"))
    put(connection, span("d", kind="generation", dialect="gen_ai"))
    with app.app_context():
        assert counts() == {
            ("dialect", "gen_ai"): 2,
            ("dialect", ""): 2,
            ("flag", "truncated"): 1,
            ("generation", "without model"): 1,
            ("generation", "without tokens"): 1,
            ("unpriced", "no-such-model"): 1,
        }


def test_a_span_that_is_mapped_better_later_moves_to_another_count(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("a", kind="generation", end_time=None))
    put(connection, span("a", kind="generation", model="gpt-4o", usage=USED, dialect="gen_ai"))
    with app.app_context():
        assert counts() == {("dialect", "gen_ai"): 1}


def test_compaction_changes_no_count_and_keeps_the_latest_examples(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    for number in range(8):
        put(connection, span(f"s{number}", trace=f"t{number}", start_time=T0 + number))
    with app.app_context():
        before = counts()
        for _ in range(2):
            connection.execute(COMPACT)
            connection.commit()
        (only,) = list_mapping_counts("default")
        assert counts() == before == {("dialect", ""): 8}
        assert only.examples[0] == ("t7", "s7")
        assert len(only.examples) == count_spans.EXAMPLES
    assert connection.execute("SELECT count(*) FROM mapping_counts").fetchone() == (1,)


@st.composite
def any_span(draw: st.DrawFn) -> SpanRecord:
    """A span in which everything that is counted is there, missing or empty."""
    return span(
        draw(st.sampled_from("abcd")),
        draw(st.sampled_from([None, "a", "missing"])),
        end_time=draw(st.sampled_from([None, T0 + 1_000])),
        version=T0 + 1_000,
        kind=draw(st.sampled_from(["span", "generation", "tool"])),
        model=draw(st.sampled_from([None, "", "gpt-4o", "no-such-model"])),
        usage=draw(st.sampled_from([{}, {"input": 3}, {"input": 0}])),
        cost=draw(st.sampled_from([{}, {"total": Decimal(1)}])),
        dialect=draw(st.sampled_from([None, "gen_ai"])),
        flags=draw(st.lists(st.sampled_from(["truncated", "clock_skew"]), unique=True)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(any_span(), min_size=1, max_size=6))
def test_a_delete_in_sql_subtracts_what_python_counted(
    app: Flask, connection: psycopg.Connection[Any], spans: list[SpanRecord]
) -> None:
    connection.execute("DELETE FROM mapping_counts")
    clear_tables(connection)
    put(connection, *spans)
    with app.app_context():
        assert counts()
        connection.execute(SUBTRACT_TRACE, ("default", "t"))
        connection.commit()
        assert counts() == {}
        below = connection.execute(
            "SELECT measure, value FROM mapping_counts GROUP BY 1, 2 HAVING sum(number) <> 0"
        ).fetchall()
        assert below == []

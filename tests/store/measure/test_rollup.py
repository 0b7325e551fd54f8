"""Answers from rollups are those of a scan, folded or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.drawn_records import span_patches, span_records, trace_records
from tests.support.traces.records import T0, span
from tracer.extensions import db
from tracer.measure.answer import Answer, Row
from tracer.measure.question import Question, check, read_question
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.store.database.conditions import Condition
from tracer.store.measure import answer as answers
from tracer.store.measure.answer import answer
from tracer.store.metrics import from_rollups
from tracer.store.metrics.over_time import rolled_up
from tracer.store.metrics.query import AggregateQuery, aggregate
from tracer.store.query.selection import Selection
from tracer.store.rollups import fold
from tracer.store.traces.histogram import histogram
from tracer.times import from_micros

NOW = datetime(2023, 11, 15, 1, tzinfo=UTC)
CLOCK = Clock(NOW)
FEW = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
RECORDS: Any = span_records() | span_patches() | trace_records()
QUESTIONS = [
    {},
    {"group_by": ["name"], "buckets": 24},
    {"group_by": ["name", "env"], "previous": True},
    {"query": "status:error name:n*"},
    {"query": "-env:default", "group_by": ["env"]},
    {"measure": "ratio", "part": "status:error", "group_by": ["name"], "buckets": 12},
    {"measure": "rate", "per": "hour", "query": "status:completed"},
    {"measure": "percentile", "field": "latency", "percents": [50, 95], "group_by": ["name"]},
    {"measure": "percentile", "field": "latency", "buckets": 24},
    {"measure": "average", "field": "latency", "group_by": ["env"]},
    {"measure": "sum", "field": "tokens", "group_by": ["token_type"], "buckets": 6},
    {"measure": "sum", "field": "cost", "group_by": ["name"], "limit": 1},
    {"measure": "average", "field": "cost"},
    {"shape": "heat_map", "field": "latency", "buckets": 12},
    {"shape": "histogram", "field": "tokens"},
    {"measure": "distinct", "field": "user", "since": "2023-11-14", "until": "2023-11-14"},
    {"group_by": ["user"], "since": "2023-11-14", "until": "2023-11-14"},
    {"grain": "spans", "group_by": ["kind", "name"]},
    {"grain": "spans", "query": "level:error", "group_by": ["error_type"]},
    {"grain": "spans", "measure": "sum", "field": "input_tokens", "group_by": ["model"]},
    {"grain": "generations", "group_by": ["model"], "measure": "sum", "field": "cost"},
    {"grain": "generations", "measure": "percentile", "field": "first_token", "query": "has:model"},
    {"grain": "generations", "measure": "average", "field": "tokens", "query": "model:gpt*"},
    {"grain": "generations", "measure": "ratio", "part": "level:error", "group_by": ["provider"]},
    {"grain": "spans", "measure": "sum", "field": "tokens", "group_by": ["token_type", "model"]},
    {"grain": "spans", "measure": "sum", "field": "usage.input", "group_by": ["name"]},
    {"measure": "sum", "field": "usage.output", "buckets": 6},
    {"measure": "ratio", "field": "cost", "over": "tokens", "group_by": ["name"], "limit": 1},
    {
        "grain": "generations",
        "measure": "ratio",
        "field": "output_tokens",
        "over": "latency",
        "buckets": 6,
    },
]
AGGREGATES: list[dict[str, Any]] = [
    {"view": "traces", "metrics": [("count", "count"), ("latency", "avg"), ("total_cost", "sum")]},
    {
        "view": "traces",
        "dimensions": ["environment", "name"],
        "metrics": [("total_tokens", "sum"), ("total_cost", "avg"), ("latency", "sum")],
        "conditions": [Condition("name", "starts with", "n")],
    },
    {
        "view": "spans",
        "dimensions": ["kind"],
        "labels": {"kind": {"agent": "SPAN", "span": "SPAN"}},
        "metrics": [("count", "count"), ("latency", "avg"), ("time_to_first_token", "avg")],
        "granularity": "hour",
    },
    {"view": "spans", "dimensions": ["model"], "metrics": [("latency", "sum")]},
]
"""Queries of Langfuse's metrics that rollups answer."""


def values(row: Row, *, zero: bool) -> Any:
    """Return what is compared of a row; sums of floats differ in their last digits.

    Without ``zero``, 0 is no value: rollups lack whether a row has tokens of a type.
    """
    numbers = [row.value, row.previous, *row.values, *row.previous_values]
    known = [value is not None and (zero or value != 0) for value in numbers]
    return [
        pytest.approx(float(value)) if there and value is not None else None
        for value, there in zip(numbers, known, strict=True)
    ]


def comparable(answered: Answer) -> Any:
    # Rollups have no number of rows by type of tokens.
    counted = "token_type" not in answered.question.group_by
    zero = not answered.question.field.startswith("usage.")
    rows = [
        (row.groups, row.percent, counted and row.count, row.query, values(row, zero=zero))
        for row in answered.rows
    ]
    if not zero:
        rows.sort(key=lambda row: str(row[0]))
    bins = [(each.low, each.high, each.count, each.counts) for each in answered.bins]
    rest = values(answered.rest, zero=zero) if answered.rest else None
    return rows, bins, rest


def aggregated(query: dict[str, Any], since: datetime) -> tuple[Any, Any]:
    """Return the rows of an aggregate until `NOW` from rollups and by a scan."""
    whole = AggregateQuery(since=since, until=NOW + timedelta(minutes=7, seconds=3), **query)
    answers_of = []
    for ready in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(from_rollups, "rollups_ready", lambda ready=ready: ready)
            rows = aggregate("default", whole)
        answers_of.append(sorted([_approximate(row) for row in rows], key=str))
    return answers_of[0], answers_of[1]


def _approximate(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()
    }


def full_question(question: dict[str, Any]) -> Any:
    """Return the question, about the day on which records are drawn."""
    whole = read_question({"since": "-24h", **question})
    check(whole)
    return whole


def by_rollups_and_scan(question: Question, clock: Clock) -> tuple[Answer, Answer]:
    """Return the two answers to a question."""
    fast = answer("default", question, clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "rollups_ready", lambda: False)
        return fast, answer("default", question, clock)


def test_usage_that_another_span_repeats_counts_once(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    used = {"usage": {"input": 3}}
    put(connection, span("agent", kind="agent", **used))
    put(connection, span("call", "agent", kind="generation", **used))
    with app.app_context():
        for field in ("usage.input", "input_tokens"):
            question = full_question({"grain": "spans", "measure": "sum", "field": field})
            for each in by_rollups_and_scan(question, CLOCK):
                assert [row.value for row in each.rows] == [3], (field, each.source)


def test_a_running_trace_counts_with_its_latency_so_far(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    # As the filter `latency:` of its list has it, so that a trace that never ends is found by it.
    put(connection, span("root", end_time=None))
    put(connection, span("call", "root", start_time=T0 + 1_000_000, end_time=T0 + 2_000_000))
    question = full_question({"measure": "percentile", "field": "latency", "percents": [50]})
    with app.app_context():
        for each in by_rollups_and_scan(question, CLOCK):
            assert [row.value for row in each.rows] == [pytest.approx(2, rel=0.02)], each.source
        db.session.rollback()
        # Its end takes the former value away.
        put(connection, span("root", end_time=T0 + 30_000_000))
        for each in by_rollups_and_scan(question, CLOCK):
            assert [(row.value, row.count) for row in each.rows] == [
                (pytest.approx(30, rel=0.02), 1)
            ], each.source


def check_bars(grain: Grain, text: str) -> None:
    """Check the chart of a selection from rollups against that of a scan."""
    selection = Selection(parse(text, grain), CLOCK)
    begin = NOW - timedelta(hours=25)
    fast = rolled_up("default", selection, (begin, NOW), timedelta(hours=1), grain)
    slow = histogram(
        "default", lambda table: selection.condition(grain, table), begin, NOW, 30, grain
    )
    assert fast is not None
    for fast_value, slow_value in (
        *zip(fast.bars, slow.bars, strict=True),
        (fast.total, slow.total),
    ):
        numbers = [
            (bar.start, bar.count, bar.errors, bar.cost or 0, bar.tokens)
            for bar in (fast_value, slow_value)
        ]
        assert numbers[0] == numbers[1], (grain, text)
    for name in ("p50", "p95"):
        fast_value, slow_value = getattr(fast.total, name), getattr(slow.total, name)
        assert (fast_value is None) == (slow_value is None)
        assert fast_value is None or fast_value.total_seconds() == pytest.approx(
            slow_value.total_seconds(), rel=0.05, abs=2e-6
        )


@FEW
@given(items=st.lists(RECORDS, min_size=1, max_size=10), cut=st.integers(0, 10))
def test_rollups_answer_as_a_scan_does(
    app: Flask, connection: psycopg.Connection[Any], items: list[Any], cut: int
) -> None:
    clear_tables(connection)
    for table in ("rollups", "rollup_series", "rollup_changes"):
        connection.execute(f"DELETE FROM {table}".encode())
    connection.commit()
    for number, item in enumerate(items):
        put(connection, item)
        if number == cut:
            fold.fold(connection)
    with app.app_context():
        for question in QUESTIONS:
            fast, slow = by_rollups_and_scan(full_question(question), CLOCK)
            expected = "scan" if "has:model" in question.get("query", "") else "rollup"
            assert (fast.source, slow.source) == (expected, "scan"), question
            assert comparable(fast) == comparable(slow), question
        days = full_question({"since": "2023-10-20", "until": "2023-11-15", "buckets": 30})
        fast, slow = by_rollups_and_scan(days, Clock(NOW, ZoneInfo("Europe/Berlin")))
        assert comparable(fast) == comparable(slow)
        assert not fast.frame.even
        for grain in (Grain.TRACE, Grain.SPAN):
            for text in ("", "-env:default name:n*", "start:>=2023-11-14T22:13:21Z"):
                check_bars(grain, text)
        for query in AGGREGATES:
            for since in (NOW - timedelta(days=1), from_micros(T0 + 5)):
                fast_rows, slow_rows = aggregated(query, since)
                assert fast_rows == slow_rows, query
        db.session.rollback()

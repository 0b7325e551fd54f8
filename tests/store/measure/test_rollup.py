"""Answers from rollups are those of a scan, folded or not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.drawn_records import span_patches, span_records, trace_records
from tracer.extensions import db
from tracer.measure.answer import Answer, Row
from tracer.measure.question import check, read_question
from tracer.query.moments import Clock
from tracer.store.measure import answer as answers
from tracer.store.measure.answer import answer
from tracer.store.rollups import fold

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
]


def values(row: Row) -> Any:
    """Return what is compared of a row; sums of floats differ in their last digits."""
    numbers = [row.value, row.previous, *row.values, *row.previous_values]
    return [None if value is None else pytest.approx(float(value)) for value in numbers]


def comparable(answered: Answer) -> Any:
    # Rollups have no number of rows by type of tokens.
    counted = "token_type" not in answered.question.group_by
    rows = [
        (row.groups, row.percent, counted and row.count, row.query, values(row))
        for row in answered.rows
    ]
    bins = [(each.low, each.high, each.count, each.counts) for each in answered.bins]
    rest = values(answered.rest) if answered.rest else None
    return rows, bins, rest


def asked(question: dict[str, Any]) -> Any:
    """Return the question, about the day on which records are drawn."""
    whole = read_question({"since": "-24h", **question})
    check(whole)
    return whole


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
            fast = answer("default", asked(question), CLOCK)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(answers, "rollups_ready", lambda: False)
                slow = answer("default", asked(question), CLOCK)
            expected = "scan" if "has:model" in question.get("query", "") else "rollup"
            assert (fast.source, slow.source) == (expected, "scan"), question
            assert comparable(fast) == comparable(slow), question
        db.session.rollback()

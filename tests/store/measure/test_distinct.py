"""Distinct users are exact up to a number, and beyond it estimated with an error that is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.support.store.rows import put
from tests.support.traces.records import span, trace_record
from tracer.measure.answer import Answer
from tracer.measure.question import read_question
from tracer.query.moments import Clock
from tracer.store.measure import answer as answers
from tracer.store.measure.answer import answer
from tracer.store.measure.distinct import STANDARD_ERROR

CLOCK = Clock(datetime(2026, 11, 30, tzinfo=UTC))
USERS = 5_000
_SERIES = """
    INSERT INTO rollup_series (project_id, series, grain, whole, name, environment)
    SELECT 'default', n, 'u', false, 'user ' || n, 'production' FROM generate_series(1, %s) n
"""
# Each user on two of ten days, every tenth failed on the first of them.
_DAYS = """
    INSERT INTO rollups (project_id, width, series, start, rows, errors)
    SELECT 'default', 'd', n,
        timestamptz '2026-11-01 00:00Z' + (n %% 5 + 5 * day) * interval '1 day',
        2, CASE WHEN n %% 10 = 0 AND day = 0 THEN 1 ELSE 0 END
    FROM generate_series(1, %s) n, generate_series(0, 1) day
"""


def users(**fields: Any) -> Answer:
    question = {"measure": "distinct", "field": "user", "since": "2026-11-01", **fields}
    return answer("default", read_question({"until": "2026-11-10", **question}), CLOCK)


def test_many_users_are_estimated_within_the_error_that_the_answer_names(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute(_SERIES, [USERS])
    connection.execute(_DAYS, [USERS])
    connection.commit()
    wanted = {"": USERS, "status:error": USERS // 10}
    with app.app_context():
        for query, number in wanted.items():
            exact = users(query=query, buckets=10, previous=True)
            assert (exact.source, exact.standard_error) == ("rollup", None)
            assert exact.rows[0].value == number
            with monkeypatch.context() as patch:
                patch.setattr(answers, "MAX_EXACT", USERS - 1)
                about = users(query=query, buckets=10, previous=True)
            assert about.standard_error == STANDARD_ERROR == pytest.approx(0.016, abs=0.001)
            # The hashes are the same in each run, so the estimates are, too.
            assert about.rows[0].value == pytest.approx(number, rel=3 * STANDARD_ERROR)
            assert about.rows[0].values == pytest.approx(
                exact.rows[0].values, rel=3 * STANDARD_ERROR
            )
            assert about.rows[0].previous == 0


def test_a_scan_of_many_rows_estimates_distinct_values(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"t{number}" for number in range(40)]
    put(connection, *(span("root", trace=key) for key in ids))
    put(connection, *(trace_record(trace=key, session_id=f"s{key[:2]}") for key in ids))
    question = read_question(
        {
            "measure": "distinct",
            "field": "session",
            "since": "2023-11-14",
            "until": "2023-11-14",
            "buckets": 24,
            "previous": True,
        }
    )
    with app.app_context():
        exact = answer("default", question)
        monkeypatch.setattr(answers, "MAX_COUNTED", 0)
        about = answer("default", question, previous_by_interval=False)
    assert (exact.standard_error, about.standard_error) == (None, STANDARD_ERROR)
    (row,), (estimate,) = exact.rows, about.rows
    # Two of ten values may share a register.
    assert (row.value, estimate.value) == (10, pytest.approx(10, abs=1))
    assert estimate.values == pytest.approx(row.values, abs=1)
    assert (row.previous, estimate.previous) == (0, 0)
    assert (len(row.previous_values), estimate.previous_values) == (24, [])

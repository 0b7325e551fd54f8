"""A selection over time: bars add up to a recount, percentiles are within 2 %."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.records import T0, span
from tracer.measure.buckets import bar_width
from tracer.store.traces import histogram as histograms
from tracer.store.traces.histogram import histogram, time_bounds
from tracer.times import from_micros

SECOND = 1_000_000
TRACES = st.lists(
    st.tuples(st.integers(0, 299), st.integers(1, 60_000), st.booleans(), st.integers(0, 9)),
    min_size=1,
    max_size=12,
)


def everything(_table: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.true()


def failed(table: sa.FromClause) -> sa.ColumnElement[bool]:
    condition: sa.ColumnElement[bool] = table.c.status == "error"
    return condition


def fill(connection: psycopg.Connection[Any], drawn: list[tuple[int, int, bool, int]]) -> None:
    """Store a trace per (start in seconds, length in ms, fails, cost in dollars; 0: no cost)."""
    clear_tables(connection)
    put(
        connection,
        *(
            span(
                "a",
                trace=f"t{number}",
                start_time=T0 + start * SECOND,
                end_time=T0 + start * SECOND + length * 1000,
                level="error" if fails else "default",
                usage={"input": cost} if cost else {},
                cost={"input": Decimal(cost)} if cost else {},
                cost_source="given" if cost else "",
            )
            for number, (start, length, fails, cost) in enumerate(drawn)
        ),
    )


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=TRACES, since=st.integers(0, 150), bars=st.integers(5, 60))
def test_bars_are_a_recount(
    app: Flask,
    connection: psycopg.Connection[Any],
    drawn: list[tuple[int, int, bool, int]],
    since: int,
    bars: int,
) -> None:
    fill(connection, drawn)
    start = from_micros(T0 + since * SECOND)
    with app.app_context():
        result = histogram("default", everything, start, start + timedelta(seconds=150), bars)
        failures = histogram("default", failed, start, start + timedelta(seconds=150), bars)
    shown = [each for each in drawn if since <= each[0] < since + 150]
    seconds = result.width.total_seconds()
    counted = Counter(int((each[0] - since) // seconds) for each in shown)
    assert not result.estimated
    assert len(result.bars) <= bars
    assert {round((bar.start - start) / result.width): bar.count for bar in result.bars} == counted
    assert result.total.count == len(shown)
    assert result.total.errors == failures.total.count == sum(each[2] for each in shown)
    assert result.total.cost == (sum(each[3] for each in shown) if any_cost(shown) else None)
    lengths = sorted(each[1] for each in shown)
    if lengths:
        expected = lengths[-(-95 * len(lengths) // 100) - 1]
        assert result.total.p95 is not None
        assert result.total.p95 / timedelta(milliseconds=1) == pytest.approx(expected, rel=0.02)


def any_cost(drawn: list[tuple[int, int, bool, int]]) -> bool:
    """Return whether any of the traces has a cost."""
    return any(each[3] for each in drawn)


def test_a_large_selection_is_estimated_from_a_sample(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(connection, [(number % 300, 100, number % 4 == 0, 1) for number in range(4_000)])
    connection.execute("ANALYZE traces")
    connection.commit()
    monkeypatch.setattr(histograms, "EXACT_ROWS", 1_600)
    with app.app_context():
        bounds = time_bounds("default")
        assert bounds == (from_micros(T0), from_micros(T0 + 299 * SECOND))
        until = bounds[1] + timedelta(seconds=1)
        result = histogram("default", everything, bounds[0], until)
        assert result == histogram("default", everything, bounds[0], until)
    assert result.estimated
    assert result.share == pytest.approx(0.4, rel=0.2)
    assert result.total.count == pytest.approx(4_000, rel=0.5)
    assert result.total.errors == pytest.approx(result.total.count / 4, rel=0.2)


@pytest.mark.parametrize(
    ("hours", "expected"), [(1, timedelta(minutes=1)), (24, timedelta(minutes=30))]
)
def test_bars_have_round_widths(hours: int, expected: timedelta) -> None:
    assert bar_width(timedelta(hours=hours), 60) == expected
    assert bar_width(timedelta(hours=hours), 1) >= timedelta(hours=hours)


def test_a_project_without_traces_has_no_bounds(app: Flask) -> None:
    with app.app_context():
        assert time_bounds("default") is None

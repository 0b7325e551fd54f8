"""Where values stand among those of their name, and models side by side."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.errors import Invalid
from tracer.measure.question import Question
from tracer.query.moments import Clock
from tracer.records import ScoreRecord
from tracer.store.measure.comparison import compare
from tracer.store.measure.context.standing import Measured, standings
from tracer.store.rollups import fold
from tracer.times import from_micros

SECOND = 1_000_000
NOW = from_micros(T0) + timedelta(hours=1)


@pytest.fixture
def calls(connection: psycopg.Connection[Any]) -> None:
    """Store 100 calls: of two models in turn, of 1 to 100 seconds, dearer with the second."""
    for number in range(100):
        model = "ab"[number % 2]
        put(
            connection,
            span(
                f"s{number}",
                trace=f"t{number}",
                name="chat",
                kind="generation",
                model=model,
                end_time=T0 + (number + 1) * SECOND,
                first_token_time=T0 + SECOND // 2,
                level="error" if number % 20 == 0 else "default",
                usage={"input": 60, "cache_read": 40, "output": 10},
                cost={"input": Decimal(number % 2 + 1)},
                cost_source="given",
                finish_reasons=["length"] if number % 4 == 1 else ["stop"],
            ),
            ScoreRecord(
                score_id=f"x{number}",
                name="helpful",
                data_type="numeric",
                value=0.2 + 0.6 * (number % 2) + number / 1000,
                trace_id=f"t{number}",
                time=T0,
            ),
        )
    while fold.fold(connection):
        pass


@pytest.mark.usefixtures("calls")
def test_a_slow_span_stands_above_most_of_its_name(app: Flask) -> None:
    rows = [
        Measured("slow", "generation", "chat", latency=97.5, cost=1),
        Measured("fast", "generation", "chat", latency=0.1),
        Measured("trace", None, "chat", latency=50.5),
        Measured("other", "tool", "search", latency=50.5),
    ]
    with app.app_context():
        standing = standings("default", rows, NOW)
    assert standing["slow"]["latency"].percentile == pytest.approx(97, abs=2)
    assert standing["slow"]["latency"].p50 == pytest.approx(50, rel=0.02)
    assert standing["slow"]["latency"].high
    assert standing["slow"]["latency"].count == 100
    assert standing["slow"]["cost"].percentile == pytest.approx(25)
    assert standing["fast"]["latency"].percentile == 0
    assert standing["trace"]["latency"].percentile == pytest.approx(50, abs=2)
    assert standing["other"] == {}


@pytest.mark.usefixtures("calls")
def test_two_models_are_compared_with_confidence_intervals(app: Flask) -> None:
    question = Question(since="2023-11-14", until="2023-11-15", grain="generations")
    with app.app_context():
        first, second = compare("default", "model", ["a", "b"], question, Clock(NOW))
        with pytest.raises(Invalid, match="by: expected one of"):
            compare("default", "latency", ["a", "b"], question)
        with pytest.raises(Invalid, match="values: expected two"):
            compare("default", "model", ["a"], question)
    assert (first.calls, first.traces, first.query) == (50, 50, "kind:generation model:a")
    assert first.cost_per_call is not None
    assert second.cost_per_call is not None
    assert (first.cost_per_call.value, second.cost_per_call.value) == (1, 2)
    assert second.cost_per_trace is not None
    assert second.cost_per_trace.value == 2
    assert first.errors is not None
    assert first.errors.value == pytest.approx(0.1)
    assert second.cut_off is not None
    assert second.cut_off.value == pytest.approx(0.5)
    assert first.cached is not None
    assert first.cached.value == pytest.approx(0.4)
    median, high = first.latency_p50, first.latency_p95
    assert median is not None
    assert high is not None
    assert (median.low, median.value, median.high, median.count) == (35, 50, 65, 50)
    assert (high.low, high.value, high.high) == (87, 95, 99)
    assert first.first_token is not None
    assert first.first_token.value == pytest.approx(0.5)
    assert second.scores["helpful"].value > first.scores["helpful"].high

"""What model calls repeated and did not read from the cache, and what that cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.errors import TooSlow
from tracer.measure.question import read_question
from tracer.query.moments import Clock
from tracer.records import SpanRecord
from tracer.store.measure import answer as answers
from tracer.store.measure.answer import answer
from tracer.store.measure.cells import Scan, Scanned
from tracer.store.measure.plan import Plan
from tracer.store.rollups import fold
from tracer.times import from_micros

SECOND = 1_000_000
CLOCK = Clock(from_micros(T0 + 60 * SECOND))


def call(
    number: int, uncached: int, cached: int = 0, *, span_id: str = "", **fields: Any
) -> SpanRecord:
    """Return a call that began after so many seconds, took one, and paid $10 per million tokens."""
    fields = {"name": "chat", "model": "gpt-4o", "provider": "openai", **fields}
    return span(
        span_id or f"s{number}",
        kind="generation",
        start_time=T0 + number * SECOND,
        end_time=T0 + (number + 1) * SECOND,
        usage={"input": uncached, "cache_read": cached},
        cost={"input": Decimal(uncached) / 100_000},
        cost_source="given",
        **fields,
    )


def sums(app: Flask, field: str, *group_by: str) -> dict[Any, Any]:
    question = {
        "grain": "generations",
        "measure": "sum",
        "field": field,
        "group_by": group_by,
        "since": "2023-11-14",
        "until": "2023-11-15",
    }
    with app.app_context():
        rows = answer("default", read_question(question), CLOCK).rows
    return {row.groups: row.value and float(row.value) for row in rows}


def test_a_call_that_repeats_the_call_before_misses_what_it_did_not_read(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(
        connection,
        call(0, 2000),
        call(1, 1000, 2000),  # reads all of the call before
        call(2, 4000),  # misses the 3000 tokens of the call before
        call(3, 3000, 1500),  # has more tokens than before, and misses 2500 of 4000
        call(4, 2000),  # is shorter: another conversation
        call(5, 5000, name="other"),
        call(6, 9000, model="unknown-model", name="other"),
        call(7, 9500, model="unknown-model", name="other"),  # misses, at no known price
        call(8, 500, name="short"),
        call(9, 600, name="short"),  # shorter than providers cache
    )
    while fold.fold(connection):
        pass
    assert sums(app, "missed_tokens", "name") == {
        ("other",): 9000,
        ("chat",): 5500,
        ("short",): 0,
    }
    # Half of the price: what gpt-4o charges for cached tokens.
    assert sums(app, "missed_cost") == {(): pytest.approx(5500 / 100_000 / 2)}
    assert sums(app, "missed_cost", "name", "model")["other", "unknown-model"] is None


def test_calls_that_ran_side_by_side_do_not_repeat_one_another(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *(call(0, 2000 + n, span_id=f"p{n}") for n in range(3)))
    assert sums(app, "missed_tokens") == {(): 0}


def test_a_sample_has_whole_traces(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, call(0, 2000), call(1, 3000))
    real = answers.read

    def slow(scan: Scan, plan: Plan | None = None) -> Scanned:
        if scan.share == 1:
            raise TooSlow("it takes too long")
        # All blocks of the table.
        return real(replace(scan, share=0.9999), plan)

    monkeypatch.setattr(answers, "read", slow)
    monkeypatch.setattr(answers, "SAMPLE_ROWS", 10**9)
    # The half of the rows that a sample has at most, twice.
    assert sums(app, "missed_tokens") == {(): 4000}

"""The records of a trace give the same rows and correct sums in any order."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.recount import disagreements
from tests.support.store.rows import clear_tables, put, stored_state
from tests.support.traces.drawn_records import (
    log_event_patches,
    span_patches,
    span_records,
    trace_records,
)
from tests.support.traces.records import T0, span, trace_record


def stored(
    connection: psycopg.Connection[Any], items: list[Any], sizes: Iterator[int]
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows after these items, in batches of these sizes, came into empty tables."""
    clear_tables(connection)
    waiting = iter(copy.deepcopy(items))
    while batch := list(itertools.islice(waiting, next(sizes))):
        put(connection, *batch)
        assert disagreements(connection) == []
    return stored_state(connection)


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    items=st.lists(
        span_records() | span_patches() | trace_records() | log_event_patches(),
        min_size=1,
        max_size=8,
    ),
    dice=st.randoms(use_true_random=False),
)
def test_any_order_any_batching_and_any_repetition_give_the_same_rows(
    connection: psycopg.Connection[Any], items: list[Any], dice: random.Random
) -> None:
    whole = stored(connection, items, itertools.repeat(len(items)))
    shuffled = dice.sample(items, len(items))
    assert stored(connection, shuffled, itertools.cycle([1, 2])) == whole
    assert stored(connection, [*shuffled, *items], itertools.repeat(1)) == whole


def test_the_same_batch_twice_changes_nothing_not_even_a_row_version(
    connection: psycopg.Connection[Any],
) -> None:
    batch = [
        span("a", usage={"input": 5}, input="hi"),
        span("b", "a"),
        trace_record(session_id="s"),
    ]
    put(connection, *copy.deepcopy(batch))
    before = connection.execute("SELECT ctid, * FROM spans ORDER BY span_id").fetchall()
    connection.rollback()
    put(connection, *batch)
    assert connection.execute("SELECT ctid, * FROM spans ORDER BY span_id").fetchall() == before
    connection.rollback()


def test_a_running_record_never_overwrites_a_finished_one(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("a", output="done"))
    put(connection, span("a", end_time=None, version=T0 + 10_000_000))
    rows = stored_state(connection)
    assert rows["spans"][0]["status"] == "completed"
    assert rows["span_payloads"][0]["output"] == "done"
    assert rows["traces"][0]["running_count"] == 0

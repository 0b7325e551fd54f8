"""Whatever order the records of a trace arrive in, the rows are the same, and the sums true."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.records import T0, claim, clear, everything, put, span
from tests.support.store.recount import disagreements
from tracer.merging.log_events import key_of
from tracer.records import SpanPatch, TraceRecord, process_of

# b hangs under a, c under b, d under a parent that never comes, e under itself, f and g under
# each other.
PARENTS = {"a": None, "b": "a", "c": "b", "d": "missing", "e": "e", "f": "g", "g": "f"}
PATCHES: list[dict[str, Any]] = [
    {"output": "one"},
    {"output": "two"},
    {"end_time": T0 + 99},
    {"metadata": {"k": 1}},
    {"metadata": {"k": 2, "j": 3}},
    {"level": "error"},
    {"usage": {"input": 7}},
    {"name": None},
]
RESOURCES: list[dict[str, Any]] = [{}, {"service.name": "p"}, {"service.name": "q"}]
CLAIMS: list[dict[str, Any]] = [
    {"name": "n1"},
    {"name": "n2"},
    {"name": None},
    {"session_id": "s1"},
    {"session_id": "s2"},
    {"input": "in"},
    {"input": None},
    {"start_time": T0 - 5},
    {"user_id": "u"},
]


@st.composite
def records(draw: st.DrawFn) -> Any:
    """A full record of one of the spans, running or finished."""
    span_id = draw(st.sampled_from(sorted(PARENTS)))
    start = T0 + draw(st.integers(0, 20))
    end = draw(st.none() | st.integers(-3, 9).map(lambda delta: start + delta))
    dollars = draw(st.sampled_from([None, "0.10", "0"]))
    return span(
        span_id,
        PARENTS[span_id],
        start_time=start,
        end_time=end,
        version=end or start,
        kind=draw(st.sampled_from(["span", "generation"])),
        name=draw(st.sampled_from(["n", "m"])),
        level=draw(st.sampled_from(["default", "error", "warning"])),
        model=draw(st.sampled_from([None, "gpt-4o"])),
        usage=draw(st.sampled_from([{}, {"input": 3, "output": 2}, {"input": 0}])),
        cost={} if dollars is None else {"total": Decimal(dollars)},
        cost_source=None if dollars is None else "given",
        input=draw(st.sampled_from([None, "hi", {"a": [1, 2.5]}])),
        flags=draw(st.sampled_from([[], ["truncated"]])),
        resource=draw(st.sampled_from(RESOURCES)),
    )


@st.composite
def patches(draw: st.DrawFn) -> Any:
    """An update of a span, which may come before the span."""
    return SpanPatch(
        trace_id="t",
        span_id=draw(st.sampled_from(sorted(PARENTS))),
        version=T0 + draw(st.integers(0, 5)),
        fields=draw(st.sampled_from(PATCHES)),
    )


@st.composite
def log_events(draw: st.DrawFn) -> SpanPatch:
    """An event of a span that comes beside it, as a log record does."""
    said = draw(st.sampled_from(["a", "b"]))
    field = draw(st.sampled_from(["input", "output", "finish_reasons"]))
    value: Any = (
        [said, {"n": 1}][: draw(st.integers(1, 2))] if field != "finish_reasons" else [said]
    )
    if field == "input" and draw(st.booleans()):
        value = said
    event = {
        "position": draw(st.integers(0, 1)),
        "size": 10,
        "name": "gen_ai.user.message",
        "time": None,
        "attributes": {"x": said},
        "fields": {field: [None if field == "finish_reasons" else "body", value]},
    }
    time = T0 + draw(st.integers(-3, 3))
    digest = f"{said}{field}{value!r:.30}"
    return SpanPatch(
        trace_id="t",
        span_id=draw(st.sampled_from(sorted(PARENTS))),
        version=time,
        fields={"logs": {key_of(time * 1_000, digest): event}},
    )


@st.composite
def claims(draw: st.DrawFn) -> TraceRecord:
    """Something said of the trace."""
    said = claim(
        rank=draw(st.integers(0, 4)),
        version=T0 + draw(st.integers(0, 3)),
        **draw(st.sampled_from(CLAIMS)),
    )
    said.process = process_of(draw(st.sampled_from(RESOURCES)))
    said.by_root = draw(st.booleans())
    said.first = draw(st.none() | st.integers(T0 - 9, T0))
    said.tags = draw(st.lists(st.sampled_from(["x", "y"]), max_size=2))
    said.tag_edits = draw(st.dictionaries(st.sampled_from(["x", "z"]), st.booleans(), max_size=2))
    said.editor = draw(st.sampled_from(["", "Ada"]))
    said.metadata = draw(st.sampled_from([{}, {"m": 1}, {"m": 2}]))
    return said


def stored(
    connection: psycopg.Connection[Any], items: list[Any], sizes: Iterator[int]
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows after these items, in batches of these sizes, came into empty tables."""
    clear(connection)
    waiting = iter(copy.deepcopy(items))
    while batch := list(itertools.islice(waiting, next(sizes))):
        put(connection, *batch)
        assert disagreements(connection) == []
    return everything(connection)


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    items=st.lists(records() | patches() | claims() | log_events(), min_size=1, max_size=8),
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
    batch = [span("a", usage={"input": 5}, input="hi"), span("b", "a"), claim(session_id="s")]
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
    found = everything(connection)
    assert found["spans"][0]["status"] == "completed"
    assert found["span_payloads"][0]["output"] == "done"
    assert found["traces"][0]["running_count"] == 0

"""Usage is counted once, though wrappers repeat the usage of the calls below them."""

from __future__ import annotations

import copy
import itertools
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.support.store.recount import disagreements
from tests.support.store.rows import all_rows, clear_tables, put, table_rows, trace_rows
from tests.support.traces.records import T0, span, trace_record
from tracer.records import SpanPatch

USED = {"input": 100, "output": 10}
AGENT = [
    span("agent", kind="agent", usage={"input": 300, "output": 30}, echo=True),
    span("step", "agent", kind="chain", start_time=T0 + 1),
    span("chat", "step", kind="generation", usage=USED, start_time=T0 + 2),
    span("client", "chat", kind="generation", usage=USED, start_time=T0 + 3),
    span("other", "step", kind="generation", usage=USED, start_time=T0 + 4),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_the_usage_of_wrappers_is_excluded_whenever_their_children_arrive(
    connection: psycopg.Connection[Any], order: tuple[int, ...]
) -> None:
    clear_tables(connection)
    for number in order:
        put(connection, copy.deepcopy(AGENT[number]))
    (trace,) = trace_rows(connection)
    assert trace["usage"] == {"input": 200, "output": 20}
    assert (trace["metered_count"], trace["total_tokens"]) == (2, 220)
    assert disagreements(connection) == []
    spans = {row["span_id"]: row for row in table_rows(connection, "spans")}
    assert spans["agent"]["total_tokens"] == 330
    assert [name for name in spans if spans[name]["covered"]] == ["agent", "chat", "step"]


def test_one_batch_and_many_give_the_same_rows(connection: psycopg.Connection[Any]) -> None:
    put(connection, *copy.deepcopy(AGENT))
    whole = table_rows(connection, "spans"), trace_rows(connection)
    clear_tables(connection)
    for item in AGENT:
        put(connection, copy.deepcopy(item))
    assert (table_rows(connection, "spans"), trace_rows(connection)) == whole


@pytest.mark.parametrize("sizes", [[2], [1, 1]])
def test_the_usage_of_a_span_that_is_its_own_parent_counts(
    connection: psycopg.Connection[Any], sizes: list[int]
) -> None:
    update = SpanPatch(trace_id="t", span_id="own", version=T0, fields={"usage": USED})
    items = iter([span("own", "own"), update])
    for size in sizes:
        put(connection, *itertools.islice(items, size))
    (trace,) = trace_rows(connection)
    assert trace["usage"] == USED
    assert disagreements(connection) == []


def test_a_span_that_an_update_moves_covers_its_new_ancestors(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("old"), span("new", usage=USED), span("call", "old", usage=USED))
    move = SpanPatch(trace_id="t", span_id="call", version=T0, fields={"parent_span_id": "new"})
    put(connection, move)
    (trace,) = trace_rows(connection)
    assert trace["usage"] == USED
    assert disagreements(connection) == []


CALL = [
    span("app", kind="chain"),
    span("chat", "app", kind="generation", usage=USED, call_id="msg_1"),
    span("own", "app", kind="generation", usage=USED, call_id="msg_1", echo=True),
    span("alone", "app", kind="generation", usage=USED, call_id="msg_2", echo=True),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_duplicate_report_of_a_call_counts_only_without_another_report(
    connection: psycopg.Connection[Any], order: tuple[int, ...], size: int
) -> None:
    waiting = [copy.deepcopy(CALL[number]) for number in order]
    while waiting:
        put(connection, *waiting[:size])
        waiting = waiting[size:]
    (trace,) = trace_rows(connection)
    assert (trace["total_tokens"], trace["metered_count"]) == (220, 2)
    assert disagreements(connection) == []


def test_a_wrapper_counts_where_no_child_has_usage(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("agent", kind="agent", usage=USED), span("tool", "agent", kind="tool"))
    assert trace_rows(connection)[0]["total_tokens"] == 110


def test_a_session_that_loses_its_only_cost_has_no_cost(
    connection: psycopg.Connection[Any],
) -> None:
    paid = {"cost": {"total": Decimal("0.1")}, "cost_source": "given", "usage": {"input": 3}}
    put(connection, span("a", end_time=None, **paid), trace_record(session_id="s"))
    put(connection, span("a"))
    (session,) = table_rows(connection, "sessions")
    assert (session["total_cost"], session["total_tokens"]) == (None, None)


def test_the_same_record_wins_whether_an_update_comes_with_it_or_before(
    connection: psycopg.Connection[Any],
) -> None:
    update = SpanPatch(trace_id="t", span_id="a", version=T0, fields={"output": "one"})
    cut, whole = span("a", flags=["truncated"]), span("a")
    results = []
    for batches in ([[update, cut], [whole]], [[whole], [update, cut]]):
        clear_tables(connection)
        for batch in batches:
            put(connection, *copy.deepcopy(batch))
        results.append(all_rows(connection))
    assert results[0] == results[1]


def test_a_trace_without_its_root_has_the_name_of_its_topmost_span(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("late", "missing", start_time=T0 + 9, input="second"))
    put(connection, span("inner", "early", start_time=T0 + 2))
    put(connection, span("early", "missing", start_time=T0 + 1, input="first", level="error"))
    (trace,) = trace_rows(connection)
    assert (trace["name"], trace["input_preview"]) == ("early", "first")
    assert (trace["root_span_id"], trace["status"]) == ("early", "error")
    put(connection, span("missing", input="asked"))
    (trace,) = trace_rows(connection)
    assert (trace["name"], trace["input_preview"]) == ("missing", "asked")
    assert (trace["root_span_id"], trace["status"]) == ("missing", "completed")


CALL_WITH_A_TOOL = [
    span("run", kind="chain"),
    span("call", "run", kind="generation", usage={"input": 1000, "output": 100}),
    span("tool", "call", kind="tool"),
    span("helper", "tool", kind="agent"),
    span("inner", "helper", kind="generation", usage={"input": 50, "output": 5}),
]
ONE_ANSWER = [
    span("agent", kind="agent"),
    span("gateway", "agent", kind="generation", usage=USED, call_id="answer"),
    span("client", "agent", kind="generation", usage=USED, call_id="answer"),
]
A_COPY_ON_THE_PARENT = [
    span("handler", usage=USED),
    span("call", "handler", kind="generation", usage=USED),
]
A_COPY_BESIDE_A_TOOL = [
    span("call", kind="generation", usage=USED),
    span("client", "call", kind="generation", usage=USED),
    span("tool", "call", kind="tool"),
    span("inner", "tool", kind="generation", usage={"input": 7, "output": 1}),
]


@pytest.mark.parametrize("sizes", [[9], [1, 1, 1, 1, 1], [2, 9]])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        (CALL_WITH_A_TOOL, {"input": 1050, "output": 105}),
        (ONE_ANSWER, USED),
        (A_COPY_ON_THE_PARENT, USED),
        (A_COPY_BESIDE_A_TOOL, {"input": 107, "output": 11}),
    ],
)
def test_a_call_counts_itself_and_a_copy_of_a_call_does_not_count(
    connection: psycopg.Connection[Any],
    spans: list[Any],
    expected: dict[str, int],
    reverse: bool,
    sizes: list[int],
) -> None:
    waiting = copy.deepcopy(spans[::-1] if reverse else spans)
    for size in sizes:
        put(connection, *waiting[:size])
        waiting = waiting[size:]
    assert trace_rows(connection)[0]["usage"] == expected
    assert disagreements(connection) == []

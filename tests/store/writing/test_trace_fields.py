"""A trace belongs to its root and the root's process, in whatever order the records arrive."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import psycopg
import pytest

from tests.support.store.rows import clear_tables, put, trace_rows
from tests.support.traces.records import T0, span
from tracer.merging.claims import MAX_PROCESSES
from tracer.records import (
    RANK_CREATE,
    RANK_IMPLIED,
    RANK_RESOURCE,
    RANK_SPAN,
    SpanRecord,
    TraceRecord,
    process_of,
)

MAIN = {"service.name": "chat", "deployment.environment": "production"}
JOINED = {"service.name": "chat", "deployment.environment": "staging"}

ROOT = span("root", start_time=T0, input="question", output="answer", resource=MAIN)
CHILD = span("child", "root", start_time=T0 + 50, input="sub task", resource=JOINED)


def sent(
    rank: int, resource: dict[str, Any], start: int = T0, *, by_root: bool = False, **fields: Any
) -> TraceRecord:
    """Return what a span of a process sends of its trace."""
    return TraceRecord(
        trace_id="t",
        rank=rank,
        version=start,
        process=process_of(resource),
        by_root=by_root,
        first=start,
        fields=fields,
    )


def stand_in(start: int = T0 + 50, **fields: Any) -> TraceRecord:
    """Return what a span implies that stands in for the root in a process that joined."""
    return sent(RANK_IMPLIED, JOINED, start, **{"name": "specialist", **fields})


# What is sent, beside the fields that the trace must have.
CASES: dict[str, tuple[list[SpanRecord | TraceRecord], dict[str, Any]]] = {
    "what the root sent beats what is implied": (
        [
            ROOT,
            sent(RANK_SPAN, MAIN, by_root=True, name="chat request", input="asked", output="told"),
            CHILD,
            stand_in(input="sub task", output="sub result"),
        ],
        {
            "name": "chat request",
            "input": "asked",
            "output": "told",
            "input_preview": "asked",
            "output_preview": "told",
        },
    ),
    "the root's own name and texts beat those of a span that stands in": (
        [ROOT, CHILD, stand_in(input="sub task", output="sub result")],
        {
            "name": "root",
            "input": None,
            "input_preview": "question",
            "output": None,
            "output_preview": "answer",
        },
    ),
    "a root without texts shows those of a span that stands in": (
        [span("root", resource=MAIN), CHILD, stand_in(input="sub task", output="sub result")],
        {"name": "root", "input": "sub task", "input_preview": "sub task", "output": "sub result"},
    ),
    "without a root the span that stands in names the trace": (
        [CHILD, stand_in(input="sub task")],
        {"name": "specialist", "input": "sub task"},
    ),
    "a name that was sent beats the root's own": (
        [ROOT, CHILD, sent(RANK_SPAN, JOINED, T0 + 50, name="support", output="done")],
        {
            "name": "support",
            "output": "done",
            "output_preview": "done",
            "input_preview": "question",
        },
    ),
    "the resource of the root's process beats that of one that joined": (
        [
            ROOT,
            sent(RANK_RESOURCE, MAIN, environment="production", version="1", release="a"),
            CHILD,
            sent(RANK_RESOURCE, JOINED, T0 + 50, environment="staging", version="2", release="b"),
        ],
        {"environment": "production", "version": "1", "release": "a"},
    ),
    "the resource of the root's process beats a span of one that joined": (
        [
            ROOT,
            sent(RANK_RESOURCE, MAIN, environment="production"),
            CHILD,
            sent(RANK_SPAN, JOINED, T0 + 50, environment="staging", user_id="u"),
        ],
        {"environment": "production", "user_id": "u"},
    ),
    "any span of the root's process beats a process that joined": (
        [
            span("root", resource=MAIN),
            sent(RANK_SPAN, MAIN, T0 + 10, name="chat", input="asked", session_id="s"),
            sent(RANK_RESOURCE, MAIN, environment="production"),
            CHILD,
            sent(RANK_SPAN, JOINED, T0 + 50, name="sub", input="sub task", session_id="s2"),
            sent(RANK_SPAN, JOINED, T0 + 50, environment="staging"),
        ],
        {"name": "chat", "input": "asked", "session_id": "s", "environment": "production"},
    ),
    "the clock of the root's process may be late": (
        [
            ROOT,
            sent(RANK_SPAN, MAIN, environment="production"),
            span("child", "root", start_time=T0 - 90, resource=JOINED),
            sent(RANK_SPAN, JOINED, T0 - 90, environment="staging"),
        ],
        {"environment": "production"},
    ),
    "without a root the process that joined first counts": (
        [
            span("child", "gone", start_time=T0 + 50, resource=JOINED),
            sent(RANK_RESOURCE, JOINED, T0 + 50, environment="staging"),
            span("inner", "child", start_time=T0 + 60, resource={"service.name": "third"}),
            sent(RANK_SPAN, {"service.name": "third"}, T0 + 60, environment="third"),
        ],
        {"environment": "staging"},
    ),
    "within a process the root beats the others, and then the latest counts": (
        [
            ROOT,
            sent(RANK_SPAN, MAIN, by_root=True, name="first", user_id="u1"),
            sent(RANK_SPAN, MAIN, T0 + 20, name="second", release="a"),
            sent(RANK_SPAN, MAIN, T0 + 30, release="b"),
            sent(RANK_RESOURCE, MAIN, T0 + 40, release="c"),
        ],
        {"name": "first", "user_id": "u1", "release": "b"},
    ),
    "an API call beats every span": (
        [
            ROOT,
            sent(RANK_SPAN, MAIN, by_root=True, name="first", input="asked"),
            TraceRecord(
                trace_id="t", rank=RANK_CREATE, version=1, fields={"name": "called", "input": 1}
            ),
        ],
        {"name": "called", "input": 1},
    ),
    "the input of the first generation stands for that of a root without one": (
        [
            span("root"),
            span("b", "root", start_time=T0 + 20, kind="generation", input="later"),
            span("a", "root", start_time=T0 + 10, kind="generation", input="first"),
            span("c", "root", start_time=T0 + 5, kind="tool", input="a tool's"),
        ],
        {"input": None, "input_preview": "first", "output_preview": None},
    ),
    "a root with an input needs none of a generation": (
        [ROOT, span("a", "root", kind="generation", input="first")],
        {"input_preview": "question"},
    ),
    "a trace with an input needs none of a generation": (
        [
            span("root"),
            sent(RANK_SPAN, {}, by_root=True, input="asked"),
            span("a", "root", kind="generation", input="first"),
        ],
        {"input": "asked", "input_preview": "asked"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_trace_has_the_fields_of_its_root_in_any_order(
    connection: psycopg.Connection[Any], name: str
) -> None:
    records, fields = CASES[name]
    orders = list(itertools.permutations(records))
    for order in orders[:: max(len(orders) // 12, 1)]:
        for size in (1, 2, len(order)):
            clear_tables(connection)
            for batch in _batches(order, size):
                put(connection, *copy.deepcopy(batch))
            [trace] = trace_rows(connection)
            assert {field: trace[field] for field in fields} == fields


def _batches(order: tuple[Any, ...], size: int) -> list[tuple[Any, ...]]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def test_an_update_of_the_first_generation_moves_the_preview(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("root"), span("a", "root", kind="generation", end_time=None, input="one"))
    put(connection, span("b", "root", start_time=T0 + 9, kind="generation", input="two"))
    put(connection, span("a", "root", kind="generation", input="one and more"))
    assert trace_rows(connection)[0]["input_preview"] == "one and more"
    put(connection, span("a", "root", kind="tool", version=T0 + 10_000_000, input="arguments"))
    assert trace_rows(connection)[0]["input_preview"] == "two"


def test_the_preview_is_that_of_the_first_generation_when_the_root_loses_its_input(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("root", end_time=None, input="early"))
    put(connection, span("a", "root", kind="generation", input="asked"))
    assert trace_rows(connection)[0]["input_preview"] == "early"
    put(connection, span("root"))
    assert trace_rows(connection)[0]["input_preview"] == "asked"


def test_a_trace_of_many_processes_remembers_the_root_and_the_first_to_join(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, ROOT, sent(RANK_SPAN, MAIN, environment="production"))
    for number in range(3 * MAX_PROCESSES):
        resource = {"service.name": f"worker {number}"}
        put(connection, sent(RANK_SPAN, resource, T0 + number, environment="staging", release="r"))
    [trace] = trace_rows(connection)
    assert (trace["environment"], trace["release"]) == ("production", "r")
    assert len(trace["claims"]["processes"]) == MAX_PROCESSES


def test_two_resources_of_one_process_are_one_process() -> None:
    names = {"service.name": "chat", "host.name": "h", "process.pid": 7}
    assert process_of({**names, "telemetry.sdk.name": "a"}) == process_of(names)
    assert process_of({**names, "process.pid": 8}) != process_of(names)
    assert process_of({}) == ""

"""Langfuse's events give the same rows in any order and batching, the rows of Langfuse's rules."""

from __future__ import annotations

import itertools
import random
from typing import Any

import msgspec
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.recount import disagreements
from tests.support.store.rows import all_rows, clear_tables
from tracer.records import Json
from tracer.store.writing.transaction import store
from tracer.wire.langfuse.ingestion import Stored, decode_ingestion
from tracer.wire.request_context import RequestContext

T = "2026-01-01T00:00:{:02}.000Z"
NOTHING = Stored(trace_of=lambda _: None, config_of=lambda _: None)
RECEIPT = RequestContext(time=0, max_value_bytes=1_000_000)

times = st.integers(0, 59).map(T.format)
nested = st.recursive(
    st.sampled_from([None, 1, "x", [1], {}]),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c/d"]), inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c/d"]), nested, max_size=3)
texts = st.sampled_from([None, "one", "two"])
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "name": texts,
        "startTime": times,
        "endTime": times,
        "metadata": objects,
        "input": texts,
        "output": texts,
        "level": st.sampled_from([None, "ERROR", "DEFAULT"]),
        "model": texts,
        "usage": st.sampled_from([{"input": 3}, {"promptTokens": 4, "completionTokens": 1}]),
        "environment": st.sampled_from(["one", "two"]),
        "parentObservationId": st.just("p"),
    },
)
TRACES = st.fixed_dictionaries(
    {"id": st.just("t")},
    optional={
        "name": texts,
        "timestamp": times,
        "metadata": objects,
        "input": texts,
        "tags": st.lists(st.sampled_from("xyz"), max_size=2),
        "environment": st.sampled_from(["one", "two"]),
        "public": st.booleans(),
    },
)


def _event(kind: str, time: str, body: Json) -> Json:
    return {"id": "e", "timestamp": time, "type": kind, "body": body}


observed = st.builds(
    lambda kind, time, span, body: _event(kind, time, {"id": span, "traceId": "t", **body}),
    st.sampled_from(["span-create", "span-update", "generation-create", "generation-update"]),
    times,
    st.sampled_from(["s", "p"]),
    BODIES,
)
# Events of one thing at the same moment have no order: here each has a moment of its own.
events = st.lists(
    observed | st.builds(_event, st.just("trace-create"), times, TRACES),
    min_size=1,
    max_size=6,
    unique_by=lambda event: event["timestamp"],
)


def stored(connection: psycopg.Connection[Any], batches: list[list[Json]]) -> Any:
    clear_tables(connection)
    for batch in batches:
        body = msgspec.json.encode({"batch": batch})
        decoded = decode_ingestion(body, RECEIPT, NOTHING)
        assert [outcome.refusal for outcome in decoded.outcomes] == [None] * len(batch)
        store(connection, [("default", decoded.batch)])
        assert disagreements(connection) == []
    return all_rows(connection)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=events, dice=st.randoms(use_true_random=False))
def test_any_order_and_any_batching_give_the_same_rows(
    connection: psycopg.Connection[Any], sent: list[Json], dice: random.Random
) -> None:
    whole = stored(connection, [sent])
    shuffled = dice.sample(sent, len(sent))
    assert stored(connection, [[item] for item in shuffled]) == whole
    assert stored(connection, [shuffled, sent]) == whole


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=events)
def test_the_row_equals_the_result_of_langfuses_rules(
    connection: psycopg.Connection[Any], sent: list[Json]
) -> None:
    rows = stored(connection, [sent])
    mine = [item for item in sent if item["body"]["id"] == "s"]
    if not mine:
        return
    wanted = _merged(mine)
    row = next(row for row in rows["spans"] if row["span_id"] == "s")
    payload = next(row for row in rows["span_payloads"] if row["span_id"] == "s")
    assert row["name"] == (wanted.get("name") or "")
    assert row["model"] == wanted.get("model")
    assert row["level"] == (wanted.get("level") or "DEFAULT").lower()
    assert row["kind"] == wanted["kind"]
    assert row["start_time"][17:19] == wanted["startTime"][17:19]
    assert (row["end_time"] is None) == (wanted.get("endTime") is None)
    assert payload["input"] == wanted.get("input")
    assert (payload["metadata"] or {}) == wanted["metadata"]


def _merged(sent: list[Json]) -> dict[str, Json]:
    """Merge one event after the other, by a second implementation of the rules."""
    order = sorted(sent, key=lambda item: ("update" in item["type"], item["timestamp"]))
    merged: dict[str, Json] = {"metadata": {}}
    times = [item["body"]["startTime"] for item in order if item["body"].get("startTime")]
    merged["startTime"] = [*times, order[0]["timestamp"]][0]
    timed = [item for item in order if item["body"].get("startTime")] or order
    merged["kind"] = timed[0]["type"].partition("-")[0]
    for item in order:
        for name, value in item["body"].items():
            if name == "metadata":
                _deepen(merged["metadata"], value)
            elif name != "startTime" and not (name == "input" and value is None):
                merged[name] = value
    return merged


def _deepen(target: dict[str, Json], new: dict[str, Json]) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _deepen(target[key], value)
        elif isinstance(value, dict):
            target[key] = {}
            _deepen(target[key], value)
        else:
            target[key] = value


def test_a_create_comes_before_every_update_however_late_it_is(
    connection: psycopg.Connection[Any],
) -> None:
    late = _event("span-create", T.format(9), {"id": "s", "traceId": "t", "name": "create"})
    early = _event("span-update", T.format(1), {"id": "s", "traceId": "t", "name": "update"})
    for batches in itertools.permutations([[late], [early]]):
        assert stored(connection, [*batches])["spans"][0]["name"] == "update"

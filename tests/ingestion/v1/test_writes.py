"""The writes of the JSON API over HTTP, on a real database."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.responses import json_of
from tracer.wire.native.requests import SpanUpdate, TraceUpdate

START = "2026-01-01T00:00:00.000000Z"
END = "2026-01-01T00:00:01.500000Z"


def test_a_trace_is_returned_as_sent_with_the_sums_of_its_spans(client: FlaskClient):
    sent = {
        "id": "t1",
        "name": "ask",
        "user_id": "u",
        "session_id": "s",
        "environment": "prod",
        "release": "r1",
        "version": "v1",
        "tags": ["b", "a", 7, 0.5, True],
        "metadata": {"k": [1, {"x": None}]},
        "input": {"q": "?"},
        "output": "!",
        "public": True,
    }
    made = json_of(client.post("/api/v1/traces", json=sent))
    assert {name: made[name] for name in sent if name != "tags"} == {
        name: value for name, value in sent.items() if name != "tags"
    }
    assert set(made["tags"]) == {"a", "b", "7", "0.5", "true"}
    generation = {
        "model": "some-model",
        "usage": {"input_tokens": 10, "output_tokens": 5},
        "cost": {"input": 0.1, "output": 0.2},
        "start_time": START,
        "end_time": END,
    }
    json_of(client.post("/api/v1/traces/t1/generations", json=generation))
    now = json_of(client.get("/api/v1/traces/t1"), 200)
    assert (now["span_count"], now["duration_ms"], now["status"]) == (1, 1500.0, "completed")
    assert (now["start_time"], now["end_time"]) == (START, END)
    assert (now["input_tokens"], now["output_tokens"], now["total_tokens"]) == (10, 5, 15)
    assert now["usage"] == {"input": 10, "output": 5}
    assert now["total_cost"] == pytest.approx(0.3)
    assert now["url"] == "http://localhost/project/default/traces/t1"


def test_a_span_is_returned_as_sent(client: FlaskClient):
    sent = {
        "id": "s1",
        "parent_id": "p",
        "name": "look up",
        "kind": "tool",
        "start_time": START,
        "end_time": END,
        "completion_start_time": "2026-01-01T00:00:00.500000Z",
        "level": "warning",
        "status_message": "slow",
        "model": "m",
        "provider": "openai",
        "model_parameters": {"temperature": 0.5},
        "usage": {"input": 1},
        "cost": {"input": 0.25},
        "prompt_name": "p",
        "prompt_version": 3,
        "input": ["a", 1.5, None],
        "output": {"text": "é\U0001f600"},
        "metadata": {"a": {"b": 1}},
        "attributes": {"x.y": True},
        "events": [{"name": "e", "time": START, "attributes": {"k": 1}}],
    }
    made = json_of(client.post("/api/v1/traces/t/spans", json=sent))
    assert {name: made[name] for name in sent} == sent
    assert made["trace_id"] == "t"
    assert made["status"] == "completed"
    assert made == json_of(client.get("/api/v1/traces/t/spans/s1"), 200)


def test_the_server_makes_ids_where_the_client_sends_none(client: FlaskClient):
    trace = json_of(client.post("/api/v1/traces", json={}))
    assert len(trace["id"]) == 32
    span = json_of(client.post(f"/api/v1/traces/{trace['id']}/spans", json={}))
    assert len(span["id"]) == 16
    assert len(json_of(client.post("/api/v1/scores", json=_score(trace["id"])))["id"]) == 32


def _score(trace_id: str, **fields: Any) -> dict[str, Any]:
    return {"trace_id": trace_id, "name": "quality", "value": 0.5, **fields}


@pytest.mark.parametrize("trace_id", ["a/b", "a%2Fb", "ü?#&", "x" * 800, "../..", " "])
def test_ids_are_free_strings(client: FlaskClient, trace_id: str):
    made = json_of(client.post("/api/v1/traces", json={"id": trace_id}))
    assert made["id"] == trace_id
    path = made["url"].partition("/traces/")[2]
    assert json_of(client.get(f"/api/v1/traces/{path}"), 200)["id"] == trace_id


def test_a_span_without_an_end_is_running_until_it_is_updated(client: FlaskClient):
    made = json_of(client.post("/api/v1/traces/t/spans", json={"id": "s", "start_time": START}))
    assert (made["status"], made["end_time"], made["duration_ms"]) == ("running", None, None)
    trace = json_of(client.get("/api/v1/traces/t"), 200)
    assert (trace["status"], trace["end_time"], trace["running_count"]) == ("running", None, 1)
    done = json_of(client.patch("/api/v1/traces/t/spans/s", json={"end_time": END}), 200)
    assert (done["status"], done["duration_ms"]) == ("completed", 1500.0)
    assert json_of(client.get("/api/v1/traces/t"), 200)["status"] == "completed"


def test_an_update_may_arrive_before_its_create(client: FlaskClient):
    early = json_of(client.patch("/api/v1/traces/t/spans/s", json={"output": "done"}), 200)
    assert (early["id"], early["output"]) == ("s", "done")
    sent = {"id": "s", "name": "n", "start_time": START, "end_time": END}
    made = json_of(client.post("/api/v1/traces/t/spans", json=sent))
    assert (made["name"], made["output"], made["status"]) == ("n", "done", "completed")
    assert json_of(client.get("/api/v1/traces/t"), 200)["span_count"] == 1


def test_a_trace_may_be_updated_before_it_is_created(client: FlaskClient):
    early = json_of(client.patch("/api/v1/traces/t", json={"name": "late", "tags": ["x"]}), 200)
    assert (early["name"], early["tags"]) == ("late", ["x"])
    made = json_of(client.post("/api/v1/traces", json={"id": "t", "name": "early", "user_id": "u"}))
    assert (made["name"], made["user_id"]) == ("late", "u")


def test_an_update_changes_what_it_names_and_clears_what_is_null(client: FlaskClient):
    fields = {"name": "n", "user_id": "u", "release": "r", "metadata": {"a": 1}}
    json_of(client.post("/api/v1/traces", json={"id": "t", **fields}))
    now = json_of(
        client.patch("/api/v1/traces/t", json={"user_id": None, "metadata": {"b": 2}}), 200
    )
    assert (now["name"], now["user_id"], now["release"]) == ("n", None, "r")
    assert now["metadata"] == {"a": 1, "b": 2}
    json_of(client.post("/api/v1/traces/t/spans", json={"id": "s", "model": "m", "input": 1}))
    now = json_of(client.patch("/api/v1/traces/t/spans/s", json={"model": None, "output": 2}), 200)
    assert (now["model"], now["input"], now["output"]) == (None, 1, 2)


@pytest.mark.parametrize(("noun", "kind"), [("generations", "generation"), ("events", "event")])
def test_a_route_of_a_kind_makes_spans_of_that_kind(client: FlaskClient, noun: str, kind: str):
    made = json_of(client.post(f"/api/v1/traces/t/{noun}", json={"id": "a", "start_time": START}))
    assert made["kind"] == kind
    assert made["end_time"] == (START if kind == "event" else None)
    made = json_of(client.patch(f"/api/v1/traces/t/{noun}/a", json={"name": "n"}), 200)
    assert (made["kind"], made["name"]) == (kind, "n")


def test_the_same_span_again_replaces_it_and_counts_once(client: FlaskClient):
    for name in ("one", "two"):
        span = {"id": "s", "name": name, "start_time": START, "end_time": END}
        json_of(client.post("/api/v1/traces/t/spans", json=span))
    assert json_of(client.get("/api/v1/traces/t/spans/s"), 200)["name"] == "two"
    assert json_of(client.get("/api/v1/traces/t"), 200)["span_count"] == 1


def test_a_score_is_read_back_beside_its_trace(client: FlaskClient):
    json_of(client.post("/api/v1/traces", json={"id": "t"}))
    made = json_of(client.post("/api/v1/scores", json=_score("t", id="x", value=True)))
    assert (made["value"], made["data_type"], made["source"]) == (True, "boolean", "api")
    assert json_of(client.get("/api/v1/traces/t/scores"), 200) == {"data": [made]}
    again = json_of(
        client.post("/api/v1/scores", json=_score("t", id="x", value="bad", comment="c"))
    )
    assert json_of(client.get("/api/v1/traces/t/scores"), 200) == {"data": [again]}
    assert (again["value"], again["data_type"]) == ("bad", "categorical")


def test_a_score_of_a_session_is_read_back_beside_it(client: FlaskClient):
    made = json_of(client.post("/api/v1/scores", json={"session_id": "s", "name": "q", "value": 1}))
    assert json_of(client.get("/api/v1/sessions/s/scores"), 200) == {"data": [made]}


def test_a_batch_stores_valid_items_and_names_invalid_ones(client: FlaskClient):
    span = {"trace_id": "t", "start_time": START, "end_time": END}
    batch = {
        "traces": [{"id": "t", "name": "n"}, {"id": "u", "nmae": "n"}],
        "spans": [{**span, "id": "a"}, 5, {**span, "id": "b", "end_time": 7}, {**span, "id": "c"}],
        "scores": [_score("t"), _score("t", value=None)],
    }
    answer = json_of(client.post("/api/v1/batch", json=batch), 200)
    assert (answer["accepted"], answer["refused"]) == (4, 4)
    statuses = {result["item"]: result["status"] for result in answer["results"]}
    assert statuses == {
        "traces[0]": 201,
        "traces[1]": 400,
        "spans[0]": 201,
        "spans[1]": 400,
        "spans[2]": 400,
        "spans[3]": 201,
        "scores[0]": 201,
        "scores[1]": 400,
    }
    [error] = answer["results"][1]["errors"]
    assert (error["item"], error["field"]) == ("traces[1]", "nmae")
    assert "did you mean `name`" in error["expected"]
    assert json_of(client.get("/api/v1/traces/t"), 200)["span_count"] == 2
    assert client.get("/api/v1/traces/u").status_code == 404


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_any_json_is_returned_as_it_was_sent(client: FlaskClient, value: Any):
    made = json_of(client.post("/api/v1/traces/t/spans", json={"id": "s", "input": value}))
    # PostgreSQL can't hold a NUL: it is replaced, and the span is flagged.
    has_nul = "\\u0000" in json.dumps(value)
    assert made["flags"] == (["cleaned"] if has_nul else [])
    assert (made["input"] == value) is not has_nul


def test_every_field_that_may_be_null_can_be_cleared(client: FlaskClient):
    json_of(client.post("/api/v1/traces", json={"id": "t", "name": "n", "tags": ["a"], "input": 1}))
    fields = [*TraceUpdate.__struct_fields__]
    fields.remove("public")
    now = json_of(client.patch("/api/v1/traces/t", json=dict.fromkeys(fields)), 200)
    assert (now["name"], now["tags"], now["input"]) == ("", [], None)
    json_of(
        client.post("/api/v1/traces/t/spans", json={"id": "s", "usage": {"input": 1}, "cost": {}})
    )
    fields = [*SpanUpdate.__struct_fields__]
    for name in ("kind", "level", "start_time", "parent_span_id", "total_cost"):
        fields.remove(name)
    now = json_of(client.patch("/api/v1/traces/t/spans/s", json=dict.fromkeys(fields)), 200)
    assert (now["name"], now["usage"], now["cost"], now["events"]) == ("", {}, {}, [])
    assert json_of(client.get("/api/v1/traces/t"), 200)["total_tokens"] is None


def test_a_trace_may_have_times_of_its_own(client: FlaskClient):
    made = json_of(
        client.post("/api/v1/traces", json={"id": "t", "start_time": START, "end_time": END})
    )
    assert (made["start_time"], made["end_time"], made["duration_ms"]) == (START, END, 1500.0)
    now = json_of(client.patch("/api/v1/traces/t", json={"end_time": START}), 200)
    assert now["duration_ms"] == 0
    json_of(client.patch("/api/v1/traces/t", json={"end_time": "2025-01-01T00:00:00Z"}), 200)
    json_of(client.get("/api/v1/traces"), 200)


def test_one_trace_written_by_many_at_once_has_every_span(app: Flask):
    def write(number: int) -> int:
        client = app.test_client()
        spans = [{"trace_id": "t", "parent_id": "root"} for _ in range(5)]
        root = {"id": "root", "name": f"by {number}"}
        json_of(client.post("/api/v1/traces/t/spans", json=root))
        return int(json_of(client.post("/api/v1/batch", json={"spans": spans}), 200)["accepted"])

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(16))) == 80
    client = app.test_client()
    assert json_of(client.get("/api/v1/traces/t"), 200)["span_count"] == 81
    page = json_of(client.get("/api/v1/traces/t/spans?parent=root&limit=1000"), 200)
    assert len({row["id"] for row in page["data"]}) == 80

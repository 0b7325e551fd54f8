"""Invalid input to the JSON API: a clear error or a flagged span, and no other item is lost."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.responses import json_of, problem_of


def test_a_refusal_names_the_field_and_what_was_expected(client: FlaskClient):
    answer = client.post("/api/v1/traces/t/spans", json={"start_time": "yesterday"})
    [error] = problem_of(answer)["errors"]
    assert error["field"] == "start_time"
    assert error["expected"].endswith('got "yesterday"')
    assert client.get("/api/v1/traces/t").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'"\xff"', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, body: bytes):
    for path in ("/api/v1/traces", "/api/v1/batch", "/api/v1/scores"):
        problem_of(client.post(path, data=body, content_type="application/json"))


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_a_content_type_that_a_web_page_may_send_is_refused(client: FlaskClient, content_type: str):
    problem_of(client.post("/api/v1/traces", data=b"{}", content_type=content_type), 415)


def test_no_response_allows_other_origins_to_read(client: FlaskClient):
    for method in (client.get, client.options, client.post):
        answer = method("/api/v1/traces", headers={"Origin": "https://example.org"})
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_compressed_bodies_are_read_and_bombs_refused(client: FlaskClient):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    body = gzip.compress(b'{"id":"t"}')
    assert json_of(client.post("/api/v1/traces", data=body, headers=headers))["id"] == "t"
    bomb = gzip.compress(b" " * 100_000_000)
    problem_of(client.post("/api/v1/traces", data=bomb, headers=headers), 413)


@pytest.mark.parametrize(
    "poison",
    [
        b"[" * 20_000 + b"]" * 20_000,
        b"NaN",
        b"-Infinity",
        b"1e999",
        b'"\\ud83d"',
        b'"\\u0000"',
        b'{"\\u0000": "\\udead"}',
        b"9" * 5000,
        b'"' + b"x" * 2_000_000 + b'"',
    ],
    ids=["deep", "nan", "infinity", "huge", "surrogate", "nul", "key", "digits", "long"],
)
def test_json_that_postgresql_cannot_store_is_cleaned_and_flagged(
    client: FlaskClient, poison: bytes
):
    body = b'{"spans":[{"trace_id":"t","id":"a","input":%s,"metadata":{"x":%s}},' % (poison, poison)
    body += b'{"trace_id":"t","id":"b","input":1}],"traces":[{"id":"t","input":%s,' % poison
    body += b'"metadata":{"x":%s}}]}' % poison
    answer = json_of(client.post("/api/v1/batch", data=body, content_type="application/json"), 200)
    assert (answer["accepted"], answer["refused"]) == (3, 0)
    json_of(client.get("/api/v1/traces/t"), 200)
    flags = json_of(client.get("/api/v1/traces/t/spans/a"), 200)["flags"]
    assert flags or poison.startswith(b"9")


@pytest.mark.parametrize(
    "item",
    [
        {"trace_id": "t", "id": "\ud83d"},
        {"trace_id": "t", "id": "a", "\ud83d": 1},
        {"trace_id": "t", "id": "a", "events": [{"\ud83d": 1}]},
        {"trace_id": "t", "id": "a", "kind": "\ud83d"},
        {"trace_id": "t", "id": "a", "cost": {"\ud83d": -1}},
        {"trace_id": "t", "id": "a", "cost": {"input": 1, "\x00": "\ud83d"}},
    ],
)
def test_a_refusal_of_text_that_cannot_be_encoded_can_be_read(client: FlaskClient, item: Any):
    answer = json_of(client.post("/api/v1/batch", json={"spans": [item]}), 200)
    assert answer["refused"] == 1
    problem_of(client.post("/api/v1/traces/t/spans", json=item))


def test_the_keys_of_open_objects_are_cleaned(client: FlaskClient):
    keys = ("usage", "cost", "metadata", "attributes", "model_parameters")
    sent = {key: {"a\x00": 1, "\ud83d": 2} for key in keys}
    made = json_of(client.post("/api/v1/traces/t/spans", json=sent))
    assert [list(made[key]) for key in keys] == [["a\ufffd", "\ufffd"]] * 5
    assert made["flags"] == ["cleaned"]


def test_ids_that_fill_an_index_row_affect_no_other_item(client: FlaskClient):
    wide = "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(800))
    spans = [{"trace_id": wide, "id": wide[::-1], "parent_id": wide}, {"trace_id": "t", "id": "b"}]
    traces = [{"id": "t2", "session_id": wide, "user_id": wide, "name": wide}]
    answer = json_of(client.post("/api/v1/batch", json={"spans": spans, "traces": traces}), 200)
    assert [result["status"] for result in answer["results"]] == [201, 422, 201]
    assert "index row size" in answer["results"][1]["errors"][0]["expected"]
    assert answer["results"][1]["errors"][0]["item"] == "spans[0]"
    problem_of(client.post("/api/v1/traces", json={"id": wide, "session_id": wide}), 422)


def test_an_error_of_usage_names_the_key(client: FlaskClient):
    sent = {"input": 1, "output": "\ud83d", "\ud83d": -1, "a\x00": {"\ud83d": 3}}
    made = json_of(client.post("/api/v1/traces/t/spans", json={"id": "s", "usage": sent}))
    assert made["usage"] == {"input": 1, "a\ufffd.\ufffd": 3}
    assert made["notes"]["usage"]["ignored"] == ["output", "\ufffd"]


@pytest.mark.parametrize(
    "span",
    [
        {"id": "s", "parent_id": "s"},
        {"id": "s", "start_time": "2026-01-01T00:00:01Z", "end_time": "2026-01-01T00:00:00Z"},
        {"id": "s", "usage": {"x" * 500: 10**12}, "cost": {"y": 1e9}},
        {"id": "s", "start_time": "9998-12-31T23:59:59.999999Z"},
        {"id": "s", "name": "x" * 2000, "model": "\U0001f600" * 2000, "provider": ""},
    ],
)
def test_strange_spans_are_stored_and_read(client: FlaskClient, span: Any):
    json_of(client.post("/api/v1/traces/t/spans", json=span))
    json_of(client.get("/api/v1/traces/t/spans"), 200)
    json_of(client.get("/api/v1/traces"), 200)


def test_a_cycle_is_flagged_and_shown(client: FlaskClient):
    spans = [
        {"trace_id": "t", "id": "a", "parent_id": "b"},
        {"trace_id": "t", "id": "b", "parent_id": "a"},
    ]
    json_of(client.post("/api/v1/batch", json={"spans": spans}), 200)
    page = json_of(client.get("/api/v1/traces/t/spans"), 200)
    assert {row["id"] for row in page["data"]} == {"a", "b"}
    assert all("cycle" in row["flags"] for row in page["data"])


def test_a_refused_request_has_a_reason_without_the_path_of_an_item(client: FlaskClient):
    answer = problem_of(client.post("/api/v1/traces", json={"nmae": "x"}))
    assert answer["detail"] == "nmae: no such field; did you mean `name`?"

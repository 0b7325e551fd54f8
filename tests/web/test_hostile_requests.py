"""No request is answered with 5xx, and nothing that was sent breaks a later read."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.serving import Serve
from tracer.config import Config
from tracer.web.incoming.requests import CleanRequest

LONE = "cut \ud83d off"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
LANGFUSE = "/api/public"


@pytest.fixture
def stored(client: FlaskClient) -> FlaskClient:
    """A client of a server with a trace, a prompt and a dataset."""
    post(client, "/api/v1/traces/t/spans", {"id": "s", "name": "r", "input": {"a": [1, 2, 3]}})
    post(client, f"{LANGFUSE}/v2/datasets", {"name": "q"})
    post(client, f"{LANGFUSE}/v2/prompts", {"name": "pp", "type": "text", "prompt": "x"})
    return client


def post(client: FlaskClient, path: str, body: Any, method: str = "POST") -> int:
    """Send a body as JSON, with NaN and lone surrogates as Python writes them."""
    response = client.open(
        path, method=method, data=json.dumps(body), content_type="application/json"
    )
    return response.status_code


@pytest.fixture
def trusting(make_app: Callable[[Config], Flask], config: Config) -> Flask:
    """An application for which the client is a trusted proxy, so that X-Forwarded-* are read."""
    return make_app(
        dataclasses.replace(config, trusted_proxies="127.0.0.1", reader_header="X-Forwarded-User")
    )


BODIES = [
    ("/v2/datasets", {"name": "p", "metadata": LONE}, "/v2/datasets", "datasets/p"),
    ("/v2/datasets", {"name": "n", "metadata": float("nan")}, "/v2/datasets/n", "datasets/n"),
    (
        "/dataset-items",
        {"id": "i", "datasetName": "q", "input": {LONE: float("inf"), "nul": "\0"}},
        "/dataset-items?datasetName=q",
        "datasets/q",
    ),
    (
        "/v2/prompts",
        {"name": "np", "type": "text", "prompt": LONE, "config": {"a": float("nan")}},
        "/v2/prompts/np?label=latest",
        "prompts/np",
    ),
]


@pytest.mark.parametrize(("path", "body", "read", "page"), BODIES)
def test_a_body_with_text_that_cannot_be_stored_is_cleaned(
    stored: FlaskClient, path: str, body: dict[str, Any], read: str, page: str
) -> None:
    assert post(stored, LANGFUSE + path, body) < 300
    answer = stored.get(LANGFUSE + read)
    assert answer.status_code == 200
    assert "\ufffd" in json.dumps(answer.json, ensure_ascii=False) or "NaN" in answer.text
    assert stored.get(f"/project/default/{page}").status_code == 200


YEAR_1 = {
    "view": "traces",
    "metrics": [{"measure": "count", "aggregation": "count"}],
    "filters": [],
    "fromTimestamp": "0001-01-01T00:00:00Z",
    "toTimestamp": "2026-12-31T00:00:00Z",
}
LONG_NUMBER = f'[{{"type":"number","column":"totalCost","operator":"=","value":1{"0" * 400}}}]'
TRACE = "/project/default/traces/t"
REQUESTS: list[tuple[str, dict[str, str], dict[str, str]]] = [
    (f"{LANGFUSE}/metrics", {"query": json.dumps(YEAR_1)}, {}),
    (f"{LANGFUSE}/observations", {"filter": LONG_NUMBER, "traceId": "t"}, {}),
    ("/project/%00/traces", {}, {}),
    ("/project/default/traces/%00", {}, {}),
    ("/trace/%00", {}, {}),
    ("/project/default/traces", {"name": "\0", "from": "9" * 30 + "d"}, {}),
    (f"{TRACE}/value", {"id": "s", "at": "/input/a/" + "9" * 4_400}, {}),
    (f"{TRACE}/value", {"id": "s", "at": "/input", "start": "9" * 20}, {}),
    ("/project/default/datasets/q", {"at": "0001-01-01T00:00:00+23:59"}, {}),
    ("/project/default/datasets/q", {"at": "9999-12-31T23:59:59-23:59"}, {}),
    (TRACE, {}, {"HX-Request-Type": "partial", "HX-Current-URL": "http://["}),
    ("/project/default/traces", {}, {"Host": "x" * 300}),
    (f"{LANGFUSE}/traces", {}, {"Authorization": "Basic \x80"}),
    ("/metrics", {}, {"Authorization": "Bearer \x80"}),
    (f"{LANGFUSE}/v2/prompts/pp", {"version": str(2**31)}, {}),
]


@pytest.mark.parametrize(("path", "query", "headers"), REQUESTS)
def test_an_absurd_request_is_the_clients_fault(
    stored: FlaskClient, path: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    assert stored.get(path, query_string=query, headers=headers).status_code < 500


def test_absurd_changes_are_the_clients_fault(stored: FlaskClient) -> None:
    path = f"{LANGFUSE}/v2/prompts/pp/versions/2147483648"
    assert post(stored, path, {"newLabels": []}, "PATCH") in (400, 404)
    answer = stored.post(f"{TRACE}/bookmark", data={"span": "\0"}, headers=SAME_ORIGIN)
    assert answer.status_code < 500
    answer = stored.post(f"{TRACE}/bookmark", data={}, headers={"Origin": "http://["})
    assert answer.status_code == 403


def test_a_type_of_media_is_no_place_for_a_header(stored: FlaskClient) -> None:
    body = {
        "traceId": "t",
        "contentType": "text/html;\r\nX-Evil: 1",
        "contentLength": 3,
        "sha256Hash": "A" * 43 + "=",
        "field": "input",
    }
    assert post(stored, f"{LANGFUSE}/media", body) == 400


def test_form_fields_and_parameters_are_cleaned() -> None:
    request = CleanRequest.from_values(
        method="POST", query_string={"a\0": "b\0"}, data={"c": ["d\0", "e"]}
    )
    assert request.args.to_dict() == {"a\ufffd": "b\ufffd"}
    assert request.form.getlist("c") == ["d\ufffd", "e"]
    request.close()


TEXTS = ["", "\0", "-1", "9" * 20, "9" * 4_400, "1e999", "NaN", "\ufffd", "%", "/", "a" * 801]
TIMES = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
HOSTILE = st.one_of(
    st.sampled_from([*TEXTS, *TIMES, "../..", "[", "{", "'\";--"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_get_of_any_route_fails(app: Flask, stored: FlaskClient, data: st.DataObject) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.methods and "GET" in rule.methods]
    rule = data.draw(st.sampled_from(sorted(rules, key=str)))
    known = {"project_id": "default", "trace_id": "t", "span_id": "s", "name": "q"}
    path = str(rule)
    for argument in sorted(rule.arguments):
        value = data.draw(st.one_of(st.just(known.get(argument, "x")), HOSTILE))
        start, rest = re.split(rf"<(?:[^<>]*:)?{argument}>", path)
        path = f"{start}{value.replace('%', '%25').replace('/', '%2F').replace('?', '%3F')}{rest}"
    names = ["at", "after", "before", "cursor", "depth", "filter", "from", "id", "limit", "page"]
    names += ["parent", "q", "query", "span", "start", "t", "tab", "to", "until", "zoom", "format"]
    query = data.draw(st.dictionaries(st.sampled_from(names), HOSTILE, max_size=4))
    response = stored.get(path, query_string=query)
    assert response.status_code < 500, (path, query, response.text[:500])


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_form_of_any_route_fails(app: Flask, stored: FlaskClient, data: st.DataObject) -> None:
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.methods and "POST" in rule.methods and str(rule).startswith("/project/")
    ]
    path = str(data.draw(st.sampled_from(sorted(rules, key=str))))
    for pattern, value in (("<project_id>", "default"), ("<id:trace_id>", "t")):
        path = path.replace(pattern, value)
    names = ["span", "name", "value", "text", "tag", "author", "expires", "start", "price.0.0"]
    names += ["above.0", "model", "comment", "config_id", "version", "days", "note"]
    fields = data.draw(st.dictionaries(st.sampled_from(names), HOSTILE, max_size=5))
    response = stored.post(path, data=fields, headers=SAME_ORIGIN)
    assert response.status_code < 500, (path, fields, response.text[:500])


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_item_never_harms_its_neighbour(stored: FlaskClient, data: st.DataObject) -> None:
    values = st.recursive(
        st.one_of(HOSTILE, st.just(LONE), st.floats(), st.none(), st.integers()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(HOSTILE, inner)),
        max_leaves=5,
    )
    fields = ["id", "trace_id", "name", "input", "metadata", "start_time", "usage", "tags", "kind"]
    bad = data.draw(st.dictionaries(st.sampled_from(fields), values, max_size=4))
    good = {"id": f"g{random.getrandbits(60)}", "trace_id": "good", "name": "good"}
    status = post(stored, "/api/v1/batch", {"spans": [good, bad]})
    assert status < 500
    if status < 300:
        assert stored.get(f"/api/v1/traces/good/spans/{good['id']}").status_code == 200


HEADERS = [
    *("Host", "Authorization", "Cookie", "Content-Type", "Content-Encoding", "Accept", "Range"),
    *("Accept-Encoding", "Origin", "Referer", "Sec-Fetch-Site", "HX-Current-URL", "HX-Target"),
    *("HX-Request-Type", "If-None-Match", "If-Modified-Since", "Last-Event-ID", "Expect"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix"),
    *("X-Request-Id", "Tracer-Project", "traceparent", "User-Agent", "Idempotency-Key"),
]
BEGINNINGS = [
    *("", "Bearer ", "Basic ", "Basic OmE=", "tracer_session=", "tracer_reader=", "bytes="),
    *("http://[", "http://localhost/", "application/json; charset=", "gzip, ", 'W/"', "00-"),
]
PATHS = [
    *("/", "/login", "/project/default/traces", TRACE, "/static/css/base.css", "/health"),
    *("/api/v1/traces", f"{LANGFUSE}/traces", f"{LANGFUSE}/v2/prompts/pp", "/metrics"),
]
JSON_TYPE = {"Content-Type": "application/json"}
_VALUE = st.builds(
    lambda beginning, text: (beginning + text).encode("latin-1", "replace").decode("latin-1"),
    st.sampled_from(BEGINNINGS),
    st.one_of(HOSTILE, st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)),
).map(lambda value: value.translate({10: None, 13: None, 0: None}))


@pytest.mark.slow
@pytest.mark.usefixtures("stored")
@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_header_makes_a_request_fail(trusting: Flask, data: st.DataObject) -> None:
    headers = data.draw(st.dictionaries(st.sampled_from(HEADERS), _VALUE, max_size=4))
    path = data.draw(st.sampled_from(PATHS))
    client = trusting.test_client()
    for answer in (
        client.get(path, headers=headers),
        client.post("/v1/traces", data=b"{}", headers=JSON_TYPE | headers),
        client.post(f"{TRACE}/bookmark", data={}, headers=headers),
    ):
        assert answer.status_code < 500, (path, headers, answer.text[:500])
        answer.close()


@pytest.mark.slow
def test_raw_bytes_on_a_socket_leave_the_server_healthy(served: Serve) -> None:
    generator = random.Random(7)
    whole = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
    for _ in range(400):
        sent = bytearray(whole)
        for _ in range(generator.randrange(1, 6)):
            sent[generator.randrange(len(sent))] = generator.randrange(256)
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(64)
        assert not answer.startswith(b"HTTP/1.1 500"), bytes(sent)


JOBS: list[dict[str, Any]] = [
    {"action": "bookmark", "traces": ["a\0b"]},
    {"action": "bookmark", "traces": [LONE]},
    {"action": "tag", "traces": ["t"], "tags": {"add": ["a\0b", LONE]}},
    {"action": "score", "traces": ["t"], "score": {"name": LONE, "value": "a\0b"}},
    {"action": "score", "traces": ["t"], "score": {"name": "n", "value": float("nan")}},
    {"action": "score", "traces": ["t"], "score": {"name": "n", "value": float("inf")}},
]


@pytest.mark.parametrize("body", JOBS)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_bulk_job_with_what_cannot_be_stored_is_cleaned(
    stored: FlaskClient, body: dict[str, Any], dry_run: bool
) -> None:
    assert post(stored, "/api/v1/jobs", body | {"dry_run": dry_run}) == (200 if dry_run else 202)
    assert stored.get("/api/v1/jobs").status_code == 200

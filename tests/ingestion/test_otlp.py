"""POST /v1/traces: what OTLP/HTTP asks of a server, on a real database."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from flask import Flask
from flask.testing import FlaskClient
from google.protobuf.json_format import ParseDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from werkzeug.test import TestResponse

from tracer.store.writer import Overloaded, Rejected, Unavailable

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
START = 1_767_225_600_000_000_000


def span(**fields: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "ask",
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 1_500_000_000),
        **fields,
    }


def request_of(*spans: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def protobuf_of(*spans: dict[str, Any]) -> bytes:
    """Encode spans whose hex ids JSON's protobuf mapping would take for base64."""
    message = ParseDict(
        request_of(*({**one, "traceId": "", "spanId": ""} for one in spans)),
        ExportTraceServiceRequest(),
    )
    for made, one in zip(message.resource_spans[0].scope_spans[0].spans, spans, strict=True):
        made.trace_id = bytes.fromhex(one["traceId"])
        made.span_id = bytes.fromhex(one["spanId"])
    return message.SerializeToString()


def post(
    client: FlaskClient, body: bytes, content_type: str = JSON, **headers: str
) -> TestResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/traces", data=body, content_type=content_type, headers=names)


def stored(client: FlaskClient) -> Any:
    return client.get(f"/api/v1/traces/{TRACE}/spans/{SPAN}").get_json()


def test_json_with_hex_ids_is_stored_and_visible_at_once(client: FlaskClient):
    answer = post(client, json.dumps(request_of(span())).encode())
    assert (answer.status_code, answer.content_type, answer.get_json()) == (200, JSON, {})
    assert stored(client)["duration_ms"] == 1500.0


def test_protobuf_is_stored_and_answered_in_protobuf(client: FlaskClient):
    answer = post(client, protobuf_of(span()), PROTOBUF)
    assert (answer.status_code, answer.content_type) == (200, PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(answer.data).HasField("partial_success")
    assert stored(client)["name"] == "ask"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
def test_compressed_requests_are_read(client: FlaskClient, encoding: str, encode: Any):
    answer = post(client, encode(protobuf_of(span())), PROTOBUF, Content_Encoding=encoding)
    assert answer.status_code == 200
    assert stored(client)["name"] == "ask"


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON, "application/json; charset=utf-8"])
def test_an_empty_request_is_a_success(client: FlaskClient, content_type: str):
    body = b"{}" if JSON in content_type else b""
    assert post(client, body, content_type).status_code == 200


def test_what_is_refused_is_counted_and_named_and_the_rest_is_stored(client: FlaskClient):
    bad = span(spanId="00")
    answer = post(client, json.dumps(request_of(bad, span(), bad)).encode())
    partial = answer.get_json()["partialSuccess"]
    assert answer.status_code == 200
    assert partial["rejectedSpans"] == "2"
    assert "spans[0]" in partial["errorMessage"]
    assert "spanId" in partial["errorMessage"]
    assert stored(client)["name"] == "ask"


def test_many_refusals_are_summed_up(client: FlaskClient):
    bad = [span(spanId="00") for _ in range(20)]
    partial = post(client, json.dumps(request_of(*bad)).encode()).get_json()["partialSuccess"]
    assert partial["rejectedSpans"] == "20"
    assert partial["errorMessage"].endswith("and 15 more")


def test_a_body_that_is_no_request_is_answered_with_a_status(client: FlaskClient):
    answer = post(client, b"\x0a\xff", PROTOBUF)
    assert (answer.status_code, answer.content_type) == (400, PROTOBUF)
    assert Status.FromString(answer.data).message
    answer = post(client, b"{", JSON)
    assert (answer.status_code, answer.content_type) == (400, JSON)
    assert answer.get_json()["message"]


@pytest.mark.parametrize("content_type", ["text/plain", "", "multipart/form-data"])
def test_a_content_type_that_a_web_page_may_send_is_refused(client: FlaskClient, content_type: str):
    answer = post(client, json.dumps(request_of(span())).encode(), content_type)
    assert answer.status_code == 415
    assert stored(client)["status"] == 404


def test_a_gzip_bomb_is_refused(client: FlaskClient):
    bomb = gzip.compress(bytes(100_000_000))
    answer = post(client, bomb, PROTOBUF, Content_Encoding="gzip")
    assert answer.status_code == 413


def test_an_unknown_content_encoding_is_refused(client: FlaskClient):
    assert post(client, b"{}", JSON, Content_Encoding="br").status_code == 415


def test_another_method_is_refused(client: FlaskClient):
    assert client.get("/v1/traces").status_code == 405


class _Writer:
    """A database that answers as one does in trouble; the real one is not asked to fail."""

    def __init__(self, outcome: Exception | list[Rejected]) -> None:
        self.outcome = outcome

    def write(self, project_id: str, batch: Any) -> list[Rejected]:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def trouble(app: Flask) -> Iterator[Any]:
    real = app.extensions["tracer.writer"]

    def set_outcome(outcome: Exception | list[Rejected]) -> None:
        app.extensions["tracer.writer"] = _Writer(outcome)

    yield set_outcome
    app.extensions["tracer.writer"] = real


@pytest.mark.parametrize(
    ("error", "status", "wait", "code"),
    [(Overloaded("50000 are waiting"), 429, "1", 8), (Unavailable("no database"), 503, "5", 14)],
)
def test_a_server_in_trouble_says_when_to_come_back(
    client: FlaskClient, trouble: Any, error: Exception, status: int, wait: str, code: int
):
    trouble(error)
    answer = post(client, protobuf_of(span()), PROTOBUF)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, wait)
    said = Status.FromString(answer.data)
    assert (said.message, said.code) == (str(error), code)
    answer = client.post("/api/v1/traces", json={})
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, wait)
    assert answer.get_json()["detail"] == str(error)


def test_what_the_database_refuses_is_counted_as_well(client: FlaskClient, trouble: Any):
    trouble([Rejected("spans", 0, "index row too large")])
    partial = post(client, json.dumps(request_of(span())).encode()).get_json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert SPAN in partial["errorMessage"]
    assert "index row too large" in partial["errorMessage"]

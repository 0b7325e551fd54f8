"""POST /v1/traces: the requirements of OTLP/HTTP, on a real database."""

from __future__ import annotations

import dataclasses
import gzip
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import psycopg
import pytest
import zstandard
from flask import Flask
from flask.testing import FlaskClient
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)
from werkzeug.test import TestResponse

from tests.support.wire.otlp import SPAN_ID, TRACE_ID, encode_json, encode_protobuf, span
from tracer.config import Config

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


def post(
    client: FlaskClient, body: bytes, content_type: str = JSON, **headers: str
) -> TestResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/traces", data=body, content_type=content_type, headers=names)


def stored(client: FlaskClient) -> Any:
    return client.get(f"/api/v1/traces/{TRACE_ID}/spans/{SPAN_ID}").get_json()


def test_json_with_hex_ids_is_stored_and_visible_at_once(client: FlaskClient):
    answer = post(client, encode_json(span()))
    assert (answer.status_code, answer.content_type, answer.get_json()) == (200, JSON, {})
    assert stored(client)["duration_ms"] == 1000.0


def test_protobuf_is_stored_and_answered_in_protobuf(client: FlaskClient):
    answer = post(client, encode_protobuf(span()), PROTOBUF)
    assert (answer.status_code, answer.content_type) == (200, PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(answer.data).HasField("partial_success")
    assert stored(client)["name"] == "call"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
def test_compressed_requests_are_read(client: FlaskClient, encoding: str, encode: Any):
    answer = post(client, encode(encode_protobuf(span())), PROTOBUF, Content_Encoding=encoding)
    assert answer.status_code == 200
    assert stored(client)["name"] == "call"


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON, "application/json; charset=utf-8"])
def test_an_empty_request_is_a_success(client: FlaskClient, content_type: str):
    body = b"{}" if JSON in content_type else b""
    assert post(client, body, content_type).status_code == 200


def test_refused_spans_are_counted_and_named_and_the_rest_is_stored(client: FlaskClient):
    bad = span(spanId="00")
    answer = post(client, encode_json(bad, span(), bad))
    partial = answer.get_json()["partialSuccess"]
    assert answer.status_code == 200
    assert partial["rejectedSpans"] == "2"
    assert "spans[0]" in partial["errorMessage"]
    assert "spanId" in partial["errorMessage"]
    assert stored(client)["name"] == "call"


def test_many_refusals_are_summed_up(client: FlaskClient):
    bad = [span(spanId="00") for _ in range(20)]
    partial = post(client, encode_json(*bad)).get_json()["partialSuccess"]
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
    answer = post(client, encode_json(span()), content_type)
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


GOOD = encode_protobuf(span(attributes=[{"key": "k", "value": {"stringValue": "value"}}]))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, len(GOOD)), extra=st.binary(max_size=8), position=st.integers(0, len(GOOD))
)
def test_damaged_protobuf_is_stored_or_refused(
    client: FlaskClient, cut: int, extra: bytes, position: int
):
    damaged = (GOOD[:position] + extra + GOOD[position:])[: len(extra) + cut]
    answer = post(client, damaged, PROTOBUF)
    assert answer.status_code in (200, 400)
    assert answer.content_type == PROTOBUF


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([{}])


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=st.dictionaries(st.sampled_from([*span(), "parentSpanId", "attributes", "x"]), ODD))
def test_an_odd_span_affects_no_other_span(client: FlaskClient, odd: dict[str, Any]):
    good = span(spanId="00f067aa0ba902b7")
    answer = post(client, encode_json({**span(), **odd}, good))
    assert answer.status_code == 200, answer.text
    assert answer.get_json().get("partialSuccess", {}).get("rejectedSpans") in (None, "0", "1")
    assert client.get(f"/api/v1/traces/{TRACE_ID}/spans/00f067aa0ba902b7").status_code == 200


@pytest.fixture
def refused_name(database_url: str) -> Iterator[str]:
    """A name of spans that the database refuses while the test runs."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE spans ADD CONSTRAINT tame CHECK (name <> 'wild')")
        yield "wild"
        connection.execute("ALTER TABLE spans DROP CONSTRAINT tame")


def test_spans_that_the_database_refuses_are_counted_and_named(
    client: FlaskClient, refused_name: str
):
    bad = span(spanId="00f067aa0ba902b7", name=refused_name)
    partial = post(client, encode_json(bad, span())).get_json()
    assert partial["partialSuccess"]["rejectedSpans"] == "1"
    assert "span 00f067aa0ba902b7 of trace" in partial["partialSuccess"]["errorMessage"]
    assert "tame" in partial["partialSuccess"]["errorMessage"]
    assert stored(client)["name"] == "call"


def test_a_server_with_a_full_queue_names_the_time_to_retry(
    make_app: Callable[[Config], Flask], config: Config
):
    app = make_app(dataclasses.replace(config, max_queue_spans=1))
    locked = psycopg.connect(config.database_url)
    with ThreadPoolExecutor(2) as pool, locked:
        locked.execute("LOCK TABLE traces IN ACCESS EXCLUSIVE MODE")
        posts = {
            pool.submit(
                post, app.test_client(), encode_protobuf(span(spanId=f"{n:016x}")), PROTOBUF
            )
            for n in (1, 2)
        }
        done, waiting = wait(posts, timeout=20, return_when=FIRST_COMPLETED)
        locked.rollback()
        [refused], [taken] = done, waiting
        answer = refused.result()
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
        assert Status.FromString(answer.data).code == 8
        assert taken.result().status_code == 200


def test_a_server_without_its_database_names_the_time_to_retry(
    make_app: Callable[[Config], Flask], config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tracer.store.writing.writer.RETRY_SECONDS", 0.1)
    gone = config.database_url.replace("/tests?", "/no_such_database?")
    client = make_app(dataclasses.replace(config, database_url=gone)).test_client()
    answer = post(client, encode_protobuf(span()), PROTOBUF)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert Status.FromString(answer.data).code == 14
    for answer in (client.post("/api/v1/traces", json={}), client.get("/api/v1/traces")):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.content_type == "application/problem+json"

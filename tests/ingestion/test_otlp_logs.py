"""POST /v1/logs: GenAI events join their spans in any order; other logs are counted."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from tests.support.wire.logs import log, logs_of, protobuf_of
from tests.support.wire.otlp import SPAN_ID, START, TRACE_ID, request, span
from tracer.store.counters.read import list_mapping_counts
from tracer.wire.otlp.request import JSON, PROTOBUF

MESSAGES = [
    log("gen_ai.user.message", {"content": "Why is the sky blue?"}),
    log(
        "gen_ai.choice",
        {"finish_reason": "stop", "message": {"role": "assistant", "content": "Rayleigh."}},
        timeUnixNano=str(START + 9),
    ),
]
CALL = span({"gen_ai.operation.name": "chat"})


def post(client: FlaskClient, *logs: Any, path: str = "/v1/logs") -> Any:
    answer = client.post(path, json=logs_of(*logs))
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def send_span(client: FlaskClient) -> None:
    assert client.post("/v1/traces", json=request(CALL)).get_json() == {}


def shown(client: FlaskClient) -> Any:
    span_document = client.get(f"/api/v1/traces/{TRACE_ID}/spans/{SPAN_ID}").get_json()
    trace = client.get(f"/api/v1/traces/{TRACE_ID}").get_json()
    return (
        [span_document[name] for name in ("kind", "input", "output", "finish_reasons", "events")],
        [trace[name] for name in ("input_preview", "output_preview", "span_count", "status")],
    )


@pytest.mark.parametrize("first", ["span", "logs", "between"])
def test_a_span_and_its_logs_become_the_same_in_any_order(client: FlaskClient, first: str) -> None:
    if first == "span":
        send_span(client)
    for event in MESSAGES:
        assert post(client, event) == {}
        if first == "between" and event is MESSAGES[0]:
            send_span(client)
    if first == "logs":
        send_span(client)
    post(client, *MESSAGES)
    (kind, input_messages, output_messages, reasons, events), trace = shown(client)
    assert kind == "generation"
    assert input_messages == [{"role": "user", "content": "Why is the sky blue?"}]
    assert output_messages[0]["message"]["content"] == "Rayleigh."
    assert reasons == ["stop"]
    assert [event["name"] for event in events] == ["gen_ai.user.message", "gen_ai.choice"]
    assert trace == ["Why is the sky blue?", "Rayleigh.", 1, "completed"]


def test_a_span_that_has_not_arrived_is_awaited_with_its_messages(client: FlaskClient) -> None:
    post(client, *MESSAGES)
    trace = client.get(f"/api/v1/traces/{TRACE_ID}").get_json()
    assert (trace["span_count"], trace["status"]) == (0, "completed")
    assert trace["start_time"].startswith("2026-01-01T00:00:00")
    assert client.get(f"/api/v1/traces/{TRACE_ID}/spans/{SPAN_ID}").status_code == 404
    page = client.get(f"/project/default/traces/{TRACE_ID}?span={SPAN_ID}").text
    assert "not received" in page
    assert "Why is the sky blue?" in page


def test_other_logs_are_accepted_counted_and_not_stored_and_the_answer_names_their_number(
    client: FlaskClient,
) -> None:
    other = log("", "connected", traceId="", spanId="")
    partial = post(client, other, *MESSAGES, other)["partialSuccess"]
    assert partial["rejectedLogRecords"] == "0"
    assert partial["errorMessage"].startswith("2 of 4 log records were accepted and not stored")
    with client.application.app_context():
        [count] = [row for row in list_mapping_counts("default") if row.measure == "log record"]
    assert (count.value, count.number) == ("not stored", 2)


def test_logs_in_protobuf_are_answered_in_protobuf(client: FlaskClient) -> None:
    send_span(client)
    body = gzip.compress(protobuf_of(*MESSAGES, log("other")))
    headers = {"Content-Encoding": "gzip"}
    answer = client.post("/v1/logs", data=body, content_type=PROTOBUF, headers=headers)
    assert (answer.status_code, answer.content_type) == (200, PROTOBUF)
    partial = ExportLogsServiceResponse.FromString(answer.data).partial_success
    assert partial.rejected_log_records == 0
    assert partial.error_message.startswith("1 of 3")
    assert shown(client)[1][0] == "Why is the sky blue?"


def test_a_malformed_log_record_is_refused_by_itself(client: FlaskClient) -> None:
    partial = post(client, log("gen_ai.choice", spanId="x"), MESSAGES[0])["partialSuccess"]
    assert partial["rejectedLogRecords"] == "1"
    assert "logRecords[0]: spanId" in partial["errorMessage"]


def test_a_body_of_logs_that_is_no_request_is_answered_with_a_status(client: FlaskClient) -> None:
    answer = client.post("/v1/logs", data=b"\x0a\xff", content_type=PROTOBUF)
    assert (answer.status_code, bool(Status.FromString(answer.data).message)) == (400, True)
    assert client.post("/v1/logs", data=b"{}", content_type="text/plain").status_code == 415


def test_a_thousand_events_of_a_span_are_kept_and_the_rest_flags_it(client: FlaskClient) -> None:
    events = [
        log("gen_ai.user.message", {"content": str(k)}, timeUnixNano=str(START + k))
        for k in range(1_003)
    ]
    post(client, *events[::2])
    send_span(client)
    post(client, *events[1::2])
    span_document = client.get(f"/api/v1/traces/{TRACE_ID}/spans/{SPAN_ID}").get_json()
    assert [message["content"] for message in span_document["input"]] == [
        str(k) for k in range(1_000)
    ]
    assert (len(span_document["events"]), span_document["flags"]) == (1_000, ["dropped"])


SLASHES = [
    "/v1/traces/",
    "//v1/traces",
    "/v1//traces",
    "//v1/traces//",
    "/api/public/otel/v1/traces/",
    "/api/public/otel//v1/traces",
]


@pytest.mark.parametrize("path", SLASHES)
def test_superfluous_slashes_in_the_path_are_ignored(client: FlaskClient, path: str) -> None:
    def send(path: str, body: Any) -> Any:
        # As a path of its own: a URL that begins with two slashes would name a host.
        as_sent = {"PATH_INFO": path, "RAW_URI": path}
        return client.post("/", json=body, environ_overrides=as_sent)

    answer = send(path, request(span()))
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert send(path.replace("traces", "logs"), logs_of(*MESSAGES)).status_code == 200
    assert shown(client)[1][0] == "Why is the sky blue?"


@pytest.mark.parametrize("encode", [bytes, gzip.compress])
def test_a_byte_order_mark_is_skipped(client: FlaskClient, encode: Any) -> None:
    body = encode(b"\xef\xbb\xbf" + json.dumps(request(span())).encode())
    headers = {"Content-Encoding": "gzip"} if encode is gzip.compress else {}
    answer = client.post("/v1/traces", data=body, content_type=JSON, headers=headers)
    assert (answer.status_code, answer.get_json()) == (200, {})
    trace = b"\xef\xbb\xbf" + json.dumps({"name": "native"}).encode()
    assert client.post("/api/v1/traces", data=trace, content_type=JSON).status_code == 201

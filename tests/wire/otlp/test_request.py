"""OTLP requests: which spans are accepted, refused or flagged, and the response."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.support.wire.otlp import (
    SECOND,
    SPAN_ID,
    START,
    TRACE_ID,
    attributes,
    decode_json,
    decode_protobuf,
    only_record,
    protobuf,
    request,
    span,
)
from tracer.errors import Invalid, Refused, TooLarge, UnsupportedMedia
from tracer.wire.otlp.request import JSON, PROTOBUF, decode_traces, encode_answer, encode_error
from tracer.wire.spans import raw

MICROS = START // 1_000
OTHER = "b7ad6b7169203332"


def test_a_span_of_protobuf_and_of_json_give_the_same_record() -> None:
    values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 12,
        "list": ["a", 1, 2.5, True, None, {"deep": [b"\x00\xff"]}],
        "empty": "",
        "nothing": None,
        "number": 2.0,
        "not a number": float("nan"),
    }
    resource = {"service.name": "shop", "deployment.environment.name": "test"}
    from_json = decode_json(request(span(values), resource=resource))
    from_protobuf = decode_protobuf(protobuf(values, resource))
    assert from_json == from_protobuf
    [record] = from_json.batch.spans
    assert record.attributes["list"] == ["a", 1, 2.5, True, None, {"deep": ["AP8="]}]
    assert record.notes == {"list": {"bytes": "base64"}, "not a number": {"cleaned": ["nan"]}}


def test_an_invalid_item_among_valid_ones_is_refused_with_its_path() -> None:
    decoded = decode_json(request(span(), span(spanId="xyz"), 7, span(spanId=OTHER)))
    assert [record.span_id for record in decoded.batch.spans] == [SPAN_ID, OTHER]
    assert decoded.total == 4
    assert [str(refusal) for refusal in decoded.item_errors] == [
        "resourceSpans[0].scopeSpans[0].spans[1]: spanId: "
        "expected 16 hex digits (8 bytes), got 'xyz'",
        "resourceSpans[0].scopeSpans[0].spans[2]: expected an object",
    ]


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"traceId": ""}, "traceId", "got 0 bytes"),
        ({"traceId": "0" * 32}, "traceId", "got 16 zero bytes"),
        ({"traceId": "ab"}, "traceId", "expected 32 hex digits"),
        ({"traceId": 5}, "traceId", "expected 32 hex digits"),
        ({"traceId": {"type": "Buffer", "data": [1]}}, "traceId", "expected 32 hex digits"),
        ({"traceId": {"type": "Buffer", "data": [256] * 16}}, "traceId", "expected 32 hex digits"),
        ({"traceId": {"type": "Buffer", "data": [True] * 16}}, "traceId", "expected 32 hex digits"),
        ({"traceId": {"data": [1] * 16}}, "traceId", "expected 32 hex digits"),
        ({"spanId": "0" * 16}, "spanId", "got 8 zero bytes"),
        ({"spanId": TRACE_ID}, "spanId", "expected 16 hex digits"),
        ({"parentSpanId": "abc"}, "parentSpanId", "expected 16 hex digits"),
        ({"startTimeUnixNano": "-5"}, "startTimeUnixNano", "between the years 1970 and 9999"),
        ({"startTimeUnixNano": "9" * 25}, "startTimeUnixNano", "between the years"),
        ({"startTimeUnixNano": "soon"}, "startTimeUnixNano", "expected nanoseconds"),
        ({"endTimeUnixNano": 1e300}, "endTimeUnixNano", "between the years"),
    ],
)
def test_a_span_with_an_impossible_id_or_time_is_refused(
    fields: dict[str, Any], field: str, reason: str
) -> None:
    decoded = decode_json(request(span(**fields)))
    assert decoded.batch.spans == []
    [refusal] = decoded.item_errors
    assert refusal.field == field
    assert reason in refusal.reason


def test_protobuf_ids_of_a_wrong_length_are_refused_and_neighbours_kept() -> None:
    message = protobuf({}, spans=4)
    spans = message.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id = b"short"
    spans[1].span_id = b"far too long"
    spans[2].parent_span_id = b"odd"
    decoded = decode_protobuf(message)
    assert [refusal.field for refusal in decoded.item_errors] == [
        "traceId",
        "spanId",
        "parentSpanId",
    ]
    assert len(decoded.batch.spans) == 1


def test_json_ids_may_be_base64_as_plain_protobuf_json_has_them() -> None:
    record = only_record(
        span(
            traceId=base64.b64encode(bytes.fromhex(TRACE_ID)).decode(),
            spanId=base64.urlsafe_b64encode(bytes.fromhex(SPAN_ID)).decode().rstrip("="),
        )
    )
    assert (record.trace_id, record.span_id) == (TRACE_ID, SPAN_ID)


def test_json_ids_may_be_the_buffers_of_node() -> None:
    def buffer(identifier: str) -> dict[str, object]:
        return {"type": "Buffer", "data": list(bytes.fromhex(identifier))}

    sent = span(
        traceId=buffer(TRACE_ID),
        spanId={"type": "Buffer", "data": buffer(SPAN_ID)},
        parentSpanId={"type": "Buffer", "data": []},
    )
    record = only_record(sent)
    assert (record.trace_id, record.span_id, record.parent_span_id) == (TRACE_ID, SPAN_ID, None)


def test_json_is_accepted_in_snake_case_with_numbers_and_names_of_enums() -> None:
    sent = {
        "trace_id": TRACE_ID.upper(),
        "span_id": SPAN_ID,
        "parent_span_id": "0" * 16,
        "name": "call",
        "kind": "SPAN_KIND_CLIENT",
        "start_time_unix_nano": START,
        "end_time_unix_nano": str(START + SECOND),
        "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
        "dropped_attributes_count": 3,
        "attributes": [{"key": "n", "value": {"int_value": 5}}],
        "unknown": {"field": 1},
    }
    body = {"resource_spans": [{"scope_spans": [{"spans": [sent]}]}]}
    [record] = decode_json(body).batch.spans
    assert record.trace_id == TRACE_ID
    assert record.parent_span_id is None
    assert (record.start_time, record.end_time) == (MICROS, MICROS + 1_000_000)
    assert (record.level, record.status_message) == ("error", "no")
    assert record.attributes == {"n": 5, "span.kind": "client"}
    assert record.notes == {"dropped": {"attributes": 3}}


@given(st.integers(0, 2**63 - 1))
def test_a_64_bit_number_may_come_as_two_signed_halves(number: int) -> None:
    low = (number & 0xFFFFFFFF) - (1 << 32 if number & 0x80000000 else 0)
    halves = {"low": low, "high": number >> 32}
    attribute = {"key": "n", "value": {"intValue": halves}}
    times = {"startTimeUnixNano": {"low": -302383104, "high": 411464273}}
    record = only_record(span(attributes=[attribute], **times))
    assert record.attributes == {"n": number}
    assert record.start_time == START // 1_000


def test_a_span_without_an_end_is_running_and_its_start_is_its_version() -> None:
    record = only_record(span(endTimeUnixNano="0"))
    assert (record.end_time, record.version) == (None, MICROS)
    assert only_record(span()).version == MICROS + 1_000_000


def test_a_missing_start_is_the_end_and_both_missing_is_now() -> None:
    assert only_record(span(startTimeUnixNano=0)).start_time == MICROS + 1_000_000
    before = time.time_ns() // 1_000
    record = only_record(span(startTimeUnixNano=None, endTimeUnixNano=None))
    assert before <= record.start_time <= time.time_ns() // 1_000
    assert record.end_time is None


def test_an_end_before_the_start_is_kept_and_flagged() -> None:
    record = only_record(span(endTimeUnixNano=str(START - SECOND)))
    assert record.end_time == MICROS - 1_000_000
    assert record.flags == ["end_before_start"]


def test_a_span_that_is_its_own_parent_is_a_flagged_root() -> None:
    record = only_record(span(parentSpanId=SPAN_ID))
    assert record.parent_span_id is None
    assert record.flags == ["self_parent"]
    assert record.notes["parent_span_id"]["sent"] == SPAN_ID


def test_the_senders_dropped_counts_are_flagged_and_noted() -> None:
    record = only_record(span(droppedAttributesCount=2, droppedEventsCount=1, droppedLinksCount=0))
    assert record.flags == ["dropped"]
    assert record.notes["dropped"] == {"attributes": 2, "events": 1}


def test_items_over_the_limits_are_dropped_and_flagged() -> None:
    many = {f"k{i}": i for i in range(raw.MAX_ATTRIBUTES + 5)}
    events = [{"name": "e"}] * (raw.MAX_EVENTS + 1)
    links = [{"traceId": TRACE_ID, "spanId": OTHER}] * (raw.MAX_LINKS + 2)
    record = only_record(span(many, events=events, links=links))
    assert record.notes["dropped"] == {"attributes": 5, "events": 1, "links": 2}
    assert len(record.attributes) == raw.MAX_ATTRIBUTES
    assert (len(record.events), len(record.links)) == (raw.MAX_EVENTS, raw.MAX_LINKS)


def test_a_value_over_the_limit_is_cut_with_a_marker_and_noted_by_its_field() -> None:
    values = {"input.value": "x" * 2_000_000, "other": "y" * 1_500_000}
    for decoded in (decode_json(request(span(values))), decode_protobuf(protobuf(values))):
        [record] = decoded.batch.spans
        assert record.input.endswith("…[truncated, 2000000 bytes]")
        assert len(record.input) < (1 << 20) + 50
        assert record.flags == ["truncated"]
        assert record.notes == {
            "input": {"truncated": True, "size": 2_000_000},
            "other": {"truncated": True, "size": 1_500_000},
        }


def test_nul_and_lone_surrogates_and_nan_are_cleaned_and_flagged() -> None:
    body = json.dumps(request(span({"nul": "a\0b", "half": "a\ud83d!", "nan": float("nan")})))
    [record] = decode_json(body.encode()).batch.spans
    assert record.attributes["nul"] == "a\ufffdb"
    assert record.attributes["half"] == "a\ufffd!"
    assert record.attributes["nan"] == "NaN"
    assert record.flags == ["cleaned"]


@pytest.mark.parametrize("text", ['{"a": "\\u0000"}', '["\\ud83d"]', "[NaN]"])
def test_json_text_in_an_attribute_is_cleaned_after_decoding(text: str) -> None:
    [record] = decode_protobuf(protobuf({"langfuse.observation.input": text})).batch.spans
    assert record.input in ({"a": "\ufffd"}, ["\ufffd"], ["NaN"])
    assert record.flags == ["cleaned"]
    assert list(record.notes) == ["input"]


def test_a_pair_of_surrogates_becomes_one_character() -> None:
    body = json.dumps(request(span({"smile": "\ud83d\ude00"}))).encode()
    assert decode_json(body).batch.spans[0].attributes["smile"] == "😀"


def test_values_nested_too_deeply_are_cut_and_flagged() -> None:
    deep: Any = "end"
    for _ in range(80):
        deep = [deep]
    record = only_record(span({"deep": deep}))
    assert record.flags == ["truncated"]
    assert record.notes == {"deep": {"depth": 64}}


def test_json_text_nested_too_deeply_stays_text() -> None:
    text = "[" * 5_000 + "]" * 5_000
    [record] = decode_protobuf(
        protobuf({"input.value": text, "output.value": text[4_900:5_100]})
    ).batch.spans
    assert record.input == text
    assert record.output == text[4_900:5_100]


def test_protobuf_nested_too_deeply_affects_only_its_own_span() -> None:
    message = protobuf({}, spans=2)
    pair = message.resource_spans[0].scope_spans[0].spans[0].attributes.add()
    pair.key = "deep"
    value = pair.value
    for _ in range(120):
        value = value.array_value.values.add()
    decoded = decode_protobuf(message.SerializeToString())
    assert len(decoded.batch.spans) == 1
    [refusal] = decoded.item_errors
    assert refusal.item == "resourceSpans[0].scopeSpans[0].spans[0]"


def test_protobuf_text_that_is_no_utf8_affects_only_its_own_span() -> None:
    message = protobuf({"text": "good"}, {"service.name": "shop"}, spans=3)
    message.resource_spans[0].scope_spans[0].spans[1].attributes[0].value.string_value = "b@d@"
    decoded = decode_protobuf(message.SerializeToString().replace(b"b@d@", b"b\xffd\xff"))
    assert len(decoded.batch.spans) == 2
    assert decoded.batch.spans[0].resource == {"service.name": "shop"}
    assert decoded.batch.spans[0].scope == {"name": "test"}
    [refusal] = decoded.item_errors
    assert refusal.item == "resourceSpans[0].scopeSpans[0].spans[1]"


def test_json_that_is_no_utf8_is_cleaned_where_it_is_broken() -> None:
    body = json.dumps(request(span({"text": "b@d"}), span(spanId=OTHER))).encode()
    first, second = decode_json(body.replace(b"b@d", b"b\xffd")).batch.spans
    assert first.attributes["text"] == "b\ufffdd"
    assert (first.flags, second.flags) == (["cleaned"], [])


@pytest.mark.parametrize("cut", [1, 5, 40, 90])
def test_truncated_protobuf_is_reported_as_truncated(cut: int) -> None:
    body = protobuf({"k": "v" * 100}).SerializeToString()
    with pytest.raises(Invalid, match="truncated"):
        decode_protobuf(body[:-cut])


@pytest.mark.parametrize(
    ("body", "content_type", "kind", "words"),
    [
        (b"hello world", PROTOBUF, Invalid, "not valid protobuf"),
        (b"\xff\xff\xff", PROTOBUF, Invalid, "truncated"),
        (b"", JSON, Invalid, "not valid JSON"),
        (b'{"resourceSpans": [', JSON, Invalid, "not valid JSON"),
        (b"[]", JSON, Invalid, "not an object"),
        (b'{"resourceSpans": 5}', JSON, Invalid, "resourceSpans: expected an array"),
        (b'{"resourceSpans": [5]}', JSON, Invalid, "resourceSpans[0]: expected an object"),
        (
            b'{"resourceSpans": [{"scopeSpans": {}}]}',
            JSON,
            Invalid,
            "resourceSpans[0].scopeSpans: ",
        ),
        (b"[" * 100_000, JSON, Invalid, "nested too deeply"),
        (b"{}", "text/plain", UnsupportedMedia, "content type text/plain"),
        (b"{}", "", UnsupportedMedia, "content type absent"),
    ],
)
def test_a_body_that_is_no_request_is_an_error_with_a_clear_message(
    body: bytes, content_type: str, kind: type[Refused], words: str
) -> None:
    with pytest.raises(kind) as caught:
        decode_traces(body, content_type, max_value_bytes=1000)
    assert words in str(caught.value)


def test_an_empty_request_is_accepted() -> None:
    assert len(decode_protobuf(b"").batch) == 0
    assert len(decode_json(b"{}").batch) == 0


def test_too_many_spans_in_one_request_are_refused_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tracer.wire.otlp.request.MAX_SPANS", 2)
    assert len(decode_json(request(span(), span())).batch.spans) == 2
    with pytest.raises(TooLarge, match="more than 2 spans"):
        decode_json(request(span(), span(), span()))


def test_integers_beyond_64_bits_and_unreadable_numbers_are_kept() -> None:
    values = [
        {"key": "huge", "value": {"intValue": "9" * 40}},
        {"key": "word", "value": {"intValue": "many"}},
        {"key": "float", "value": {"doubleValue": "1.5"}},
        {"key": "infinite", "value": {"doubleValue": "-Infinity"}},
    ]
    record = only_record(span(attributes=values))
    assert record.attributes == {
        "huge": int("9" * 40),
        "word": "many",
        "float": 1.5,
        "infinite": "-Infinity",
    }


def test_events_and_links_are_kept_with_their_attributes() -> None:
    event = {"timeUnixNano": START, "name": "e", "attributes": attributes({"a": 1})}
    link = {"traceId": TRACE_ID, "spanId": OTHER, "attributes": attributes({"why": "retry"})}
    record = only_record(span(events=[event], links=[link]))
    assert record.events == [{"name": "e", "time": "2026-01-01T00:00:00Z", "attributes": {"a": 1}}]
    assert record.links == [
        {"trace_id": TRACE_ID, "span_id": OTHER, "attributes": {"why": "retry"}}
    ]


def test_a_trace_field_sent_by_many_spans_is_one_record_of_the_latest_time() -> None:
    values = {"session.id": "s-1"}
    spans = [
        span(values, spanId=f"{i + 1:016x}", startTimeUnixNano=START + i * SECOND) for i in range(5)
    ]
    spans.append(span({"session.id": "s-2"}, spanId=OTHER))
    decoded = decode_json(request(*spans, resource={"service.version": "1.2"}))
    assert [(record.fields, record.version) for record in decoded.batch.traces] == [
        ({"session_id": "s-1"}, MICROS + 4_000_000),
        ({"version": "1.2"}, MICROS + 4_000_000),
        ({"session_id": "s-2"}, MICROS),
    ]


def test_kinds_of_plain_spans_follow_from_their_attributes() -> None:
    assert only_record(span({"http.request.method": "GET"})).kind == "http"
    assert only_record(span({"db.system.name": "postgresql"})).kind == "database"
    assert only_record(span({"gen_ai.tool.name": "search"})).kind == "tool"
    assert (
        only_record(span({"llm.model_name": "gpt-4o", "http.method": "POST"})).kind == "generation"
    )
    assert only_record(span({"whatever": 1})).kind == "span"


def test_the_dialect_of_higher_precedence_sets_a_field_and_others_stay_attributes() -> None:
    record = only_record(
        span(
            {
                "langfuse.observation.type": "agent",
                "openinference.span.kind": "LLM",
                "langfuse.observation.model.name": "a",
                "llm.model_name": "a",
                "gen_ai.response.model": "b",
            }
        )
    )
    assert (record.kind, record.model, record.dialect) == ("agent", "a", "langfuse")
    assert record.attributes == {"openinference.span.kind": "LLM", "gen_ai.response.model": "b"}


def test_the_response_has_partial_success_only_where_spans_are_rejected() -> None:
    assert encode_answer(PROTOBUF, 0, "") == b""
    assert encode_answer("application/json; charset=utf-8", 0, "") == b"{}"
    answer = ExportTraceServiceResponse.FromString(encode_answer(PROTOBUF, 2, "why"))
    assert answer.partial_success.rejected_spans == 2
    assert answer.partial_success.error_message == "why"
    assert json.loads(encode_answer(JSON, 2, "why")) == {
        "partialSuccess": {"rejectedSpans": "2", "errorMessage": "why"}
    }
    warning = ExportTraceServiceResponse.FromString(encode_answer(PROTOBUF, 0, "mind this"))
    assert warning.partial_success.error_message == "mind this"


def test_an_error_is_a_status_in_the_encoding_of_the_request() -> None:
    status = Status.FromString(encode_error("application/protobuf", "no"))
    assert (status.code, status.message) == (3, "no")
    assert json.loads(encode_error(JSON, "no")) == {"code": 3, "message": "no"}

"""GenAI events that come as OTLP log records, in both encodings, as changes of their spans."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire.logs import log, logs_of, protobuf_of
from tests.support.wire.otlp import (
    MAX_VALUE_BYTES,
    SPAN_ID,
    START,
    TRACE_ID,
    decode_json,
    request,
    span,
)
from tracer.errors import TracerError
from tracer.merging.spans import Span, merge
from tracer.records import SpanPatch
from tracer.wire.otlp.log_request import DecodedLogs, decode_logs
from tracer.wire.otlp.request import JSON, PROTOBUF

DETAILS = "gen_ai.client.inference.operation.details"


def decode(*logs: Any, max_value_bytes: int = MAX_VALUE_BYTES) -> DecodedLogs:
    body = json.dumps(logs_of(*logs)).encode()
    return decode_logs(body, JSON, max_value_bytes=max_value_bytes)


def joined(logs: DecodedLogs, *spans: Any) -> Span:
    """Return the span of SPAN_ID as it is once its record and these events have arrived."""
    merged = merge(None, decode_json(request(*spans)).batch.spans, logs.batch.patches)
    assert merged is not None
    return merged


BOTOCORE = [
    log("gen_ai.user.message", {"content": [{"text": "Hi"}]}, {"gen_ai.system": "aws.bedrock"}),
    log(
        "gen_ai.choice",
        {"index": 0, "finish_reason": "end_turn", "message": {"role": "assistant", "content": []}},
        {"gen_ai.system": "aws.bedrock"},
        timeUnixNano=str(START + 5),
    ),
]


def test_messages_sent_as_logs_are_the_input_and_output_of_their_span() -> None:
    record = joined(decode(*BOTOCORE), span({"gen_ai.operation.name": "chat"})).record
    assert record.kind == "generation"
    assert record.input == [{"role": "user", "content": [{"text": "Hi"}]}]
    assert record.output[0]["message"] == {"role": "assistant", "content": []}
    assert record.finish_reasons == ["end_turn"]
    assert record.events == [
        {
            "name": event,
            "time": "2026-01-01T00:00:00Z",
            "attributes": {"gen_ai.system": "aws.bedrock"},
        }
        for event in ("gen_ai.user.message", "gen_ai.choice")
    ]


def test_details_of_an_operation_are_read_like_the_attributes_of_its_span() -> None:
    values = {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [], "finish_reason": "stop"}],
        "gen_ai.tool.definitions": [{"type": "function", "name": "get_weather"}],
        "gen_ai.usage.input_tokens": 12,
    }
    record = joined(decode(log(DETAILS, values=values)), span()).record
    assert [message["role"] for message in record.input] == ["system", "user"]
    assert record.output == values["gen_ai.output.messages"]
    assert record.tools == values["gen_ai.tool.definitions"]
    assert record.finish_reasons == ["stop"]
    # The span has the counts itself: those of the event stay with it.
    assert record.usage == {}
    assert record.events[0]["attributes"] == {"gen_ai.usage.input_tokens": 12}


def test_fields_of_the_span_win_and_the_event_keeps_its_content() -> None:
    own = [{"role": "user", "parts": []}]
    values = {"gen_ai.input.messages": json.dumps(own)}
    record = joined(decode(*BOTOCORE), span(values)).record
    assert record.input == own
    assert record.events[0]["attributes"] == {
        "gen_ai.system": "aws.bedrock",
        "body": [{"role": "user", "content": [{"text": "Hi"}]}],
    }


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ({"content": "Hi"}, {}),
        ('{"content": "Hi"}', {"gen_ai.system": "openai"}),
        ("Hi", {"gen_ai.system": "openai"}),
        (None, {"content": "Hi", "gen_ai.system": "openai"}),
        (None, {"gen_ai.event.content": '{"content": "Hi"}', "gen_ai.system": "openai"}),
    ],
    ids=["object", "json-text", "text", "attributes", "azure"],
)
def test_a_message_is_read_wherever_its_sender_puts_it(body: Any, values: dict[str, Any]) -> None:
    record = joined(decode(log("gen_ai.user.message", body, values)), span()).record
    assert record.input == [{"role": "user", "content": "Hi"}]


def test_the_name_may_be_an_attribute_as_before_otlp_1_5() -> None:
    event = log("", {"content": "Hi"}, {"event.name": "gen_ai.user.message"})
    assert joined(decode(event), span()).record.input == [{"role": "user", "content": "Hi"}]


def test_both_encodings_give_the_same() -> None:
    events = [*BOTOCORE, log("gen_ai.user.message", values={"content": "ä\n"})]
    in_protobuf = decode_logs(protobuf_of(*events), PROTOBUF, max_value_bytes=MAX_VALUE_BYTES)
    assert in_protobuf == decode(*events)


def test_other_logs_and_events_without_a_span_are_counted_and_not_stored() -> None:
    decoded = decode(
        log("", "connected"),
        log("codex.user_prompt", {"prompt": "Hi"}),
        log("gen_ai.user.message", {"content": "Hi"}, traceId="", spanId=""),
        log("gen_ai.user.message", {"content": "Hi"}, spanId="00" * 8),
        BOTOCORE[0],
    )
    assert (decoded.not_stored, decoded.total, len(decoded.batch.patches)) == (4, 5, 1)
    assert decoded.item_errors == []


def test_a_malformed_record_is_refused_by_itself() -> None:
    decoded = decode(log("gen_ai.choice", spanId="abc"), 5, BOTOCORE[0])
    assert [(refusal.item, refusal.field) for refusal in decoded.item_errors] == [
        ("resourceLogs[0].scopeLogs[0].logRecords[0]", "spanId"),
        ("resourceLogs[0].scopeLogs[0].logRecords[1]", ""),
    ]
    assert len(decoded.batch.patches) == 1


def test_a_broken_text_in_protobuf_costs_its_own_record() -> None:
    body = protobuf_of(log("gen_ai.user.message", "xxxx"), BOTOCORE[0]).replace(
        b"xxxx", b"\xff" * 4
    )
    decoded = decode_logs(body, PROTOBUF, max_value_bytes=MAX_VALUE_BYTES)
    assert len(decoded.item_errors) == len(decoded.batch.patches) == 1


def test_a_body_that_is_no_request_is_refused_whole() -> None:
    for body, content_type in ((b"[]", JSON), (b"\x0a\xff", PROTOBUF), (b"", "text/plain")):
        with pytest.raises(TracerError):
            decode_logs(body, content_type, max_value_bytes=MAX_VALUE_BYTES)


def test_a_value_that_is_too_long_is_cut_and_flags_the_span() -> None:
    event = log("gen_ai.user.message", values={"content": "a" * 2_000})
    record = joined(decode(event, max_value_bytes=1_000), span()).record
    assert record.flags == ["truncated"]
    assert record.input[0]["content"].endswith("…[truncated, 2000 bytes]")


def test_an_evaluation_is_a_score_of_its_span_and_one_of_its_own() -> None:
    values = {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.5}
    events = [
        log("gen_ai.evaluation.result", values=values, timeUnixNano=str(START + 1_000 * k))
        for k in range(2)
    ]
    scores = decode(*events).batch.scores
    assert [
        (score.name, score.value, score.trace_id, score.span_id, score.time) for score in scores
    ] == [("tone", 0.5, TRACE_ID, SPAN_ID, START // 1_000 + k) for k in range(2)]
    again = decode(*reversed(events)).batch.scores
    assert {score.score_id for score in again} == {score.score_id for score in scores}
    assert len({score.score_id for score in scores}) == 2


def test_equal_events_of_one_request_are_several_messages_and_sent_again_the_same() -> None:
    yes = log("gen_ai.user.message", {"content": "yes"})
    once, again = decode(yes, yes), decode(BOTOCORE[1], yes, yes)
    merged = merge(None, decode_json(request(span())).batch.spans, once.batch.patches)
    assert merged is not None
    merged = merge(merged, [], again.batch.patches)
    assert merged is not None
    assert merged.record.input == [{"role": "user", "content": "yes"}] * 2


@given(split=st.integers(0, 8), dice=st.randoms(use_true_random=False))
def test_messages_of_one_nanosecond_stay_in_the_order_of_their_request(
    split: int, dice: Any
) -> None:
    events = [log("gen_ai.user.message", {"content": str(k)}) for k in range(8)]
    requests = [decode(*[BOTOCORE[1]] * split, *events), decode(*events)]
    patches: list[SpanPatch] = [patch for decoded in requests for patch in decoded.batch.patches]
    dice.shuffle(patches)
    merged = merge(None, [], patches)
    assert merged is not None
    assert merged.placeholder
    assert [message["content"] for message in merged.record.input] == [str(k) for k in range(8)]

"""Whatever bytes and attributes arrive: no error but Refused, nothing lost, nothing negative."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.wire.any_attributes import (
    EVENTS,
    KNOWN,
    SCOPES,
    attribute_maps,
    attribute_values,
)
from tests.support.wire.otlp import (
    attributes,
    decode_json,
    decode_protobuf,
    protobuf,
    request,
    span,
)
from tracer.errors import Refused
from tracer.records import SpanRecord
from tracer.wire.otlp.protobuf import spans
from tracer.wire.otlp.request import CONTENT_TYPES, Decoded, decode_traces
from tracer.wire.spans.resolution import EVENT_NAMES, SPAN_TABLE, resolve


@given(st.binary(max_size=300), st.sampled_from(CONTENT_TYPES))
def test_any_bytes_are_accepted_or_refused_with_a_wire_error(body: bytes, media: str) -> None:
    with contextlib.suppress(Refused):
        decode_traces(body, media, max_value_bytes=100)


@given(attribute_maps, st.data())
def test_a_damaged_protobuf_request_raises_nothing_but_wire_errors(
    values: dict[str, Any], data: st.DataObject
) -> None:
    body = bytearray(protobuf(values, spans=2).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Refused):
        decode_protobuf(bytes(body))


OTLP_NAMES = re.findall(
    r"\w+",
    """
    resourceSpans scopeSpans spans resource scope attributes key value stringValue intValue
    doubleValue arrayValue kvlistValue bytesValue values traceId spanId parentSpanId name kind
    status code events links timeUnixNano startTimeUnixNano endTimeUnixNano traceState
    droppedAttributesCount
    """,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(OTLP_NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(json_values)
def test_any_json_is_accepted_or_refused_with_a_wire_error(value: Any) -> None:
    with contextlib.suppress(Refused):
        decode_json(value)


@given(st.dictionaries(st.sampled_from(sorted(span())), json_values, max_size=6))
def test_a_span_of_any_json_is_accepted_or_refused_by_itself(fields: dict[str, Any]) -> None:
    decoded = decode_json(request({**span(), **fields}, span(spanId="b7ad6b7169203399")))
    assert decoded.batch.spans[-1].span_id == "b7ad6b7169203399"
    assert len(decoded.batch.spans) + len(decoded.item_errors) == decoded.total == 2


def stored_everywhere(decoded: Decoded) -> None:
    """Fail where something can't be stored as PostgreSQL's JSON."""
    text = msgspec.json.encode(decoded).decode()
    assert "\\u0000" not in text.replace("\\\\", "")


def buckets_are_sound(record: SpanRecord) -> None:
    assert all(type(count) is int and count >= 0 for count in record.usage.values())
    assert all(amount.is_finite() and amount >= 0 for amount in record.cost.values())
    assert "total" not in record.usage or len(record.usage) == 1


@given(attribute_maps, attribute_maps)
@example({"a\0b": "c\0d"}, {"\0": 1})
@example({"gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 9}, {})
@example({"input.value": "[" * 200 + "]" * 200, "metadata": "[NaN]"}, {})
def test_protobuf_and_json_of_any_attributes_agree(
    values: dict[str, Any], resource: dict[str, Any]
) -> None:
    from_protobuf = decode_protobuf(protobuf(values, resource))
    from_json = decode_json(request(span(values), resource=resource))
    assert msgspec.json.encode(from_protobuf) == msgspec.json.encode(from_json)
    stored_everywhere(from_protobuf)
    [record] = from_protobuf.batch.spans
    buckets_are_sound(record)


@given(attribute_maps)
def test_every_attribute_sets_a_field_or_stays_an_attribute(values: dict[str, Any]) -> None:
    body = protobuf(values)
    [record] = decode_protobuf(body).batch.spans
    [group] = spans(body.SerializeToString(), 1 << 20)
    read = group.read(group.items[0]).attributes
    assert len(read) == len(values)
    assert sorted([*record.attributes, *record.claimed]) == sorted(read)
    steps = resolve(SPAN_TABLE, [read]).accepted_steps
    for key in record.claimed:
        fields = [step.rule.field for step in steps if step.key == key]
        assert any(has_field(record, field) for field in fields), key


def has_field(record: SpanRecord, field: str) -> bool:
    """Return whether the record has the field, or the field that it became."""
    if field.startswith("trace."):
        return True
    field = {"first_token_delay": "first_token_time"}.get(field, field)
    # An input may be an empty list: that is what was sent. A cost can't.
    empty = (None,) if field in ("input", "output") else (None, {}, [])
    return getattr(record, field) not in empty


@given(
    attribute_maps,
    st.sampled_from(SCOPES),
    st.lists(
        st.tuples(st.sampled_from([*EVENTS, *sorted(EVENT_NAMES)]), attribute_maps), max_size=4
    ),
    st.sampled_from(["", "ai.generateText", "agent_turn", "GET", "é"]),
)
def test_any_scope_events_and_name_lose_no_attribute(
    values: dict[str, Any], scope: str, happened: list[tuple[str, dict[str, Any]]], name: str
) -> None:
    events = [
        {"name": name, "timeUnixNano": "5", "attributes": attributes(of)} for name, of in happened
    ]
    body = request(span(values, events=events, name=name))
    body["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": scope}
    decoded = decode_json(body)
    stored_everywhere(decoded)
    [record] = decoded.batch.spans
    buckets_are_sound(record)
    assert set(values) <= {*record.attributes, *record.claimed} | {"span.kind"}
    assert [event["name"] for event in record.events] == [name for name, _ in happened]
    again = decode_json(body)
    assert msgspec.json.encode(again.batch) == msgspec.json.encode(decoded.batch)


@settings(max_examples=300)
@given(st.sampled_from([key for key in KNOWN if not key.endswith("*")]), attribute_values)
def test_a_known_name_with_any_value_never_raises(key: str, value: Any) -> None:
    [record] = decode_protobuf(protobuf({key: value})).batch.spans
    buckets_are_sound(record)

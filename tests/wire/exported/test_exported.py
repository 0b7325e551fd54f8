"""Attributes of Tracer's own export are checked like any other input."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.wire.otlp import decode_json, protobuf, request, span
from tests.support.wire.otlp import decode_protobuf as from_protobuf
from tracer.export.names import ENCODED, NATIVE, SCALARS

FINISHED = 1_767_225_601_000_000 | 1 << 62


def own(**fields: Any) -> dict[str, Any]:
    """Return the attributes of an exported span."""
    values = {"export": 1, "kind": "span", "version": FINISHED, **fields}
    return {f"tracer.{name}": value for name, value in values.items()}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "wizard"}, "wizard"),
        ({"level": "loud"}, "loud"),
        ({"cost_source": "guessed"}, "guessed"),
        ({"version": -1}, ">= 0"),
        ({"version": "1"}, "int"),
        ({"span_id": "a\nb"}, "span_id"),
        ({"trace_id": ""}, "length >= 1"),
        ({"parent_span_id": "\x01"}, "parent_span_id"),
        ({"flags": ["{x}"]}, "regex"),
        ({"flags": "truncated"}, "array"),
        ({"usage": '{"input": -1}'}, ">= 0"),
        ({"usage": '{"input": "many"}'}, "int"),
        ({"cost": '{"input": "NaN"}'}, "finite"),
        ({"cost": '{"input": "1e99"}'}, "finite"),
        ({"prompt_version": 2**31}, "<="),
        ({"start_time": 2**60}, "<="),
        ({"input": "{"}, "expected JSON"),
        ({"input": 7}, "JSON as text"),
        ({"input": "[" * 100 + "]" * 100}, "nested deeper"),
        ({"input": '"\\ud800"'}, "expected JSON"),
        ({"patch": '{"fields": {"nope": [1, 2]}, "hidden": {}}'}, "no field 'nope'"),
        ({"patch": '{"fields": {"usage.input": [1, 2]}, "hidden": {}}'}, "no field"),
        ({"patch": '{"fields": {"usage": [1, "x"]}, "hidden": {}}'}, "usage"),
        ({"patch": '{"fields": {}, "hidden": {"cost": 1}}'}, "cost"),
    ],
)
def test_an_invalid_field_of_a_span_is_refused_with_a_reason(
    fields: dict[str, Any], reason: str
) -> None:
    decoded = decode_json(request(span(own(**fields)), span({"fine": 1}, spanId="c" * 16)))
    assert [record.span_id for record in decoded.batch.spans] == ["c" * 16]
    assert decoded.batch.patches == []
    [refusal] = decoded.item_errors
    assert reason in refusal.reason
    assert refusal.field.startswith("tracer.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tracer.trace", "{}"),
        ("tracer.trace", 1),
        ("tracer.trace", '{"trace_id": "t", "claims": {"ranks": {"nope": [1, 1]}}}'),
        ("tracer.trace", '{"trace_id": "t", "claims": {"ranks": {"name": [9, 1]}}}'),
        ("tracer.trace", '{"trace_id": "t", "name": 1}'),
        ("tracer.scores", '{"trace_id": "t", "scores": [{}]}'),
        ("tracer.scores", "[]"),
    ],
)
def test_an_invalid_field_of_a_trace_is_refused(name: str, value: Any) -> None:
    decoded = decode_json(request(span(), resource={name: value}))
    assert len(decoded.batch.spans) == 1
    assert decoded.batch.scores == []
    [refusal] = decoded.item_errors
    assert refusal.field in (name, "tracer.export")


def test_a_nul_in_json_text_is_cleaned() -> None:
    decoded = decode_json(request(span(own(input='"a\\u0000b"'))))
    assert [record.input for record in decoded.batch.spans] == ["a\ufffdb"]


def test_an_exported_value_is_restored_whole_and_another_attribute_is_cut() -> None:
    text = "x" * 5_000
    values = own(input=json.dumps(text)) | {"foreign": text}
    decoded = decode_json(request(span(values)), max_value_bytes=4_000)
    [record] = decoded.batch.spans
    assert record.input == text
    assert record.attributes["foreign"].endswith("…[truncated, 5000 bytes]")


def test_protobuf_gives_the_same_record() -> None:
    values = own(kind="tool", usage='{"input":1}', input='["a"]', echo=True) | {"mine": [1, "a"]}
    [record] = from_protobuf(protobuf(values)).batch.spans
    [same] = decode_json(request(span(values))).batch.spans
    assert record == same
    assert (record.kind, record.usage, record.attributes) == (
        "tool",
        {"input": 1},
        {"mine": [1, "a"]},
    )


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=5,
)


@settings(max_examples=150)
@example({"version": None})
@given(
    st.dictionaries(
        st.sampled_from([*SCALARS, *ENCODED, *NATIVE, "span_id", "name", "start_time", "flags"]),
        st.one_of(anything, anything.map(json.dumps)),
        max_size=5,
    )
)
def test_no_value_of_an_exported_attribute_breaks_the_reader(fields: dict[str, Any]) -> None:
    decoded = decode_json(request(span(own(**fields))))
    assert len(decoded.batch.spans) + len(decoded.batch.patches) + len(decoded.item_errors) >= 1

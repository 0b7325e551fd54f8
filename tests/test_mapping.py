"""The attribute mapping of a span: every attribute once, with its field or the reason for none."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import example, given

from tests.support.wire.any_attributes import attribute_maps
from tests.support.wire.otlp import attributes, decode_protobuf, only_record, protobuf, span
from tracer.mapping import Mapping, mapping_of
from tracer.records import SpanRecord


def fields_of(mapping: Mapping) -> dict[str, list[tuple[str, Any, str]]]:
    return {
        item.attribute: [(field.field, field.value, field.dialect) for field in item.fields]
        for item in mapping.mapped
    }


def why(mapping: Mapping) -> dict[str, str]:
    return {item.attribute: item.why for item in mapping.unmapped}


def of(values: dict[str, Any], **fields: Any) -> Mapping:
    return mapping_of(only_record(span(values, **fields)))


@given(attribute_maps)
@example({"(name)": None})
def test_every_attribute_is_either_mapped_or_unmapped(
    values: dict[str, Any],
) -> None:
    [record] = decode_protobuf(protobuf(values)).batch.spans
    mapping = mapping_of(record)
    sent = {*record.attributes, *record.claimed}
    # The span's own name, unless an attribute is called so.
    mapped = [item.attribute for item in mapping.mapped if item.attribute in sent]
    unmapped = [item.attribute for item in mapping.unmapped]
    assert sorted(mapped + unmapped) == sorted([*record.attributes, *record.claimed])
    assert len({*mapped, *unmapped}) == len(values)
    for item in mapping.mapped:
        assert item.fields
        assert item.kept == (item.attribute in record.attributes)
    msgspec.json.encode(mapping)


@given(attribute_maps)
@example({"mlflow.traceTag.a": []})
@example({"llm.tools.a": []})
def test_a_field_has_a_value_where_an_attribute_mapped_to_it_and_only_there(
    values: dict[str, Any],
) -> None:
    [record] = decode_protobuf(protobuf(values)).batch.spans
    mapped = [field for item in mapping_of(record).mapped for field in item.fields]
    fields = {field.field.partition(".")[0] for field in mapped}
    for name in ("input", "output", "provider"):
        assert (name in fields) == (getattr(record, name) is not None)
    for name in ("usage", "model_parameters", "tools", "metadata"):
        assert (name in fields) == bool(getattr(record, name))


def test_each_attribute_has_its_field_dialect_and_value() -> None:
    mapping = of(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-4o",
            "llm.token_count.prompt": 10,
            "llm.token_count.prompt_details.cache_read": 4,
            "llm.invocation_parameters": '{"temperature": 0}',
        }
    )
    dialect = "openinference"
    assert mapping.dialect == dialect
    assert fields_of(mapping) == {
        "openinference.span.kind": [("kind", "generation", dialect)],
        "llm.model_name": [("model", "gpt-4o", dialect)],
        "llm.token_count.prompt": [("usage.input", 6, dialect)],
        "llm.token_count.prompt_details.cache_read": [("usage.cache_read", 4, dialect)],
        "llm.invocation_parameters": [("model_parameters", {"temperature": 0}, dialect)],
    }
    assert [item.fields[0].rule for item in mapping.mapped if item.fields][:2] == [
        "openinference.span.kind",
        "llm.model_name",
    ]
    assert mapping.unmapped == []


def test_the_rule_of_a_prefix_ends_in_a_star() -> None:
    [item] = of({"gen_ai.request.top_k": 5}).mapped
    assert (item.fields[0].field, item.fields[0].rule) == (
        "model_parameters.top_k",
        "gen_ai.request.*",
    )


def test_an_unmapped_attribute_has_a_reason() -> None:
    mapping = of(
        {
            "openinference.span.kind": "TOOL",
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": -1,
            "my.own": True,
        }
    )
    assert why(mapping) == {
        "gen_ai.operation.name": "openinference.span.kind set kind to another value",
        "gen_ai.usage.input_tokens": "its value can't be mapped to usage.input",
        "my.own": "no dialect has a rule for this name",
    }


def test_a_mapped_attribute_that_is_kept_counts_as_mapped() -> None:
    mapping = of({"gen_ai.operation.name": "execute_tool", "user.id": "u1"})
    assert fields_of(mapping) == {
        "gen_ai.operation.name": [("kind", "tool", "gen_ai")],
        "user.id": [("trace.user_id", None, "general")],
    }
    assert all(item.kept for item in mapping.mapped)


def test_usage_parts_that_contradict_their_total_are_mapped_and_kept() -> None:
    counts = {"prompt": 3, "completion": 3, "total": 9}
    values = {f"llm.token_count.{name}": number for name, number in counts.items()}
    mapping = of(values)
    assert {item.attribute for item in mapping.mapped} == {*values}
    assert all(item.kept for item in mapping.mapped)
    assert len(mapping.usage) == 1


def test_a_long_value_is_shown_by_its_beginning() -> None:
    [item] = of({"input.value": "x" * 5000}).mapped
    assert item.fields[0].value == "x" * 200 + "…"


def test_a_time_is_shown_as_the_api_writes_it() -> None:
    record = only_record(span({"gen_ai.response.time_to_first_chunk": 0.5}))
    moment = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
    stored = SimpleNamespace(**(msgspec.structs.asdict(record) | {"first_token_time": moment}))
    assert fields_of(mapping_of(stored)) == {
        "gen_ai.response.time_to_first_chunk": [
            ("first_token_time", "2026-01-01T09:30:00.000000Z", "gen_ai")
        ]
    }


def test_a_thousand_parts_of_one_value_are_mapped_in_linear_time() -> None:
    values = {f"llm.input_messages.{n}.message.content": "x" * 1000 for n in range(1000)}
    record = only_record(span(values))
    start = time.process_time()
    assert len(mapping_of(record).mapped) == 1000
    assert time.process_time() - start < 0.5


def test_fields_of_the_trace_have_the_values_of_the_trace() -> None:
    record = only_record(span({"langfuse.trace.name": "said", "session.id": "s"}))
    trace = SpanRecord(trace_id="t", span_id="s", start_time=0, name="told")
    assert fields_of(mapping_of(record, trace)) == {
        "langfuse.trace.name": [("trace.name", "told", "langfuse")],
        "session.id": [("trace.session_id", None, "general")],
    }


def test_each_part_of_a_score_is_mapped() -> None:
    values = {"annotations.0.annotation.name": "helpful", "annotations.0.annotation.score": 1.0}
    assert fields_of(of(values)) == {name: [("scores", None, "openinference")] for name in values}


def test_an_event_is_mapped_whether_it_is_kept_or_consumed() -> None:
    score = {"gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": 1.0}
    message = {"content": "hi", "role": "user"}
    events = [
        {"name": name, "timeUnixNano": "1", "attributes": attributes(values)}
        for name, values in (
            ("gen_ai.user.message", message),
            ("gen_ai.evaluation.result", score),
        )
    ]
    fields = {
        name: [field for field, _, _ in ones]
        for name, ones in fields_of(of({}, events=events)).items()
    }
    assert fields == {
        "event:gen_ai.user.message#0": ["input"],
        "event:gen_ai.evaluation.result#1": ["scores"],
    }


def test_events_that_were_read_are_listed() -> None:
    name = "gen_ai.client.inference.operation.details"
    event = {"name": name, "timeUnixNano": "1", "attributes": []}
    assert of({}, events=[event, {**event, "name": "other"}]).events == [name]


def test_a_span_of_the_json_api_has_no_mapping() -> None:
    record = SpanRecord(trace_id="t", span_id="s", start_time=0, model="gpt-4o")
    assert mapping_of(record) == Mapping(dialect=None, usage=[], mapped=[], unmapped=[], events=[])


def test_an_attribute_that_no_rule_knows_any_more_was_mapped_by_an_earlier_version() -> None:
    record = SpanRecord(trace_id="t", span_id="s", start_time=0, claimed=("old.name",))
    [item] = mapping_of(record).mapped
    assert (item.attribute, item.fields, item.kept) == ("old.name", [], False)

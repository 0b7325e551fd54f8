"""How a span was understood: every attribute once, with the field it told or why it told none."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import given

from tests.support.wire.any_attributes import attribute_maps
from tests.support.wire.otlp import attributes, decode_protobuf, only_record, protobuf, span
from tracer.mapping import Mapping, explain
from tracer.records import SpanRecord


def told(mapping: Mapping) -> dict[str, list[tuple[str, Any, str]]]:
    return {
        item.attribute: [(field.field, field.value, field.dialect) for field in item.told]
        for item in mapping.understood
    }


def why(mapping: Mapping) -> dict[str, str]:
    return {item.attribute: item.why for item in mapping.unmapped}


def of(says: dict[str, Any], **fields: Any) -> Mapping:
    return explain(only_record(span(says, **fields)))


@given(attribute_maps)
def test_every_attribute_that_was_sent_is_explained_or_unmapped_and_never_both(
    says: dict[str, Any],
) -> None:
    [record] = decode_protobuf(protobuf(says)).batch.spans
    mapping = explain(record)
    understood = [item.attribute for item in mapping.understood if item.attribute != "(name)"]
    unmapped = [item.attribute for item in mapping.unmapped]
    assert sorted(understood + unmapped) == sorted([*record.attributes, *record.claimed])
    assert len({*understood, *unmapped}) == len(says)
    for item in mapping.understood:
        assert item.told
        assert item.kept == (item.attribute in record.attributes)
    msgspec.json.encode(mapping)


@given(attribute_maps)
def test_a_field_has_a_value_just_where_something_told_it(says: dict[str, Any]) -> None:
    [record] = decode_protobuf(protobuf(says)).batch.spans
    told_ones = [told for item in explain(record).understood for told in item.told]
    fields = {told.field.partition(".")[0] for told in told_ones}
    for name in ("input", "output", "provider"):
        assert (name in fields) == (getattr(record, name) is not None)
    for name in ("usage", "model_parameters", "tools", "metadata"):
        assert (name in fields) == bool(getattr(record, name))


def test_each_attribute_names_its_field_its_dialect_and_what_it_became() -> None:
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
    assert told(mapping) == {
        "openinference.span.kind": [("kind", "generation", dialect)],
        "llm.model_name": [("model", "gpt-4o", dialect)],
        "llm.token_count.prompt": [("usage.input", 6, dialect)],
        "llm.token_count.prompt_details.cache_read": [("usage.cache_read", 4, dialect)],
        "llm.invocation_parameters": [("model_parameters", {"temperature": 0}, dialect)],
    }
    assert [item.told[0].rule for item in mapping.understood if item.told][:2] == [
        "openinference.span.kind",
        "llm.model_name",
    ]
    assert mapping.unmapped == []


def test_the_rule_of_a_prefix_ends_in_a_star() -> None:
    [item] = of({"gen_ai.request.top_k": 5}).understood
    assert (item.told[0].field, item.told[0].rule) == ("model_parameters.top_k", "gen_ai.request.*")


def test_the_rest_says_why_it_told_nothing() -> None:
    mapping = of(
        {
            "openinference.span.kind": "TOOL",
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": -1,
            "my.own": True,
        }
    )
    assert why(mapping) == {
        "gen_ai.operation.name": "openinference.span.kind told kind otherwise",
        "gen_ai.usage.input_tokens": "its value does not tell usage.input",
        "my.own": "no dialect knows this name",
    }


def test_an_attribute_that_stays_though_it_told_a_field_is_understood() -> None:
    mapping = of({"gen_ai.operation.name": "execute_tool", "user.id": "u1"})
    assert told(mapping) == {
        "gen_ai.operation.name": [("kind", "tool", "gen_ai")],
        "user.id": [("trace.user_id", None, "general")],
    }
    assert all(item.kept for item in mapping.understood)


def test_parts_that_disagree_with_their_total_told_the_usage_and_stay() -> None:
    says = {"llm.token_count.prompt": 3, "llm.token_count.total": 9}
    mapping = of(says)
    assert [item.attribute for item in mapping.understood] == [*says]
    assert all(item.kept for item in mapping.understood)


def test_a_long_value_is_shown_by_its_beginning() -> None:
    [item] = of({"input.value": "x" * 5000}).understood
    assert item.told[0].value == "x" * 200 + "…"


def test_a_time_is_shown_as_the_api_has_it() -> None:
    record = only_record(span({"gen_ai.response.time_to_first_chunk": 0.5}))
    moment = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
    stored = SimpleNamespace(**(msgspec.structs.asdict(record) | {"first_token_time": moment}))
    assert told(explain(stored)) == {
        "gen_ai.response.time_to_first_chunk": [
            ("first_token_time", "2026-01-01T09:30:00.000000Z", "gen_ai")
        ]
    }


def test_a_thousand_parts_of_one_large_value_are_explained_at_once() -> None:
    says = {f"llm.input_messages.{n}.message.content": "x" * 1000 for n in range(1000)}
    record = only_record(span(says))
    start = time.process_time()
    assert len(explain(record).understood) == 1000
    assert time.process_time() - start < 0.5


def test_the_traces_fields_have_the_traces_values() -> None:
    record = only_record(span({"langfuse.trace.name": "said", "session.id": "s"}))
    trace = SpanRecord(trace_id="t", span_id="s", start_time=0, name="told")
    assert told(explain(record, trace)) == {
        "langfuse.trace.name": [("trace.name", "told", "langfuse")],
        "session.id": [("trace.session_id", None, "general")],
    }


def test_each_part_of_a_score_is_understood() -> None:
    says = {"annotations.0.annotation.name": "helpful", "annotations.0.annotation.score": 1.0}
    assert told(of(says)) == {name: [("scores", None, "openinference")] for name in says}


def test_an_event_that_stays_is_understood_like_one_that_is_gone() -> None:
    score = {"gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": 1.0}
    spoken = {"content": "hi", "role": "user"}
    events = [
        {"name": name, "timeUnixNano": "1", "attributes": attributes(values)}
        for name, values in (
            ("gen_ai.user.message", spoken),
            ("gen_ai.evaluation.result", score),
        )
    ]
    fields = {
        name: [field for field, _, _ in ones] for name, ones in told(of({}, events=events)).items()
    }
    assert fields == {
        "event:gen_ai.user.message#0": ["input"],
        "event:gen_ai.evaluation.result#1": ["scores"],
    }


def test_events_that_are_read_are_named() -> None:
    name = "gen_ai.client.inference.operation.details"
    event = {"name": name, "timeUnixNano": "1", "attributes": []}
    assert of({}, events=[event, {**event, "name": "other"}]).events == [name]


def test_a_span_of_the_json_api_has_nothing_to_explain() -> None:
    record = SpanRecord(trace_id="t", span_id="s", start_time=0, model="gpt-4o")
    assert explain(record) == Mapping(dialect=None, understood=[], unmapped=[], events=[])


def test_a_name_that_rules_no_longer_know_is_understood_by_an_earlier_version() -> None:
    record = SpanRecord(trace_id="t", span_id="s", start_time=0, claimed=("old.name",))
    [item] = explain(record).understood
    assert (item.attribute, item.told, item.kept) == ("old.name", [], False)

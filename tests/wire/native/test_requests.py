"""The JSON API's requests: the records that they become, and how invalid ones are refused."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import Invalid, TooLarge
from tracer.records import KINDS, LEVELS, RANK_CREATE, RANK_UPDATE
from tracer.wire.native.batch import decode_batch
from tracer.wire.native.records import (
    RequestContext,
    score_record,
    span_patch,
    span_record,
    trace_record,
)
from tracer.wire.native.requests import (
    Kind,
    Level,
    ScoreCreate,
    SpanCreate,
    SpanUpdate,
    TraceCreate,
    TraceUpdate,
)
from tracer.wire.reading import ABSURD_DEPTH, MAX_DEPTH, read_item, read_json

NOW = 1_700_000_000_000_000
RECEIPT = RequestContext(time=NOW, max_value_bytes=1000)


def refusal(value: Any, kind: type = SpanCreate) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        read_item(value, kind, "spans[3]")
    [refused] = caught.value.item_errors
    assert refused.item == "spans[3]"
    return refused.field, refused.reason


def span(**fields: Any) -> Any:
    return span_record(read_item(fields, SpanCreate), "t", RECEIPT)


def test_the_kinds_and_levels_of_requests_are_those_of_records():
    assert set(get_args(Kind)) == {*KINDS, "retrieval"}
    assert get_args(Level) == LEVELS


@pytest.mark.parametrize(
    ("value", "field", "reason"),
    [
        ({"start_time": 5}, "start_time", "such as 2026-01-31T09:30:00.123456Z or null, got 5"),
        ({"inptu": 1}, "inptu", "no such field; did you mean `input`?"),
        ({"qqq": 1}, "qqq", "no such field; known are parent_id, "),
        ({"name": 5}, "name", "expected text or null, got 5"),
        ({"events": [{"name": "x"}]}, "events[0].time", "expected a value, got nothing"),
        ({"kind": "spam"}, "kind", "expected one of span, generation"),
        ({"id": ""}, "id", "of length >= 1"),
        ({"id": "x" * 801}, "id", "of length <= 800"),
        ({"id": "a\n"}, "id", "without control characters"),
        ({"parent_id": "\ud83d"}, "parent_id", "without control characters"),
        ({"parent_id": "a", "parent_span_id": "b"}, "parent_span_id", "got both"),
        ({"start_time": "0001-01-01T00:00:00+10:00"}, "start_time", "between 1970 and 9998"),
        ({"end_time": "9999-12-31T23:59:59-10:00"}, "end_time", "between 1970 and 9998"),
        ({"cost": {"input": float("inf")}}, "cost[...]", "expected a number <= 1000000000.0"),
        ([], "", "expected an object, got []"),
    ],
)
def test_a_refusal_names_the_item_the_field_and_what_was_expected(
    value: Any, field: str, reason: str
):
    actual_field, actual_reason = refusal(value)
    assert actual_field == field
    assert reason in actual_reason


def test_an_invalid_time_is_quoted():
    assert refusal({"start_time": "yesterday"})[1].endswith('got "yesterday"')


def test_times_are_microseconds_and_naive_ones_are_utc():
    record = span(start_time="2026-01-31T09:30:00.123456", end_time="2026-01-31T10:30:01+01:00")
    assert record.end_time - record.start_time == 876_544


def test_a_span_without_times_starts_at_its_receipt_and_runs():
    record = span()
    assert (record.start_time, record.end_time, record.version) == (NOW, None, NOW)
    assert len(record.span_id) == 16


def test_an_event_ends_as_it_starts():
    record = span_record(read_item({}, SpanCreate), "t", RECEIPT, "event")
    assert record.kind == "event"
    assert record.end_time == record.start_time


def test_an_event_with_a_duration_is_refused():
    times = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z"}
    with pytest.raises(Invalid, match="end_time: expected none"):
        span(kind="event", **times)


def test_a_route_of_one_kind_refuses_another():
    with pytest.raises(Invalid, match="kind: expected generation"):
        span_record(read_item({"kind": "tool"}, SpanCreate), "t", RECEIPT, "generation")


def test_the_kind_retrieval_is_stored_as_retriever():
    assert span(kind="retrieval").kind == "retriever"


def test_the_usage_names_of_providers_become_disjoint_usage_types():
    sent = {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 5, "total_tokens": 15}
    assert span(usage=sent).usage == {"input": 6, "cache_read": 4, "output": 5}


def test_a_total_alone_is_kept_and_a_contradicting_one_is_noted():
    assert span(usage={"total_tokens": 7}).usage == {"total": 7}
    record = span(usage={"input": 1, "output": 2, "total": 9})
    assert record.usage == {"input": 1, "output": 2, "other": 6}
    assert record.notes == {"usage": {"unreconciled": True, "total": 9, "sum": 3}}
    assert record.flags == ["unreconciled"]


@pytest.mark.parametrize("value", [None, "many", -1, 1.5, True, [1]])
def test_what_is_no_count_loses_only_itself(value: Any):
    record = span(usage={"input": 3, "output": value, "prompt_tokens": 3})
    assert record.usage == {"input": 3}
    assert record.notes == ({} if value is None else {"usage": {"ignored": ["output"]}})


def test_money_keeps_the_digits_that_were_sent():
    record = span(cost={"input": 0.1, "output": 1e-7})
    assert record.cost == {"input": Decimal("0.1"), "output": Decimal("1e-7")}
    assert record.cost_source == "given"
    assert span(total_cost=0.3).cost == {"total": Decimal("0.3")}


def test_values_that_cannot_be_stored_are_replaced_and_flagged():
    record = span(name="a\x00b", input="\ud83d", metadata={"long": "x" * 2000, "k\x00": 1})
    assert "\x00" not in record.name
    assert record.flags == ["truncated", "cleaned"]
    assert set(record.metadata) == {"long", "k\ufffd"}
    assert len(record.metadata["long"]) < 1100
    assert record.notes["metadata.long"]["size"] == 2000


def test_null_in_a_create_equals_absent():
    everything = dict.fromkeys(("name", "end_time", "usage", "metadata", "parent_id"))
    assert span(id="s", **everything) == span(id="s")


def test_an_update_names_what_it_changes_and_clears_what_is_null():
    sent = read_item({"end_time": None, "model": "m", "metadata": None}, SpanUpdate)
    patch = span_patch(sent, "t", "s", RECEIPT)
    assert patch.fields == {"end_time": None, "model": "m"}


def test_a_start_time_cannot_be_cleared():
    sent = read_item({"start_time": None}, SpanUpdate)
    with pytest.raises(Invalid, match="start_time: expected a time"):
        span_patch(sent, "t", "s", RECEIPT)


def test_an_update_of_a_trace_outranks_a_create_and_replaces_its_tags():
    created = trace_record(read_item({"name": None, "tags": ["a"]}, TraceCreate), "t", RECEIPT)
    updated = trace_record(read_item({"name": None, "tags": ["b"]}, TraceUpdate), "t", RECEIPT)
    assert (created.rank, created.fields, created.replace_tags) == (RANK_CREATE, {}, False)
    assert (updated.rank, updated.fields, updated.replace_tags) == (
        RANK_UPDATE,
        {"name": None},
        True,
    )


@pytest.mark.parametrize(
    ("sent", "data_type", "value", "string_value"),
    [
        ({"value": 0.5}, "numeric", 0.5, None),
        ({"value": 1}, "numeric", 1.0, None),
        ({"value": True}, "boolean", 1.0, None),
        ({"value": 0, "data_type": "boolean"}, "boolean", 0.0, None),
        ({"value": "good"}, "categorical", None, "good"),
        ({"value": "good", "data_type": "text"}, "text", None, "good"),
    ],
)
def test_a_score_has_the_type_of_its_value(
    sent: Any, data_type: str, value: float | None, string_value: str | None
):
    score = score_record(read_item({"name": "q", "trace_id": "t", **sent}, ScoreCreate), RECEIPT)
    assert (score.data_type, score.value, score.string_value) == (data_type, value, string_value)


@pytest.mark.parametrize(
    "sent",
    [
        {"value": "x", "data_type": "numeric", "trace_id": "t"},
        {"value": 2, "data_type": "boolean", "trace_id": "t"},
        {"value": 2, "data_type": "text", "trace_id": "t"},
        {"value": True, "data_type": "numeric", "trace_id": "t"},
        {"value": float("nan"), "trace_id": "t"},
        {"value": 1},
        {"value": 1, "trace_id": "t", "session_id": "s"},
        {"value": 1, "session_id": "s", "span_id": "x"},
        {"trace_id": "t"},
    ],
)
def test_a_contradictory_score_is_refused(sent: Any):
    with pytest.raises(Invalid):
        read_item({"name": "q", **sent}, ScoreCreate)


def test_invalid_items_of_a_batch_are_refused_one_by_one():
    items = [{"trace_id": "t", "id": "a"}, 5, {"id": "b"}, {"trace_id": "t", "id": "c"}]
    decoded = decode_batch(json.dumps({"spans": items}).encode(), RECEIPT)
    assert [record.span_id for record in decoded.batch.spans] == ["a", "c"]
    assert [bool(result.item_errors) for result in decoded.results] == [False, True, True, False]
    assert decoded.places == {("spans", 0): 0, ("spans", 1): 3}
    assert decoded.results[2].item_errors[0].item == "spans[2]"


def test_the_last_of_several_records_of_a_span_in_a_batch_counts():
    items = [{"trace_id": "t", "id": "a"}] * 3
    decoded = decode_batch(json.dumps({"spans": items}).encode(), RECEIPT)
    assert [record.version - NOW for record in decoded.batch.spans] == [0, 1, 2]


def test_a_batch_of_too_many_items_is_refused():
    with pytest.raises(TooLarge, match="at most 10000 items, got 10001"):
        decode_batch(b'{"spans":[' + b"0," * 10_000 + b"0]}", RECEIPT)


def test_a_refusal_of_a_record_names_its_item():
    sent = {"trace_id": "t", "kind": "event", "end_time": "2026-01-01T00:00:00Z"}
    decoded = decode_batch(json.dumps({"spans": [sent]}).encode(), RECEIPT)
    [refused] = decoded.results[0].item_errors
    assert (refused.item, refused.field) == ("spans[0]", "end_time")


def test_millions_of_brackets_are_refused_before_they_are_parsed():
    with pytest.raises(TooLarge, match="30000000 elements of JSON"):
        read_json(b"[" * 30_000_000)


def test_extreme_nesting_of_sparse_brackets_is_refused():
    body = b"[     " * (ABSURD_DEPTH + 1)
    with pytest.raises(Invalid, match="nested deeper than"):
        read_json(body)


@pytest.mark.parametrize(
    "deep",
    [
        b"[" * 90_000 + b"]" * 90_000,  # below the elements that are decoded in any case
        b"[     " * 110_000 + b"]" * 110_000,  # above, with the bytes that so many need
        b"9" * 5000,
        b"NaN",
        b'"\\ud83d"',
    ],
)
def test_json_that_other_parsers_reject_affects_no_other_item(deep: bytes):
    body = b'{"spans":[{"trace_id":"t","id":"a","input":%s},{"trace_id":"t","id":"b"}]}' % deep
    decoded = decode_batch(body, RECEIPT)
    assert [record.span_id for record in decoded.batch.spans] == ["a", "b"]


def test_values_nested_too_deeply_are_cut_outside_of_strings_only():
    body = b'{"a":"]]","b":' + b'["[",' * 5000 + b"1" + b"]" * 5000 + b',"c":2}'
    value = read_json(body)
    assert (value["a"], value["c"]) == ("]]", 2)
    depth = 0
    level = value["b"]
    while isinstance(level, list):
        level, depth = level[-1], depth + 1
    assert depth < MAX_DEPTH
    assert "too deeply" in level


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":1}x', b"[" * 100_000, b'"\xff"', b"\x00"])
def test_a_body_that_is_not_json_is_refused(body: bytes):
    with pytest.raises(Invalid):
        read_json(body)


TEXT = st.text(st.characters(exclude_categories=[]), max_size=10)
"""Any text, lone surrogates among it, as JSON may escape them."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


FIELDS = st.sampled_from([*SpanCreate.__struct_fields__, "trace_id"])


@given(st.dictionaries(FIELDS | TEXT, JSON))
def test_any_object_is_a_span_or_a_refusal(item: dict[str, Any]):
    body = json.dumps({"spans": [item, {"trace_id": "t", "id": "good"}]}).encode()
    decoded = decode_batch(body, RECEIPT)
    assert decoded.batch.spans[-1].span_id == "good"
    assert len(decoded.batch.spans) == 2 - len(decoded.results[0].item_errors)


@given(st.binary(max_size=50))
def test_any_bytes_are_json_or_a_refusal(body: bytes):
    with suppress(Invalid):
        read_json(body)

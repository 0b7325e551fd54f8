"""A trace's own fields, its sums and its bounds."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.traces.drawn_records import span_records
from tests.support.traces.merging import MergedTrace
from tests.support.traces.records import T0, span, trace_record
from tracer.merging.spans import finish, precedence
from tracer.merging.traces import INDEXED_BYTES, Derived, Totals, clip, columns, extend, status_of
from tracer.records import RANK_CREATE, RANK_UPDATE, SpanRecord, TraceRecord


def row_of(*items: Any) -> dict[str, Any]:
    trace = MergedTrace()
    trace.add(*items)
    return columns(trace.trace)


def call(**fields: Any) -> SpanRecord:
    return trace_record(rank=RANK_CREATE, **fields)  # type: ignore[return-value]


@given(st.lists(span_records(), max_size=6), st.randoms(use_true_random=False))
def test_spans_that_are_added_and_taken_away_leave_no_sum(
    records: list[SpanRecord], dice: random.Random
) -> None:
    spans = [finish(record, version=precedence(record), patch={}) for record in records]
    kept, totals = spans[: len(spans) // 2], Totals()
    for counted in dice.sample(spans, len(spans)):
        totals.add(counted)
    for counted in spans[len(kept) :]:
        totals.add(counted, -1)
    expected = Totals()
    for counted in kept:
        expected.add(counted)
    assert totals == expected


def test_sums_count_each_span_by_kind_model_level_and_flags() -> None:
    row = row_of(
        span("root", level="error", flags=["truncated"]),
        span("call", "root", kind="generation", model="house", usage={"input": 3, "reasoning": 4}),
        span("tool", "root", kind="tool", level="warning"),
        span("open", "root", end_time=None),
    )
    assert (row["span_count"], row["running_count"]) == (4, 1)
    assert (row["error_count"], row["warning_count"], row["root_error_count"]) == (1, 1, 1)
    assert row["flagged_count"] == 1
    assert row["kinds"] == {"span": 2, "generation": 1, "tool": 1}
    assert row["models"] == {"house": 1}
    assert (row["input_tokens"], row["output_tokens"], row["total_tokens"]) == (3, 4, 7)
    assert (row["total_cost"], row["unpriced_count"]) == (None, 1)


def test_a_covered_span_counts_without_its_usage() -> None:
    cost = {"cost": {"total": Decimal(1)}, "cost_source": "given"}
    record = span("agent", usage={"input": 5}, model="house", **cost)
    covered = finish(record, version=1, patch={})
    covered.usage_excluded = True
    totals = Totals()
    totals.add(covered)
    assert (totals.counts["span_count"], totals.models) == (1, {"house": 1})
    assert (totals.usage, totals.cost, totals.counts["metered_count"]) == ({}, {}, 0)


def test_a_trace_without_usage_has_no_tokens_and_one_of_zero_tokens_has_zero() -> None:
    without = row_of(span("root"))
    assert [without[f"{side}_tokens"] for side in ("input", "output", "total")] == [None] * 3
    zero = row_of(span("root", kind="generation", usage={"input": 0}))
    assert [zero[f"{side}_tokens"] for side in ("input", "output", "total")] == [0, 0, 0]


def test_a_total_cost_beside_its_parts_is_counted_once() -> None:
    cost = {"input": Decimal(1), "output": Decimal(2), "total": Decimal(3)}
    row = row_of(span("root", usage={"input": 1}, cost=cost, cost_source="given"))
    assert (row["cost"], row["total_cost"]) == ({"total": Decimal(3)}, Decimal(3))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "completed"),
        ({"end_time": None}, "running"),
        ({"level": "warning"}, "completed"),
        ({"level": "error"}, "error"),
        ({"level": "error", "end_time": None}, "error"),
    ],
)
def test_the_status_of_a_span(fields: dict[str, Any], status: str) -> None:
    assert status_of(span("a", **fields)) == status


def test_a_trace_runs_while_a_span_does_and_fails_with_its_root() -> None:
    failed_child = [span("root"), span("child", "root", level="error")]
    assert row_of(*failed_child)["status"] == "completed"
    assert row_of(span("root", level="error"))["status"] == "error"
    assert row_of(span("root", level="error"), span("b", "root", end_time=None))["status"] == (
        "running"
    )
    rootless = MergedTrace()
    rootless.add(span("child", "missing", level="error"))
    assert rootless.trace.status == "completed"
    rootless.trace.derived.rootless = True
    assert rootless.trace.status == "error"


def test_the_bounds_are_those_of_the_spans_widened_by_the_times_that_were_sent() -> None:
    trace = MergedTrace()
    trace.add(TraceRecord(trace_id="t", rank=RANK_CREATE, version=T0 + 50))
    assert trace.trace.bounds() == (T0 + 50, T0 + 50)
    trace.add(span("root", start_time=T0 + 20, end_time=T0 + 30), span("late", end_time=T0 + 90))
    assert trace.trace.bounds() == (T0, T0 + 90)
    trace.add(trace_record(rank=RANK_CREATE, start_time=T0 - 5, end_time=T0 + 40))
    assert trace.trace.bounds() == (T0 - 5, T0 + 90)


def test_a_running_span_and_one_that_ends_before_its_start_count_from_their_start() -> None:
    derived = Derived()
    records = [span("a", end_time=None), span("b", start_time=T0 + 7, end_time=T0 - 9)]
    extend(derived, [finish(record, version=1, patch={}) for record in records])
    assert (derived.start, derived.end) == (T0, T0 + 7)


def test_tags_unite_until_an_update_replaces_them() -> None:
    trace = MergedTrace()
    for tags in (["b"], ["a", "b"]):
        trace.add(TraceRecord(trace_id="t", rank=RANK_CREATE, version=T0, tags=tags))
    assert columns(trace.trace)["tags"] == ["a", "b"]
    replacing = {"rank": RANK_UPDATE, "tags": ["c"], "replace_tags": True}
    trace.add(TraceRecord(trace_id="t", version=T0 + 5, **replacing))
    trace.add(TraceRecord(trace_id="t", rank=RANK_CREATE, version=T0 + 9, tags=["d"]))
    assert columns(trace.trace)["tags"] == ["c"]


def test_a_persons_edit_of_a_tag_outlasts_what_the_application_sends() -> None:
    edit = TraceRecord(
        trace_id="t", rank=RANK_UPDATE, version=T0 + 1, tag_edits={"a": False, "mine": True}
    )
    later_edit = TraceRecord(trace_id="t", rank=RANK_UPDATE, version=T0 + 2, tag_edits={"a": True})
    sent = TraceRecord(trace_id="t", rank=RANK_CREATE, version=T0 + 9, tags=["a", "b"])
    assert row_of(edit, sent)["tags"] == ["b", "mine"]
    assert row_of(later_edit, edit, sent)["tags"] == ["a", "b", "mine"]


def test_metadata_is_merged_by_key_and_a_null_removes_one_unless_it_is_merged_deeply() -> None:
    first = TraceRecord(
        trace_id="t", rank=RANK_CREATE, version=T0, metadata={"a": 1, "b": {"x": 1}}
    )
    second = TraceRecord(
        trace_id="t", rank=RANK_CREATE, version=T0 + 1, metadata={"a": None, "b": {"y": 2}}
    )
    assert row_of(second, first)["metadata"] == {"b": {"y": 2}}
    second.deep = True
    assert row_of(first, second)["metadata"] == {"a": None, "b": {"x": 1, "y": 2}}


def test_a_long_session_id_is_cut_as_it_is_indexed() -> None:
    row = row_of(trace_record(rank=RANK_CREATE, session_id="é" * 500, name="n" * 900))
    assert row["session_id"] == clip("é" * 500, INDEXED_BYTES)
    assert len(row["name"].encode()) == INDEXED_BYTES


@given(st.text(max_size=60) | st.text(st.sampled_from("aé€😀"), max_size=60))
def test_a_clipped_text_is_the_longest_beginning_that_fits(text: str) -> None:
    clipped = clip(text, 20)
    assert len(clipped.encode()) <= 20
    if len(text.encode()) <= 20:
        assert clipped == text
    else:
        assert clipped.endswith("…")
        assert text.startswith(clipped[:-1])
        # One more character would not have fitted.
        assert len(text[: len(clipped)].encode()) > 17


def test_no_text_is_clipped_to_none() -> None:
    assert clip(None, 20) is None

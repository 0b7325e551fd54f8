"""Merging what arrived of one span: which record and which patches count."""

from __future__ import annotations

import copy
import itertools
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.traces.drawn_records import span_patches, span_records
from tests.support.traces.records import T0, span
from tracer.merging.spans import (
    FINISHED,
    Span,
    canonical,
    finish,
    flatten,
    merge,
    merge_patches,
    needs_payload,
    overlay,
    placeholder,
    precedence,
    underneath,
)
from tracer.records import SpanPatch, SpanRecord

RUNNING = span("a", end_time=None, version=T0 + 900)
FINISHED_RECORD = span("a", version=T0 + 100, output="done")


def patch(version: int = 0, *, deep: bool = False, **fields: Any) -> SpanPatch:
    return SpanPatch(trace_id="t", span_id="a", version=T0 + version, fields=fields, deep=deep)


def merged(*items: SpanRecord | SpanPatch, stored: Span | None = None) -> Span:
    records = [item for item in items if isinstance(item, SpanRecord)]
    patches = [item for item in items if isinstance(item, SpanPatch)]
    result = merge(stored, records, patches)
    assert result is not None
    return result


def in_any_order(*items: SpanRecord | SpanPatch) -> Span:
    """Return the span after the items arrived one by one, the same in every order."""
    results = []
    for order in itertools.permutations(items):
        stored: Span | None = None
        for item in order:
            is_record = isinstance(item, SpanRecord)
            stored = merge(stored, [item] if is_record else [], [] if is_record else [item]) or (
                stored
            )
        assert stored is not None
        results.append(stored)
    assert all(result == results[0] for result in results)
    return results[0]


def test_a_finished_record_beats_a_running_one_of_a_later_version() -> None:
    assert in_any_order(RUNNING, FINISHED_RECORD).record == FINISHED_RECORD
    assert precedence(FINISHED_RECORD) == T0 + 100 + FINISHED > precedence(RUNNING)


def test_of_two_finished_records_the_later_version_counts() -> None:
    later = span("a", version=T0 + 101, output="revised")
    assert in_any_order(FINISHED_RECORD, later).record == later


def test_of_two_records_of_one_version_the_content_decides() -> None:
    other = span("a", version=T0 + 100, output="other")
    chosen = in_any_order(FINISHED_RECORD, other).record
    assert chosen == max(FINISHED_RECORD, other, key=canonical)


def test_the_latest_patch_of_each_field_counts() -> None:
    result = in_any_order(
        FINISHED_RECORD, patch(2, output="second", name="n"), patch(1, output="first", model="m")
    )
    assert (result.record.output, result.record.name, result.record.model) == ("second", "n", "m")


def test_a_patched_null_clears_to_the_fields_empty_value() -> None:
    record = span("a", level="error", usage={"input": 1}, model="m", flags=["truncated"])
    fields: dict[str, Any] = {"level": None, "usage": None, "model": None, "flags": None}
    cleared = in_any_order(record, patch(**fields)).record
    assert (cleared.level, cleared.usage, cleared.model, cleared.flags) == ("default", {}, None, [])


def test_metadata_is_patched_key_by_key_and_with_deep_part_by_part() -> None:
    record = span("a", metadata={"k": {"x": 1, "y": 2}, "gone": 1, "kept": True})
    by_key = in_any_order(record, patch(metadata={"k": {"x": 5}, "gone": None})).record
    assert by_key.metadata == {"k": {"x": 5}, "kept": True}
    by_part = in_any_order(record, patch(deep=True, metadata={"k": {"x": 5}})).record
    assert by_part.metadata == {"k": {"x": 5, "y": 2}, "gone": 1, "kept": True}


def test_patches_alone_are_a_span_that_starts_with_the_first_of_them() -> None:
    result = in_any_order(patch(5, name="n"), patch(3, output="x"))
    assert not result.placeholder
    assert (result.record.start_time, result.version) == (T0 + 3, None)
    assert (result.record.name, result.record.output) == ("n", "x")


def test_a_placeholder_moves_to_its_earliest_child_and_gives_way_to_the_record() -> None:
    stand_in = placeholder("t", "a", T0 + 5)
    assert stand_in.placeholder
    assert merge(stand_in, [], [], T0 + 9) is None
    earlier = merge(stand_in, [], [], T0 + 1)
    assert earlier is not None
    assert earlier.record.start_time == T0 + 1
    assert merged(FINISHED_RECORD, stored=stand_in).record == FINISHED_RECORD


def test_a_span_that_is_its_own_parent_becomes_a_flagged_root() -> None:
    record = span("a", "a", flags=["truncated"])
    result = merged(record)
    assert result.record.parent_span_id is None
    assert result.record.flags == ["truncated", "self_parent"]
    assert result.sent_parent_id == "a"
    assert canonical(underneath(result)) == canonical(record)
    moved = merged(patch(parent_span_id="b"), stored=result)
    assert (moved.record.parent_span_id, moved.record.flags) == ("b", ["truncated"])


def test_a_span_that_ends_before_its_start_is_flagged_until_that_is_corrected() -> None:
    result = merged(span("a", end_time=T0 - 1))
    assert result.record.flags == ["end_before_start"]
    assert merged(patch(end_time=T0 + 1), stored=result).record.flags == []


def test_a_span_of_a_cycle_becomes_a_flagged_root_that_remembers_its_parent() -> None:
    result = flatten(merged(span("a", "b")))
    assert (result.record.parent_span_id, result.sent_parent_id) == (None, "b")
    assert result.record.flags == ["cycle"]


def test_a_given_cost_stays_and_a_computed_one_follows_the_usage() -> None:
    given_cost = span("a", usage={"input": 5}, cost={"total": Decimal(1)}, cost_source="given")
    assert merged(given_cost).record.cost == {"total": Decimal(1)}
    call = span("a", model="gpt-4o", usage={"input": 1_000_000})
    result = merged(call)
    assert result.record.cost == {"input": Decimal("2.5")}
    assert result.record.cost_source == "computed"
    doubled = merged(patch(usage={"input": 2_000_000}), stored=result)
    assert doubled.record.cost == {"input": Decimal(5)}
    unpriced = merged(patch(usage=None), stored=result)
    assert (unpriced.record.cost, unpriced.record.cost_source) == ({}, None)


def test_a_cost_that_an_export_brings_is_kept_as_it_is() -> None:
    exported = span(
        "a",
        model="gpt-4o",
        usage={"input": 1},
        cost={"input": Decimal(7)},
        cost_source="computed",
        priced_by="a list of last year",
    )
    assert merged(exported).record == exported


@pytest.mark.parametrize(
    ("stored", "records", "patches", "needed"),
    [
        (placeholder("t", "a", T0), [FINISHED_RECORD], [], False),
        (merged(FINISHED_RECORD), [span("a", version=T0 + 101)], [], False),
        (merged(FINISHED_RECORD), [FINISHED_RECORD], [], True),
        (merged(FINISHED_RECORD), [], [patch(name="n")], True),
        (merged(FINISHED_RECORD, patch(name="n")), [span("a", version=T0 + 101)], [], True),
    ],
)
def test_the_payload_is_needed_where_the_stored_content_may_matter(
    stored: Span, records: list[SpanRecord], patches: list[SpanPatch], needed: bool
) -> None:
    assert needs_payload(stored, records, patches) is needed


def test_a_merge_of_patches_leaves_the_stored_ones_untouched() -> None:
    stored = merge_patches({}, [patch(1, name="n")])
    assert merge_patches(stored, [patch(2, name="m")]) == {"name": (T0 + 2, "m")}
    assert stored == {"name": (T0 + 1, "n")}
    assert merge_patches(stored, []) is stored


def test_no_patches_lay_nothing_over_a_record() -> None:
    assert overlay(FINISHED_RECORD, {}) is FINISHED_RECORD


OF_ONE_SPAN = st.lists(span_records() | span_patches(), min_size=1, max_size=6)


def of_one_span(items: list[Any]) -> list[Any]:
    """Make all records and patches ones of the same span."""
    for item in items:
        item.span_id = "a"
    return items


@settings(max_examples=100)
@given(OF_ONE_SPAN.map(of_one_span), st.randoms(use_true_random=False))
def test_any_order_and_any_grouping_give_the_same_span(
    items: list[Any], dice: random.Random
) -> None:
    expected = merged(*items)
    stored: Span | None = None
    for item in dice.sample(items, len(items)):
        stored = merged(item, stored=stored) if stored is None else merge_one(stored, item)
    assert stored is not None
    assert stored.record == expected.record
    assert (stored.version, stored.patch) == (expected.version, expected.patch)
    assert canonical(underneath(stored)) == canonical(underneath(expected))


def merge_one(stored: Span, item: SpanRecord | SpanPatch) -> Span:
    is_record = isinstance(item, SpanRecord)
    return merge(stored, [item] if is_record else [], [] if is_record else [item]) or stored


@settings(max_examples=100)
@given(OF_ONE_SPAN.map(of_one_span))
def test_items_that_arrive_again_change_nothing(items: list[Any]) -> None:
    records = [item for item in items if isinstance(item, SpanRecord)]
    patches = [item for item in items if isinstance(item, SpanPatch)]
    stored = merge(None, copy.deepcopy(records), copy.deepcopy(patches))
    assert stored is not None
    assert merge(stored, records, patches) is None


@given(span_records(), st.lists(span_patches(), max_size=4))
def test_the_record_under_the_patches_can_be_restored(record: Any, patches: list[Any]) -> None:
    stored = finish(record, version=precedence(record), patch=merge_patches({}, patches))
    assert canonical(underneath(stored)) == canonical(record)

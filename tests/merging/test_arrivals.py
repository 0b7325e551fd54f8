"""Merging the batches of one trace: the result depends on what arrived, not on when."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.traces.drawn_records import span_patches, span_records, trace_records
from tests.support.traces.merging import MergedTrace, arrivals
from tests.support.traces.records import T0, span, trace_record
from tracer.merging.arrivals import Change, SessionContribution
from tracer.merging.traces import Totals, Trace, columns
from tracer.records import RANK_CREATE, RANK_UPDATE, SpanPatch

ITEMS = st.lists(span_records() | span_patches() | trace_records(), min_size=1, max_size=8)
DICE = st.randoms(use_true_random=False)


def merged(items: list[Any], sizes: list[int]) -> MergedTrace:
    """Return the trace after these items arrived in batches of these sizes, repeated."""
    trace, waiting = MergedTrace(), iter(items)
    for size in itertools.cycle(sizes):
        batch = list(itertools.islice(waiting, size))
        if not batch:
            return trace
        trace.add(*batch)
    raise AssertionError("unreachable")


@settings(max_examples=100)
@given(ITEMS, DICE)
def test_any_order_any_batching_and_any_repetition_give_the_same_trace(
    items: list[Any], dice: random.Random
) -> None:
    expected = merged(items, [len(items)]).state()
    shuffled = dice.sample(items, len(items))
    assert merged(shuffled, [1]).state() == expected
    assert merged(shuffled, [2, 1, 3]).state() == expected
    assert merged([*shuffled, *items], [1]).state() == expected


@settings(max_examples=100)
@given(ITEMS)
def test_a_batch_that_arrives_again_changes_no_span(items: list[Any]) -> None:
    trace = merged(items, [len(items)])
    before = trace.state()
    change = trace.add(*items)
    assert change.after == {}
    assert change.contribution == change.contribution_before
    assert trace.state() == before


@settings(max_examples=100)
@given(ITEMS, DICE)
def test_sums_and_bounds_kept_batch_by_batch_equal_a_recount(
    items: list[Any], dice: random.Random
) -> None:
    trace = merged(dice.sample(items, len(items)), [1])
    recounted = Totals()
    for merged_span in trace.spans.values():
        recounted.add(merged_span)
    assert trace.trace.totals == recounted
    assert (trace.trace.derived.start, trace.trace.derived.end) == trace.span_bounds()


def test_a_parent_that_has_not_arrived_gets_a_placeholder_at_its_first_childs_start() -> None:
    trace = MergedTrace()
    change = trace.add(span("late", "parent", start_time=T0 + 5), span("early", "parent"))
    assert set(change.after) == {"late", "early", "parent"}
    assert trace.spans["parent"].placeholder
    assert trace.spans["parent"].record.start_time == T0
    # An earlier child moves it, a later one does not.
    assert "parent" in trace.add(span("earliest", "parent", start_time=T0 - 5)).after
    assert "parent" not in trace.add(span("last", "parent", start_time=T0 + 9)).after
    assert trace.spans["parent"].record.start_time == T0 - 5
    assert trace.trace.totals.counts["span_count"] == 4


def test_the_span_takes_the_place_of_its_placeholder() -> None:
    trace = MergedTrace()
    trace.add(span("child", "parent"))
    change = trace.add(span("parent", start_time=T0 + 100))
    assert set(change.after) == {"parent"}
    assert not trace.spans["parent"].placeholder
    assert trace.spans["parent"].record.start_time == T0 + 100
    # A child that arrives after its parent leaves the parent alone.
    assert set(trace.add(span("sibling", "parent")).after) == {"sibling"}


def test_arrivals_name_the_spans_that_may_change_with_their_parents() -> None:
    patch = SpanPatch(trace_id="t", span_id="b", version=T0 + 3, fields={"parent_span_id": "c"})
    arrived = arrivals(span("a", "parent"), span("own", "own"), patch)
    assert arrived.span_ids() == {"a", "parent", "own", "b", "c"}
    # The patch names no start, so that the time of its receipt stands for it.
    assert arrived.child_starts == {"parent": T0, "c": T0 + 3}
    assert arrived.of("b") == ([], [patch])
    assert arrived.of("parent") == ([], [])


def test_an_api_call_sets_fields_that_a_later_call_of_higher_rank_replaces() -> None:
    trace = MergedTrace()
    update = trace_record(rank=RANK_UPDATE, version=T0, name="updated", user_id=None)
    created = trace_record(rank=RANK_CREATE, version=T0 + 9, name="created", user_id="u")
    trace.add(update)
    change = trace.add(created)
    assert change.arrived_fields == {"name", "user_id"}
    row = columns(trace.trace)
    assert (row["name"], row["user_id"], row["environment"]) == ("updated", None, "default")


def test_a_change_has_the_share_of_the_trace_in_its_session_before_and_after() -> None:
    trace = MergedTrace()
    priced = {"usage": {"input": 5, "output": 2}, "cost": {"total": Decimal("0.5")}}
    change = trace.add(
        trace_record(rank=RANK_CREATE, session_id="s"),
        span("root", level="error", cost_source="given", **priced),
        span("child", "root", start_time=T0 + 1, end_time=None),
    )
    assert change.contribution_before is None
    expected = SessionContribution("s", T0, T0 + 1_000, False, True, 2, 7, Decimal("0.5"))
    assert change.contribution == expected
    change = trace.add(span("child", "root", start_time=T0 + 1, end_time=T0 + 2_000))
    assert change.contribution_before == expected
    assert change.contribution == SessionContribution(
        "s", T0, T0 + 2_000, True, False, 2, 7, Decimal("0.5")
    )


def test_a_share_without_usage_or_cost_has_none() -> None:
    change = MergedTrace().add(span("root"))
    assert (change.contribution.tokens, change.contribution.cost) == (None, None)


def test_bounds_are_looked_up_where_the_first_or_last_span_changes() -> None:
    trace = MergedTrace()
    trace.add(span("first"), span("middle", start_time=T0 + 1), span("last", start_time=T0 + 9))
    assert not trace.add(span("middle", start_time=T0 + 1, version=T0 * 2, output="x")).new_bounds
    assert trace.add(span("last", start_time=T0 + 2, version=T0 * 2)).new_bounds
    assert trace.trace.bounds() == (T0, T0 + 1_002)
    assert trace.add(span("first", start_time=T0 + 1, version=T0 * 2)).new_bounds
    assert trace.trace.bounds() == (T0 + 1, T0 + 1_002)


def test_a_merge_keeps_whether_a_stored_span_counts() -> None:
    trace = MergedTrace()
    trace.add(span("root", usage={"input": 5}))
    trace.spans["root"].usage_excluded = True
    arrived = arrivals(span("root", version=T0 * 2, usage={"input": 7}))
    change = Change.of(Trace.new(), arrived, trace.spans)
    assert change.after["root"].usage_excluded

"""Sums of subtrees and self time, against their plain recursive definitions."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings

from tests.support.traces.forests import any_trace, forest_of, span_facts
from tracer.analysis.forest import Forest, SpanFacts
from tracer.analysis.subtree import Subtrees, SubtreeSums, self_times
from tracer.records import LEVELS


def below(forest: Forest, index: int) -> list[int]:
    """Return the positions of a subtree, by definition."""
    children = [n for n, parent in enumerate(forest.parents) if parent == index]
    return [index, *(n for child in children for n in below(forest, child))]


@settings(max_examples=50)
@given(any_trace())
def test_the_sums_of_a_subtree_equal_a_count_of_its_spans(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    by_id = {span.span_id: span for span in spans}
    for index, sums in enumerate(Subtrees(forest)):
        members = [by_id[forest.ids[n]] for n in below(forest, index)]
        real = [span for span in members if not span.placeholder]
        counted = [span for span in real if not span.excluded]
        tokens = [span.tokens for span in counted if span.tokens is not None]
        costs = [span.cost for span in counted if span.cost is not None]
        assert sums == SubtreeSums(
            spans=len(real),
            errors=sum(span.level == "error" for span in members),
            level=max((span.level for span in members), key=LEVELS.index),
            end=max(forest.ends[n] for n in below(forest, index)),
            tokens=sum(tokens) if tokens else None,
            cost=sum(costs, Decimal()) if costs else None,
        )


@settings(max_examples=50)
@given(any_trace())
def test_self_time_is_the_time_in_which_no_child_runs(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    times = self_times(forest)
    for index in range(len(forest)):
        moments = set(range(forest.starts[index], forest.ends[index]))
        for child in forest.children(index):
            moments -= set(range(forest.starts[child], forest.ends[child]))
        assert times[index] == (0 if forest.placeholders[index] else len(moments))


def test_usage_that_an_agent_repeats_is_counted_once() -> None:
    forest = forest_of(
        [
            span_facts("agent", end=9, tokens=15, cost=Decimal(3), excluded=True),
            span_facts("one", "agent", tokens=10, cost=Decimal(2)),
            span_facts("two", "agent", start=1, end=3, tokens=5, cost=Decimal(1)),
        ]
    )
    assert Subtrees(forest)[0] == SubtreeSums(3, 0, "default", 9, 15, Decimal(3))
    assert list(self_times(forest)) == [6, 1, 2]

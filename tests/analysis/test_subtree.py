"""Sums of subtrees and self time, against their plain recursive definitions."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings

from tests.support.store.forests import any_trace, forest_of, span_facts
from tracer.analysis.forest import Forest, SpanFacts
from tracer.analysis.subtree import Subtrees, Sums, self_times
from tracer.records import LEVELS


def below(forest: Forest, at: int) -> list[int]:
    """Return the positions of a subtree, by definition."""
    children = [n for n, parent in enumerate(forest.parents) if parent == at]
    return [at, *(n for child in children for n in below(forest, child))]


@settings(max_examples=50)
@given(any_trace())
def test_a_subtree_adds_up_what_is_in_it(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    by_id = {span.span_id: span for span in spans}
    for at, sums in enumerate(Subtrees(forest)):
        everything = [by_id[forest.ids[n]] for n in below(forest, at)]
        real = [span for span in everything if not span.placeholder]
        counted = [span for span in real if not span.covered]
        tokens = [span.tokens for span in counted if span.tokens is not None]
        costs = [span.cost for span in counted if span.cost is not None]
        assert sums == Sums(
            spans=len(real),
            errors=sum(span.level == "error" for span in everything),
            level=max((span.level for span in everything), key=LEVELS.index),
            end=max(forest.ends[n] for n in below(forest, at)),
            tokens=sum(tokens) if tokens else None,
            cost=sum(costs, Decimal()) if costs else None,
        )


@settings(max_examples=50)
@given(any_trace())
def test_self_time_is_when_no_child_runs(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    found = self_times(forest)
    for at in range(len(forest)):
        moments = set(range(forest.starts[at], forest.ends[at]))
        for child in forest.children(at):
            moments -= set(range(forest.starts[child], forest.ends[child]))
        assert found[at] == (0 if forest.placeholders[at] else len(moments))


def test_what_an_agent_repeats_is_not_counted_twice() -> None:
    forest = forest_of(
        [
            span_facts("agent", end=9, tokens=15, cost=Decimal(3), covered=True),
            span_facts("one", "agent", tokens=10, cost=Decimal(2)),
            span_facts("two", "agent", start=1, end=3, tokens=5, cost=Decimal(1)),
        ]
    )
    assert Subtrees(forest)[0] == Sums(3, 0, "default", 9, 15, Decimal(3))
    assert list(self_times(forest)) == [6, 1, 2]

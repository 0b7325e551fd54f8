"""A trace in reading order, against the plain tree of the same spans."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings

from tests.support.traces.forests import any_trace, forest_of, span_facts
from tracer.analysis.forest import Forest, SpanFacts


def read(spans: list[SpanFacts], parent: str | None = None) -> Iterator[SpanFacts]:
    """Yield the spans as their tree reads, by definition."""
    here = {span.span_id for span in spans}
    for span in sorted(spans, key=lambda span: (span.start, span.span_id)):
        if (span.parent_span_id if span.parent_span_id in here else None) == parent:
            yield span
            yield from read(spans, span.span_id)


@settings(max_examples=50)
@given(any_trace())
def test_spans_are_in_the_reading_order_of_their_tree(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    expected = list(read(spans))
    assert forest.ids == [span.span_id for span in expected]
    assert list(forest.starts) == [span.start for span in expected]
    assert forest.tokens == [span.tokens for span in expected]
    assert forest.costs == [span.cost for span in expected]
    assert forest.levels == [span.level for span in expected]
    assert [bool(flag) for flag in forest.excluded] == [span.excluded for span in expected]


@settings(max_examples=50)
@given(any_trace())
def test_parents_children_and_sizes_agree(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    parent_of = {span.span_id: span.parent_span_id for span in spans}
    for index, span_id in enumerate(forest.ids):
        parent = parent_of[span_id] if parent_of[span_id] in parent_of else None
        assert (forest.ids[forest.parents[index]] if forest.parents[index] >= 0 else None) == parent
        below = [n for n in range(len(forest)) if forest.parents[n] == index]
        assert list(forest.children(index)) == below
        assert forest.sizes[index] == 1 + sum(forest.sizes[n] for n in below)
    assert list(forest.roots()) == [n for n in range(len(forest)) if forest.parents[n] < 0]


def test_open_spans_and_placeholders_end_with_the_latest_known_time() -> None:
    forest = forest_of(
        [
            span_facts("gone", start=0, end=None, placeholder=True),
            span_facts("orphan", "gone", start=2, end=5),
            span_facts("open", "gone", start=3, end=None),
            span_facts("late", start=1, end=9),
            span_facts("empty", start=4, end=None, placeholder=True),
            span_facts("backwards", start=6, end=2),
        ]
    )
    ends = dict(zip(forest.ids, forest.ends, strict=True))
    assert ends == {"gone": 9, "orphan": 5, "open": 9, "late": 9, "empty": 4, "backwards": 6}
    assert [name for name, runs in zip(forest.ids, forest.running, strict=True) if runs] == ["open"]


def test_a_cycle_is_cut_at_its_earliest_span_and_no_span_is_lost() -> None:
    spans = [
        span_facts("b", "c", start=1),
        span_facts("c", "a", start=2),
        span_facts("a", "b", start=3),
        span_facts("after", "b", start=4),
        span_facts("root", start=5),
        span_facts("self", "self", start=6),
    ]
    forest = forest_of(spans)
    assert forest.ids == ["root", "b", "a", "c", "after", "self"]
    assert list(forest.parents) == [-1, -1, 1, 2, 1, -1]


def test_a_chain_of_any_depth_becomes_a_forest() -> None:
    deep = 20_000
    forest = forest_of(span_facts(f"{n:05}", f"{n - 1:05}" if n else None) for n in range(deep))
    assert list(forest.sizes) == list(range(deep, 0, -1))


def test_no_spans_become_an_empty_forest() -> None:
    forest = Forest.build([])
    assert (len(forest), list(forest.roots())) == (0, [])

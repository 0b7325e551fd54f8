"""Long runs of like siblings, against their plain definition."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from statistics import median_low

import pytest
from hypothesis import given, settings

from tests.support.store.forests import any_trace, forest_of, span_facts
from tracer.analysis import sibling_runs
from tracer.analysis.forest import Forest, SpanFacts
from tracer.analysis.sibling_runs import LongRun, long_runs
from tracer.analysis.subtree import Subtrees
from tracer.analysis.whole import Whole


def told(forest: Forest) -> list[LongRun]:
    return list(long_runs(Whole(forest)))


def alike(forest: Forest, at: int) -> tuple[object, ...]:
    """Return by what siblings are alike: by nothing where one runs or has not come."""
    if forest.running[at] or forest.placeholders[at]:
        return (at,)
    return forest.names[at], forest.kinds[at]


@settings(max_examples=200)
@given(any_trace(most=30))
def test_runs_are_neighbours_of_one_name_and_kind(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    sums = Subtrees(forest)
    expected = {}
    for parent in range(-1, len(forest)):
        level = [at for at, its in enumerate(forest.parents) if its == parent]
        groups = [list(group) for _, group in groupby(level, lambda at: alike(forest, at))]
        for members in groups:
            if len(members) >= 2 and len(alike(forest, members[0])) > 1:
                tokens = [t for at in members if (t := sums[at].tokens) is not None]
                costs = [c for at in members if (c := sums[at].cost) is not None]
                expected[forest.ids[members[0]]] = (
                    forest.ids[members[-1]],
                    forest.starts[members[-1]],
                    members[-1] == level[-1],
                    len(members),
                    sum(forest.levels[at] == "error" for at in members),
                    max(forest.ends[at] for at in members),
                    median_low([forest.ends[at] - forest.starts[at] for at in members]),
                    sum(tokens) if tokens else None,
                    sum(costs, Decimal()) if costs else None,
                )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sibling_runs, "LEAST", 2)
        found = told(forest)
    assert {
        run.first_id: (
            *(run.last_id, run.last_start, run.ends_level, run.count, run.errors),
            *(run.end, run.p50, run.tokens, run.cost),
        )
        for run in found
    } == expected
    assert len(found) == len(expected)


def test_the_critical_path_through_a_run_is_told_in_stretches() -> None:
    spans = [span_facts("root", end=100_000)]
    # One after the other, a pause in the middle.
    for n in range(40):
        start = n * 1_000 + (30_000 if n >= 20 else 0)
        spans.append(span_facts(f"c{n:02}", "root", name="c", start=start, end=start + 990))
    [run] = told(forest_of(spans))
    assert (run.count, run.ends_level) == (40, True)
    assert run.critical == [(0, 19_990), (50_000, 69_990)]


def test_few_are_no_long_run() -> None:
    spans = [
        span_facts("root", end=100),
        *(span_facts(f"c{n:02}", "root", name="c") for n in range(24)),
    ]
    assert told(forest_of(spans)) == []
    assert [
        run.count for run in told(forest_of([*spans, span_facts("c24", "root", name="c")]))
    ] == [25]

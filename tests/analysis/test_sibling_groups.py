"""Groups of like siblings, against a plain definition."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from statistics import median_low

import pytest
from hypothesis import given, settings

from tests.support.traces.forests import any_trace, forest_of, span_facts
from tracer.analysis import sibling_groups
from tracer.analysis.forest import Forest, SpanFacts
from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.sibling_groups import SiblingGroup, find_sibling_groups
from tracer.analysis.subtree import Subtrees


def groups_of(forest: Forest) -> list[SiblingGroup]:
    return list(find_sibling_groups(AnalysisInputs(forest)))


def alike(forest: Forest, index: int) -> tuple[object, ...]:
    """Return the key of similar siblings; a running span or a placeholder has one of its own."""
    if forest.running[index] or forest.placeholders[index]:
        return (index,)
    return forest.names[index], forest.kinds[index]


@settings(max_examples=200)
@given(any_trace(max_spans=30))
def test_a_run_is_neighbouring_siblings_of_one_name_and_kind(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    sums = Subtrees(forest)
    expected = {}
    for parent in range(-1, len(forest)):
        level = [index for index, above in enumerate(forest.parents) if above == parent]
        groups = [list(group) for _, group in groupby(level, lambda index: alike(forest, index))]
        for members in groups:
            if len(members) >= 2 and len(alike(forest, members[0])) > 1:
                tokens = [t for index in members if (t := sums[index].tokens) is not None]
                costs = [c for index in members if (c := sums[index].cost) is not None]
                expected[forest.ids[members[0]]] = (
                    forest.ids[members[-1]],
                    forest.starts[members[-1]],
                    members[-1] == level[-1],
                    len(members),
                    sum(forest.levels[index] == "error" for index in members),
                    max(forest.ends[index] for index in members),
                    median_low([forest.ends[index] - forest.starts[index] for index in members]),
                    sum(tokens) if tokens else None,
                    sum(costs, Decimal()) if costs else None,
                )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sibling_groups, "MIN_SPANS", 2)
        runs = groups_of(forest)
    assert {
        run.first_id: (
            *(run.last_id, run.last_start, run.ends_level, run.count, run.errors),
            *(run.end, run.p50, run.tokens, run.cost),
        )
        for run in runs
    } == expected
    assert len(runs) == len(expected)


def test_the_critical_path_through_a_run_is_a_list_of_intervals() -> None:
    spans = [span_facts("root", end=100_000)]
    # Sequential calls with a pause in the middle.
    for n in range(40):
        start = n * 1_000 + (30_000 if n >= 20 else 0)
        spans.append(span_facts(f"c{n:02}", "root", name="c", start=start, end=start + 990))
    [run] = groups_of(forest_of(spans))
    assert (run.count, run.ends_level) == (40, True)
    assert run.critical == [(0, 19_990), (50_000, 69_990)]


def test_a_run_below_the_minimum_length_is_not_long() -> None:
    spans = [
        span_facts("root", end=100),
        *(span_facts(f"c{n:02}", "root", name="c") for n in range(24)),
    ]
    assert groups_of(forest_of(spans)) == []
    assert [
        run.count for run in groups_of(forest_of([*spans, span_facts("c24", "root", name="c")]))
    ] == [25]

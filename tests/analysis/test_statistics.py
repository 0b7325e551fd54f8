"""The statistics of a trace, against their definitions."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings

from tests.support.traces.forests import any_trace, forest_of, span_facts
from tracer.analysis.forest import SpanFacts
from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.statistics import MAX_GROUPS, statistics


@settings(max_examples=50)
@given(any_trace())
def test_the_statistics_of_a_group_equal_the_sums_of_its_spans(spans: list[SpanFacts]) -> None:
    real = [span for span in spans if not span.placeholder]
    groups = statistics(AnalysisInputs(forest_of(spans))).groups
    assert sum(group.count for group in groups) == len(real)
    for group in groups:
        members = [s for s in real if (s.name, s.kind, s.model) == (group.name, group.kind, None)]
        took = sorted(max(s.end - s.start, 0) for s in members if s.end is not None)
        assert (group.count, group.running) == (len(members), len(members) - len(took))
        assert group.total_time == sum(took)
        assert group.average_time == (sum(took) // len(took) if took else None)
        # Nearest rank, by definition: the least that 95 of 100 don't exceed.
        least = next((t for t in took if sum(u <= t for u in took) * 100 >= 95 * len(took)), None)
        assert group.p95_time == least
        counted = [s.tokens for s in members if not s.excluded and s.tokens is not None]
        assert group.total_tokens == (sum(counted) if counted else None)
        paid = [s.cost for s in members if not s.excluded and s.cost is not None]
        assert group.total_cost == (sum(paid, Decimal(0)) if paid else None)
        assert group.errors == sum(s.level == "error" for s in members)
    assert [g.total_time for g in groups] == sorted((g.total_time for g in groups), reverse=True)


def test_the_groups_with_the_least_time_are_left_out_of_too_many() -> None:
    many = [span_facts(f"s{n}", name=f"n{n}", end=n) for n in range(MAX_GROUPS + 5)]
    result = statistics(AnalysisInputs(forest_of(many)))
    assert (len(result.groups), result.left_out) == (MAX_GROUPS, 5)
    assert result.groups[-1].total_time == 5

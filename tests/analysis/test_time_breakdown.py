"""The time breakdown of a trace, against its definition."""

from __future__ import annotations

from hypothesis import given, settings

from tests.support.traces.forests import any_trace, forest_of, span_facts
from tracer.analysis.forest import SpanFacts
from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.time_breakdown import time_breakdown


def test_the_headline_divides_the_time_of_the_critical_path_by_kind() -> None:
    forest = forest_of(
        [
            span_facts("root", kind="agent", start=0, end=94),
            span_facts("plan", "root", kind="generation", start=0, end=40),
            span_facts("beside", "root", kind="generation", start=5, end=30),
            span_facts("search", "root", kind="tool", start=45, end=60),
            span_facts("look", "search", kind="retriever", start=50, end=55),
            span_facts("answer", "root", kind="generation", start=60, end=90),
            span_facts("check", "root", kind="guardrail", start=90, end=92),
        ]
    )
    breakdown = time_breakdown(AnalysisInputs(forest))
    shares = {
        share.family: (share.time, share.calls, share.in_sequence) for share in breakdown.shares
    }
    assert shares == {
        "model": (70, 3, 2),
        "tools": (10, 1, 1),
        "retrieval": (5, 1, 1),
        "other": (2, 1, 1),
    }
    assert (breakdown.time, breakdown.gaps, breakdown.running, breakdown.partial) == (
        94,
        7,
        False,
        False,
    )


@settings(max_examples=50)
@given(any_trace())
def test_the_shares_of_a_headline_add_up_to_the_length_of_the_trace(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    breakdown = time_breakdown(AnalysisInputs(forest))
    roots = list(forest.roots())
    whole = max(forest.ends[index] for index in roots) - min(
        forest.starts[index] for index in roots
    )
    assert breakdown.time == whole == breakdown.gaps + sum(share.time for share in breakdown.shares)
    assert breakdown.running == any(s.end is None and not s.placeholder for s in spans)
    assert breakdown.partial == any(span.placeholder for span in spans)

"""The headline and the statistics of a trace, against what they mean."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings

from tests.support.store.forests import any_trace, forest_of, span_facts
from tracer.analysis.forest import SpanFacts
from tracer.analysis.headline import headline
from tracer.analysis.statistics import MOST_GROUPS, statistics
from tracer.analysis.whole import Whole


def test_a_headline_tells_what_the_end_waited_for() -> None:
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
    told = headline(Whole(forest))
    shares = {one.family: (one.time, one.calls, one.in_sequence) for one in told.shares}
    assert shares == {
        "model": (70, 3, 2),
        "tools": (10, 1, 1),
        "retrieval": (5, 1, 1),
        "other": (2, 1, 1),
    }
    assert (told.time, told.gaps, told.running, told.partial) == (94, 7, False, False)


@settings(max_examples=50)
@given(any_trace())
def test_the_parts_of_a_headline_add_up_to_the_whole(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    told = headline(Whole(forest))
    roots = list(forest.roots())
    whole = max(forest.ends[at] for at in roots) - min(forest.starts[at] for at in roots)
    assert told.time == whole == told.gaps + sum(share.time for share in told.shares)
    assert told.running == any(s.end is None and not s.placeholder for s in spans)
    assert told.partial == any(span.placeholder for span in spans)


@settings(max_examples=50)
@given(any_trace())
def test_statistics_are_what_the_spans_of_a_group_add_up_to(spans: list[SpanFacts]) -> None:
    real = [span for span in spans if not span.placeholder]
    groups = statistics(Whole(forest_of(spans))).groups
    assert sum(group.count for group in groups) == len(real)
    for group in groups:
        held = [s for s in real if (s.name, s.kind, s.model) == (group.name, group.kind, None)]
        took = sorted(max(s.end - s.start, 0) for s in held if s.end is not None)
        assert (group.count, group.running) == (len(held), len(held) - len(took))
        assert group.total_time == sum(took)
        assert group.average_time == (sum(took) // len(took) if took else None)
        # Nearest rank, by definition: the least that 95 of 100 don't exceed.
        least = next((t for t in took if sum(u <= t for u in took) * 100 >= 95 * len(took)), None)
        assert group.p95_time == least
        counted = [s.tokens for s in held if not s.covered and s.tokens is not None]
        assert group.total_tokens == (sum(counted) if counted else None)
        paid = [s.cost for s in held if not s.covered and s.cost is not None]
        assert group.total_cost == (sum(paid, Decimal(0)) if paid else None)
        assert group.errors == sum(s.level == "error" for s in held)
    assert [g.total_time for g in groups] == sorted((g.total_time for g in groups), reverse=True)


def test_the_groups_that_took_least_are_left_out_where_there_are_too_many() -> None:
    many = [span_facts(f"s{n}", name=f"n{n}", end=n) for n in range(MOST_GROUPS + 5)]
    told = statistics(Whole(forest_of(many)))
    assert (len(told.groups), told.left_out) == (MOST_GROUPS, 5)
    assert told.groups[-1].total_time == 5

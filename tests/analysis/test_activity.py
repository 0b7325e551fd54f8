"""The activity profile of a trace: spans at work per bucket, and idle times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.activity import (
    BUCKETS,
    MAX_IDLE_INTERVALS,
    IdleInterval,
    WorkInterval,
    activity_profile,
    profile_of_forest,
)
from tracer.analysis.forest import Forest, SpanFacts

LENGTH = BUCKETS * 10


def tool(start: int, end: int, *, failed: bool = False) -> WorkInterval:
    return WorkInterval(start, end, "tool", failed)


def test_a_span_is_counted_in_every_bucket_it_touches() -> None:
    made = activity_profile([tool(10, 35), tool(30, 30, failed=True)], 0, LENGTH)
    assert made.counts[:5] == [0, 1, 1, 2, 0]
    assert made.errors[:5] == [0, 0, 0, 1, 0]
    assert made.kinds[:5] == ["", "tool", "tool", "tool", ""]


def test_a_bucket_has_the_kind_of_most_of_its_spans() -> None:
    marks = [tool(0, 5), tool(3, 5), WorkInterval(0, LENGTH, "generation", False)]
    made = activity_profile(marks, 0, LENGTH)
    assert made.kinds[:2] == ["tool", "generation"]
    assert made.counts[-1] == 1


def test_time_without_a_span_is_idle() -> None:
    made = activity_profile([tool(0, 500), tool(300, 800), tool(1500, 1500)], 0, LENGTH)
    assert made.idle == [IdleInterval(800, 1500), IdleInterval(1500, LENGTH)]
    assert made.idle_share == 0.6


def test_short_pauses_are_not_idle_time() -> None:
    assert activity_profile([tool(0, 990), tool(1000, LENGTH)], 0, LENGTH).idle == []


def test_a_trace_without_spans_has_no_idle_time() -> None:
    made = activity_profile([], 0, LENGTH)
    assert (made.idle, made.idle_share, sum(made.counts)) == ([], 0, 0)


marks = st.builds(
    lambda start, length, kind, failed: WorkInterval(start, start + length, kind, failed),
    st.integers(-50, 5_000),
    st.integers(0, 3_000),
    st.sampled_from(["tool", "generation", "agent"]),
    st.booleans(),
)


@given(st.lists(marks, max_size=40), st.integers(0, 4_000))
def test_the_profile_equals_a_count_span_by_span(drawn: list[WorkInterval], length: int) -> None:
    made = activity_profile(drawn, 0, length)

    def bucket(time: int) -> int:
        return min(max(time * BUCKETS // max(length, 1), 0), BUCKETS - 1)

    def reaches(mark: WorkInterval, n: int) -> bool:
        return bucket(mark.start) <= n <= bucket(max(mark.end - 1, mark.start))

    for n in range(0, BUCKETS, 7):
        here = [mark for mark in drawn if reaches(mark, n)]
        assert made.counts[n] == len(here)
        assert made.errors[n] == sum(mark.failed for mark in here)
        kinds = [mark.kind for mark in here]
        assert made.kinds[n] in kinds if kinds else made.kinds[n] == ""
        assert all(kinds.count(made.kinds[n]) >= kinds.count(kind) for kind in kinds)
    assert len(made.idle) <= MAX_IDLE_INTERVALS
    for start, end in made.idle:
        assert 0 <= start < end <= length
        assert not [mark for mark in drawn if mark.start < end and mark.end > start]


def test_the_profile_of_a_forest_counts_its_leaves() -> None:
    def span(span_id: str, parent: str | None, start: int, end: int | None) -> SpanFacts:
        return SpanFacts(
            span_id, parent, start, end, "tool", "", "default", None, None, None, False, False
        )

    below = [span("a", "r", 0, 9), span("b", "r", 20, 29)]
    made = profile_of_forest(Forest.build([span("r", None, 0, LENGTH), *below]))
    assert made.counts[:4] == [1, 0, 1, 0]
    assert made.idle == [IdleInterval(29, LENGTH)]
    # A span that is still running after its children is active.
    made = profile_of_forest(Forest.build([span("r", None, 0, None), *below]))
    assert made.counts[0] == 2
    assert made.idle == []

"""The critical path, against the recursive definition and against cases drawn by hand."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings

from tests.support.traces.forests import any_trace, forest_of, span_facts
from tracer.analysis.critical_path import CriticalPath
from tracer.analysis.forest import Forest, SpanFacts

TOP = -1


def defined(forest: Forest) -> Counter[int]:
    """Return the share of each position, TOP for what no root explains, by definition."""
    shares: Counter[int] = Counter()

    def walk(index: int, start: int, end: int) -> None:
        spans = [n for n, parent in enumerate(forest.parents) if parent == index]
        # Cut to their parent's time; what is left empty has no part in it.
        cut = [(min(forest.ends[n], end), max(forest.starts[n], start), -n) for n in spans]
        cut = [span for span in cut if span[0] > span[1]]
        now = end
        while finished := [span for span in cut if span[0] <= now]:
            latest = max(span[0] for span in finished)
            child_end, child_start, n = min(
                (span for span in finished if span[0] == latest), key=lambda span: -span[2]
            )
            shares[index] += now - child_end
            walk(-n, child_start, child_end)
            now = child_start
        shares[index] += now - start

    roots = [n for n, parent in enumerate(forest.parents) if parent == TOP]
    if roots:
        walk(TOP, min(forest.starts[n] for n in roots), max(forest.ends[n] for n in roots))
    return shares


@settings(max_examples=50)
@given(any_trace())
def test_the_path_equals_its_recursive_definition(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    path, shares = CriticalPath(forest), defined(forest)
    assert list(path.own) == [shares[index] for index in range(len(forest))]
    assert path.idle == shares[TOP]


@settings(max_examples=50)
@given(any_trace())
def test_shares_add_up_to_the_length_of_the_trace(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    path = CriticalPath(forest)
    roots = list(forest.roots())
    length = max(forest.ends[index] for index in roots) - min(
        forest.starts[index] for index in roots
    )
    assert sum(path.own) + path.idle == length
    assert sum(path.subtree[index] for index in roots) + path.idle == length
    if len(roots) == 1:
        assert (path.subtree[0], path.idle) == (forest.ends[0] - forest.starts[0], 0)


def shares(*spans: SpanFacts) -> dict[str, int]:
    forest = forest_of(spans)
    path = CriticalPath(forest)
    return {name: own for name, own in zip(forest.ids, path.own, strict=True) if own}


def test_the_path_follows_the_child_that_finished_last() -> None:
    assert shares(
        span_facts("root", end=10),
        span_facts("fast", "root", start=1, end=4),
        span_facts("slow", "root", start=1, end=8),
        span_facts("inner", "slow", start=2, end=5),
    ) == {"root": 3, "slow": 4, "inner": 3}


def test_sequential_children_are_all_on_the_path() -> None:
    assert shares(
        span_facts("root", end=10),
        span_facts("a", "root", start=0, end=3),
        span_facts("b", "root", start=3, end=5),
        span_facts("c", "root", start=7, end=10),
    ) == {"a": 3, "b": 2, "c": 3, "root": 2}


def test_a_child_that_outlives_its_parent_counts_up_to_the_parents_end() -> None:
    assert shares(span_facts("root", end=5), span_facts("late", "root", start=3, end=9)) == {
        "root": 3,
        "late": 2,
    }


def test_time_between_roots_is_idle() -> None:
    forest = forest_of([span_facts("a", end=2), span_facts("b", start=5, end=9)])
    path = CriticalPath(forest)
    assert (list(path.own), path.idle) == ([2, 4], 3)


def test_the_path_follows_a_chain_of_any_depth() -> None:
    deep = 20_000
    forest = forest_of(
        span_facts(f"{n:05}", f"{n - 1:05}" if n else None, start=n, end=2 * deep - n)
        for n in range(deep)
    )
    assert list(CriticalPath(forest).own) == [2] * deep

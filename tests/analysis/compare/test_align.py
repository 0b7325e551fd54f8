"""Alignment of two trees, and the rows and texts that are compared."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.support.traces.forests import any_trace, forest_of, span_facts
from tracer.analysis.compare.align import NONE, align, pair_up
from tracer.analysis.compare.payloads import compare_texts, compare_values
from tracer.analysis.compare.rows import ADDED, CHANGED, REMOVED, SAME, compare
from tracer.analysis.forest import SpanFacts
from tracer.analysis.word_diff import ADDED as NEW

NAMES = st.lists(st.sampled_from("abc"), max_size=12)
NOTHING = ({}, {})


@given(any_trace(), any_trace())
def test_every_span_of_both_traces_has_one_row(a: list[SpanFacts], b: list[SpanFacts]) -> None:
    then, now = forest_of(a), forest_of(b)
    pairs = list(align(then, now))
    assert sorted(pair.then for pair in pairs if pair.then != NONE) == list(range(len(then)))
    assert [pair.now for pair in pairs if pair.now != NONE] == list(range(len(now)))
    for pair in pairs:
        if pair.depth and NONE not in pair[:2]:
            assert then.names[pair.then] == now.names[pair.now]


@given(any_trace())
def test_a_trace_equals_itself(spans: list[SpanFacts]) -> None:
    forest = forest_of(spans)
    assert {row.state for row in compare(forest, forest, NOTHING)} == {SAME}
    assert all(row.duration == 0 and not row.moved for row in compare(forest, forest, NOTHING))


@given(NAMES, NAMES)
def test_equal_names_are_paired_as_often_as_both_have_them(a: list[str], b: list[str]) -> None:
    places = pair_up(a, b)
    assert [j for _, j, _ in places if j != NONE] == list(range(len(b)))
    paired = [(i, j) for i, j, _ in places if NONE not in (i, j)]
    assert all(a[i] == b[j] for i, j in paired)
    assert len(paired) == (Counter(a) & Counter(b)).total()
    kept = [i for i, _, moved in places if i != NONE and not moved]
    assert kept == sorted(kept)


def test_an_added_loop_and_a_removed_call_are_rows_of_their_own() -> None:
    then = ["plan", "decide", "list", "refund", "answer"]
    now = ["plan", "decide", "refund", "decide", "refund", "answer"]
    places = pair_up(then, now)
    removed = [then[i] for i, j, _ in places if j == NONE]
    assert removed == ["list"]
    assert sum(i == NONE for i, _, _ in places) == 2
    assert not any(moved for _, _, moved in places)
    assert sorted(moved for _, _, moved in pair_up(["x", "y"], ["y", "x"])) == [False, True]


def test_huge_traces_are_aligned_in_about_linear_time() -> None:
    def wide(number: int) -> list[SpanFacts]:
        rows = [span_facts("root")]
        return rows + [
            span_facts(f"s{n}", "root", start=n, name=f"n{n % 7}") for n in range(number)
        ]

    then, now = forest_of(wide(10_000)), forest_of(wide(9_000)[500:])
    started_at = time.process_time()
    assert sum(1 for _ in align(then, now)) >= 10_000
    assert time.process_time() - started_at < 5


def test_rows_show_what_differs() -> None:
    then = [
        span_facts("r", end=10_000_000, name="run"),
        span_facts("g", "r", end=6_000_000, kind="generation", name="decide", model="a", tokens=10),
        span_facts("gone", "r", start=2, name="list"),
    ]
    now = [
        span_facts("r", end=30_000_000, name="run again", cost=Decimal("0.5"), level="error"),
        span_facts("g", "r", end=6_050_000, kind="generation", name="decide", model="b", tokens=30),
        span_facts("new", "r", start=3, name="refund"),
    ]
    digests = {"g": {"input": "1", "output": "x"}}, {"g": {"input": "2", "output": "x"}}
    run, decide, gone, new = compare(forest_of(then), forest_of(now), digests)
    assert (run.then_name, run.name, run.duration) == ("run", "run again", 20_000_000)
    assert (run.state, run.tokens, run.cost) == (CHANGED, 20, Decimal("0.5"))
    assert (decide.state, decide.differs, decide.depth) == (CHANGED, ["model", "input"], 1)
    assert (gone.state, new.state) == (REMOVED, ADDED)


def test_equal_messages_are_counted_and_words_of_others_compared() -> None:
    then = [{"role": "system", "content": "Refund up to $50."}, {"role": "user", "content": "Hi"}]
    now = [{"role": "system", "content": "Refund up to $200."}, *then[1:]]
    changed, same = compare_texts(then, now)
    assert (changed.role, [p.text for p in changed.pieces if p.change == NEW]) == (
        "system",
        ["200"],
    )
    assert same.same == 1
    (args,) = compare_texts({"id": 1, "deep": {"x": 1}}, {"id": 2, "deep": {"x": 1}})
    assert [(p.change, p.text) for p in args.pieces if p.change != "equal"][-1] == (NEW, "2")
    (only,) = compare_texts(None, "new text")
    assert [p.text for p in only.pieces] == ["new text"]


def test_values_that_differ_come_first() -> None:
    values = compare_values({"seed": 7, "t": 0.2, "stop": None}, {"seed": 7, "t": 0.7, "n": {}})
    assert [(v.name, v.then, v.now) for v in values] == [
        ("t", "0.2", "0.7"),
        ("n", None, "{}"),
        ("seed", "7", "7"),
        ("stop", None, None),
    ]

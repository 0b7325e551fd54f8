"""What failed, took longest and cost most in a trace."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tracer.analysis.findings.finding import Finding
from tracer.analysis.findings.highlights import MAX_CAUSES, Highlighter, HighlightSpan


def step(
    span_id: str, parent: str | None, start: int, end: int | None, **fields: Any
) -> HighlightSpan:
    values: dict[str, Any] = {"kind": "tool", "name": span_id, "level": "default"}
    values |= {"message": None, "cost": None}
    return HighlightSpan(
        span_id=span_id, parent_span_id=parent, start=start, end=end, **values | fields
    )


def highlights_of(*steps: HighlightSpan) -> dict[str, list[Finding]]:
    highlighter = Highlighter()
    for each in steps:
        highlighter.add(each)
    by_kind: dict[str, list[Finding]] = {}
    for highlight in highlighter.result():
        by_kind.setdefault(highlight.kind, []).append(highlight)
    return by_kind


FAILED = {"level": "error"}


def test_a_failure_is_explained_by_its_cause_and_the_chain_to_the_root() -> None:
    [failure] = highlights_of(
        step("root", None, 0, 100, kind="agent", message="gave up", **FAILED),
        step("gather", "root", 10, 80, kind="chain", **FAILED),
        step("fetch", "gather", 20, 70, message="no byte in 30 s", **FAILED),
        step("other", "root", 80, 90),
    )["failed"]
    assert failure.title == "fetch failed: no byte in 30 s"
    assert failure.detail == "Passed on by gather, then root: the trace failed with it."
    assert (failure.spans, failure.count) == (["fetch", "gather", "root"], 3)


def test_the_cause_that_reached_the_root_comes_before_an_earlier_one() -> None:
    failures = highlights_of(
        step("root", None, 0, 100, **FAILED),
        step("tried", "inner", 1, 2, **FAILED),
        step("last", "root", 50, 60, **FAILED),
    )["failed"]
    assert [failure.spans for failure in failures] == [["last", "root"], ["tried"]]
    assert failures[1].detail == "The span that called it went on."


def test_equal_failures_are_one_with_all_of_their_spans() -> None:
    steps = [
        step(f"s{n}", "root", n, n + 1, name="get", message=f"timeout after {n} ms", **FAILED)
        for n in range(43)
    ]
    [failure] = highlights_of(step("root", None, 0, 100), *steps)["failed"]
    assert failure.title == "get failed 43 times: timeout after 0 ms"
    assert failure.count == 43
    distinct = [step(f"d{n}", "r", n, n, message="x" * n, **FAILED) for n in range(60)]
    assert len(highlights_of(*distinct)["failed"]) == MAX_CAUSES


def test_failed_spans_that_are_each_others_parents_are_one_failure() -> None:
    steps = [step("a", "b", 0, 9, **FAILED), step("b", "a", 1, 8, **FAILED)]
    assert "failed" not in highlights_of(*steps)


def test_the_slowest_is_work_and_no_span_that_waits_for_it() -> None:
    steps = [
        step("root", None, 0, 10_000_000, kind="agent"),
        step("chain", "root", 0, 9_000_000, kind="chain"),
        step("model", "chain", 0, 2_000_000, kind="generation"),
        step("tool", "chain", 2_000_000, 8_000_000),
        step("running", "chain", 8_000_000, None),
    ]
    [slowest] = highlights_of(*steps)["slowest"]
    assert slowest.title == "tool took 6 s of 10 s"
    assert slowest.detail == "60 % of the time of the trace."
    assert slowest.spans == ["tool", "model"]


def test_without_models_and_tools_the_slowest_is_a_leaf() -> None:
    steps = [
        step("root", None, 0, 100_000, kind="span"),
        step("a", "root", 0, 60_000, kind="span"),
        step("b", "a", 0, 50_000, kind="span"),
        step("c", "root", 60_000, 70_000, kind="span"),
    ]
    [slowest] = highlights_of(*steps)["slowest"]
    assert slowest.spans == ["b", "c"]


def test_the_dearest_model_call_has_its_share_of_the_cost() -> None:
    def call(span_id: str, cost: str) -> HighlightSpan:
        return step(span_id, "root", 1, 2, kind="generation", cost=Decimal(cost))

    [dearest] = highlights_of(call("a", "0.01"), call("b", "0.03"))["dearest"]
    assert dearest.title == "b cost $0.0300 of $0.0400"
    assert dearest.detail == "75 % of the cost of the trace."
    assert dearest.spans == ["b", "a"]
    assert "dearest" not in highlights_of(call("a", "0.01"))

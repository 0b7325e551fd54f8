"""Which traces are kept: by share, by name, and afterwards by what became of them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry import trace

import tracer.sdk as tracer
from tracer.sdk.testing import recording


def one_trace(name: str = "root", **of_child: Any) -> str:
    with tracer.span(name) as root, tracer.span("child", **of_child):
        trace.get_tracer("other").start_span("theirs").end()
    return root.trace_id


def test_a_share_of_traces_is_kept_whole() -> None:
    with recording(sample=0.25) as spans:
        for _ in range(400):
            one_trace()
    kept = {span.trace_id for span in spans.spans}
    assert 50 < len(kept) < 150
    assert len(spans.spans) == 3 * len(kept)
    assert all(int(trace_id[16:], 16) < 2**64 // 4 for trace_id in kept)


def test_shares_go_by_the_roots_name_and_the_first_rule_that_fits() -> None:
    with recording(sample={"health*": 0, "pay*": 1, "*": 0}) as spans:
        for name in ("health check", "payment", "other"):
            one_trace(name)
    assert {span.name for span in spans.spans} == {"payment", "child", "theirs"}
    with pytest.raises(ValueError, match="between 0 and 1"), recording(sample=1.5):
        pass


def test_the_decision_travels_with_the_context() -> None:
    with recording(sample=0), tracer.span("left out"):
        sent = tracer.headers()
    assert sent["traceparent"].endswith("-00")
    with recording() as spans:
        with tracer.continue_trace(sent), tracer.span("callee"):
            pass
        assert spans.spans == []
    kept = {"traceparent": sent["traceparent"][:-2] + "01"}
    with recording(sample=0) as spans:
        with tracer.continue_trace(kept), tracer.span("callee"):
            pass
        spans.one("callee")


def failing() -> None:
    with pytest.raises(LookupError), tracer.span("root"):
        with tracer.span("first"):
            pass
        with tracer.span("second"):
            raise LookupError


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (tracer.Tail(), {"failing"}),
        (tracer.Tail(errors=False, slower_than=1.0), {"slow"}),
        (tracer.Tail(errors=False, costs_more_than=0.5), {"costly"}),
        (tracer.Tail(errors=False, keep=lambda spans: len(spans) == 1), {"single"}),
        (tracer.Tail(errors=False, keep=lambda spans: 1 / 0 > 1), {"all"}),  # type: ignore[arg-type]
    ],
    ids=["errors", "slow", "costly", "own", "own that fails"],
)
def test_a_whole_trace_is_kept_for_what_became_of_it(rules: tracer.Tail, kept: set[str]) -> None:
    with recording(sample=0, tail=rules) as spans:
        for _ in range(3):
            one_trace("dull")
        failing()
        with tracer.span("slow") as slow, tracer.span("first"):
            pass
        tracer.start("slow", start_time=1_000_000_000).end(5_000_000_000)
        with tracer.span("costly"):
            for _ in range(3):
                with tracer.generation("call", cost={"input": 0.1, "output": 0.1}):
                    pass
        with tracer.span("single"):
            pass
        assert slow.context.trace_flags == 0
    names = [span.name for span in spans.spans]
    if kept == {"failing"}:
        assert sorted(names) == ["first", "root", "second"]
    elif kept == {"slow"}:
        assert names == ["slow"]
    elif kept == {"costly"}:
        assert sorted(names) == ["call", "call", "call", "costly"]
    elif kept == {"single"}:
        assert names == ["slow", "single"]
    else:
        assert len(names) == 3 * 3 + 3 + 2 + 1 + 4 + 1


def test_what_is_kept_early_carries_the_flag_from_then_on() -> None:
    with recording(sample=0, tail=tracer.Tail()) as spans, tracer.span("root"):
        assert tracer.headers()["traceparent"].endswith("-00")
        with pytest.raises(LookupError), tracer.span("failing"):
            raise LookupError
        spans.one("failing")
        # Also from a span that began before.
        assert tracer.headers()["traceparent"].endswith("-01")
        with tracer.span("afterwards"):
            assert tracer.headers()["traceparent"].endswith("-01")
    assert {span.name for span in spans.spans} == {"root", "failing", "afterwards"}


def test_spans_that_end_after_their_trace_was_decided_follow_it() -> None:
    with recording(sample=0, tail=tracer.Tail()) as spans:
        with pytest.raises(LookupError), tracer.span("root"):
            late = tracer.start("late")
            raise LookupError
        with tracer.span("dull"):
            dull = tracer.start("late and dull")
        late.end()
        dull.end()
    assert {span.name for span in spans.spans} == {"root", "late"}


def test_many_threads_decide_of_their_own_traces() -> None:
    with recording(sample=0, tail=tracer.Tail()) as spans:
        threads = [threading.Thread(target=failing) for _ in range(8)]
        threads += [threading.Thread(target=one_trace) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(spans.spans) == 8 * 3


def test_scores_of_what_is_left_out_are_left_out() -> None:
    with recording(sample=0) as spans, tracer.span("root"):
        assert tracer.score("good", 1) is None
    assert spans.scores == []

"""Sampling: by share, by name, and by rules over complete traces."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace

import tracer.sdk as tracer
from tracer.sdk._client import state
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


def test_shares_depend_on_the_name_of_the_root_and_the_first_match_counts() -> None:
    with recording(sample={"health*": 0, "pay*": 1, "*": 0}) as spans:
        for name in ("health check", "payment", "other"):
            one_trace(name)
    assert {span.name for span in spans.spans} == {"payment", "child", "theirs"}
    with pytest.raises(ValueError, match="between 0 and 1"), recording(sample=1.5):
        pass


def test_the_decision_is_propagated_with_the_context() -> None:
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


DULL = ["dull", "child", "theirs"]
FAILING = ["first", "root", "second"]
COSTLY = ["call", "call", "call", "costly"]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (tracer.Tail(), FAILING),
        (tracer.Tail(errors=False, slower_than=1.0), ["slow"]),
        (tracer.Tail(errors=False, costs_more_than=0.5), COSTLY),
        (tracer.Tail(errors=False, keep=lambda spans: len(spans) == 1), ["slow", "single"]),
        # A rule that fails keeps every trace.
        (
            tracer.Tail(errors=False, keep=lambda spans: 1 / 0 > 1),  # type: ignore[arg-type]  # noqa: ARG005 - the signature is given
            [*DULL * 3, *FAILING, "slow", "first", "slow", *COSTLY, "single"],
        ),
    ],
    ids=["errors", "slow", "costly", "own", "own that fails"],
)
def test_a_rule_that_matches_keeps_the_whole_trace(rules: tracer.Tail, kept: list[str]) -> None:
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
    assert sorted(span.name for span in spans.spans) == sorted(kept)


def test_a_trace_that_is_kept_early_carries_the_flag_from_then_on() -> None:
    with recording(sample=0, tail=tracer.Tail()) as spans, tracer.span("root"):
        assert tracer.headers()["traceparent"].endswith("-00")
        with pytest.raises(LookupError), tracer.span("failing"):
            raise LookupError
        spans.one("failing")
        # Also in a span that started before.
        assert tracer.headers()["traceparent"].endswith("-01")
        with tracer.span("afterwards"):
            assert tracer.headers()["traceparent"].endswith("-01")
    assert {span.name for span in spans.spans} == {"root", "failing", "afterwards"}


def test_spans_that_end_after_the_decision_on_their_trace_follow_it() -> None:
    with recording(sample=0, tail=tracer.Tail()) as spans:
        with pytest.raises(LookupError), tracer.span("root"):
            late = tracer.start("late")
            raise LookupError
        with tracer.span("dull"):
            dull = tracer.start("late and dull")
        late.end()
        dull.end()
    assert {span.name for span in spans.spans} == {"root", "late"}


def test_threads_do_not_affect_each_others_traces() -> None:
    with recording(sample=0, tail=tracer.Tail()) as spans:
        threads = [threading.Thread(target=failing) for _ in range(8)]
        threads += [threading.Thread(target=one_trace) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(spans.spans) == 8 * 3


def test_threads_that_share_a_trace_lose_and_repeat_no_span() -> None:
    def work(number: int) -> None:
        for step in range(100):
            with tracer.span(f"{number} {step}") as span:
                if (number, step) == (3, 50):
                    span.fail("the reason to keep the trace")

    with recording(sample=0, tail=tracer.Tail()) as spans:
        with tracer.span("root"), frequent_switches():
            threads = [
                threading.Thread(target=tracer.in_context(work), args=(number,))
                for number in range(6)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        expected = [f"{number} {step}" for number in range(6) for step in range(100)]
        assert sorted(span.name for span in spans.spans) == sorted([*expected, "root"])


def test_a_rule_is_called_once_for_a_trace_whose_last_spans_end_together() -> None:
    counts = []

    def keep(spans: Sequence[Any]) -> bool:
        counts.append(len(spans))
        return True

    with recording(sample=0, tail=tracer.Tail(keep=keep)) as spans, frequent_switches():
        for _ in range(100):
            root = tracer.start("root")
            last = [root, *(tracer.start("child", parent=root) for _ in range(3))]
            barrier = threading.Barrier(len(last))

            def end(span: tracer.Span, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                span.end()

            threads = [threading.Thread(target=end, args=(span,)) for span in last]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert counts == [4] * 100
    assert len(spans.spans) == 400


def test_waiting_spans_are_limited_and_the_oldest_traces_are_dropped() -> None:
    with recording(sample=0, tail=tracer.Tail()) as spans:
        with pytest.raises(LookupError), tracer.span("long"):
            for _ in range(12_000):
                with tracer.span("child"):
                    pass
            raise LookupError
        for _ in range(11_000):
            tracer.start("never ended")
        failing()
        tail = state.client.sampler.tail
        assert tail is not None
        assert tail._spans == 0
        assert len(tail._traces) <= 10_000
        assert len(tail._kept) == 2
    # The long trace was dropped, but its last span is kept for its error.
    assert [span.name for span in spans.spans] == ["long", "first", "second", "root"]


def test_a_span_that_is_never_ended_does_not_stay_in_memory() -> None:
    with recording(sample=0, tail=tracer.Tail()):
        span = weakref.ref(tracer.start("never ended"))
        gc.collect()
        assert span() is None


@contextmanager
def frequent_switches() -> Iterator[None]:
    """Let threads take turns as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def test_scores_of_an_unsampled_trace_are_not_sent() -> None:
    with recording(sample=0) as spans, tracer.span("root"):
        assert tracer.score("good", 1) is None
    assert spans.scores == []

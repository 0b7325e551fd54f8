"""Spans made by hand, as context managers and by helpers, and the fields that they record."""

from __future__ import annotations

import datetime
import logging
import time
from typing import Any

import pytest
from opentelemetry import trace

import tracer.sdk as tracer
from tracer.sdk.testing import Recording, recording

HELPERS = (
    *("agent", "chain", "database", "embedding", "evaluator", "event", "function", "generation"),
    *("guardrail", "http", "reranker", "retriever", "span", "tool"),
)


def test_there_is_a_helper_for_every_kind(spans: Recording) -> None:
    for kind in HELPERS:
        with getattr(tracer, kind)(f"a {kind}"):
            pass
        assert spans.one(f"a {kind}").kind == kind


def test_a_generation_has_the_fields_that_were_set(spans: Recording) -> None:
    messages = [{"role": "user", "content": "Why?"}]
    with tracer.generation("chat", model="gpt-4o", input=messages) as g:
        messages.append({"role": "assistant", "content": "later"})
        g.update(
            output="Because.",
            usage={"input": 812, "output": 64},
            cost=0.01,
            completion_start=1_767_225_600.5,
            model_parameters={"temperature": 0.2},
            provider="openai",
            prompt=("explain", 3),
            metadata={"try": 1},
        ).update(metadata={"of": 2}, level="warning", status_message="slow")
    span = spans.one("chat", "generation")
    assert span.model == "gpt-4o"
    assert span.input == [{"role": "user", "content": "Why?"}]
    assert (span.output, span.usage) == ("Because.", {"input": 812, "output": 64})
    assert span.cost == {"total": 0.01}
    assert span.metadata == {"try": 1, "of": 2}
    attributes = span.attributes
    assert attributes["tracer.first_token_time"] == 1_767_225_600_500_000_000
    assert attributes["tracer.prompt.name"] == "explain"
    assert attributes["tracer.prompt.version"] == 3
    assert attributes["tracer.level"] == "warning"
    assert attributes["tracer.status_message"] == "slow"
    assert attributes["gen_ai.provider.name"] == "openai"


def test_spans_by_hand_have_the_given_parents_times_and_ids(spans: Recording) -> None:
    root = tracer.start("root", trace_id="a" * 32, span_id="b" * 16, start_time=1_000_000_000)
    child = tracer.start("child", "tool", parent=root)
    with child:
        tracer.event("inside")
    tracer.start("beside").end()
    root.end(datetime.datetime.fromtimestamp(3, datetime.UTC))
    assert (root.trace_id, root.span_id) == ("a" * 32, "b" * 16)
    assert spans.one("root").otel.start_time == 1_000_000_000
    assert spans.one("root").otel.end_time == 3_000_000_000
    assert spans.one("inside").parent_id == child.span_id
    assert spans.one("child").parent_id == "b" * 16
    assert spans.one("beside").parent_id is None


def test_an_invalid_time_becomes_the_present_and_an_invalid_value_is_described(
    spans: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    anything: Any = "yesterday", Mute(), 5
    moment, model, tags = anything
    before = time.time_ns()
    span = tracer.start("odd", start_time=float("inf"))
    span.update(completion_start=moment, model=model).update_trace(tags=tags)
    span.end(float("nan"))
    recorded = spans.one("odd")
    start, end = recorded.otel.start_time or 0, recorded.otel.end_time or 0
    first = recorded.attributes["tracer.first_token_time"]
    assert before <= start <= first <= end <= time.time_ns()
    assert recorded.tags == "5"
    assert "Mute" in str(recorded.model)
    assert [record.getMessage() for record in caplog.records] == [
        "inf is not a time; the present is used",
        "'yesterday' is not a time; the present is used",
        "nan is not a time; the present is used",
    ]


def test_a_parent_may_be_a_header_of_another_process(spans: Recording) -> None:
    tracer.start("far", parent=f"00-{'c' * 32}-{'d' * 16}-01").end()
    assert (spans.one("far").trace_id, spans.one("far").parent_id) == ("c" * 32, "d" * 16)
    with pytest.raises(ValueError, match="expected 00-"):
        tracer.start("far", parent="nonsense")
    with pytest.raises(ValueError, match="hex digits"):
        tracer.start("far", trace_id="0" * 32)


def test_an_exception_is_recorded_with_its_stack_and_raised_untouched(spans: Recording) -> None:
    error = ValueError("no such order")
    with pytest.raises(ValueError, match="no such order") as raised, tracer.tool("look up"):
        raise error
    assert raised.value is error
    recorded = spans.one("look up")
    assert recorded.error == "ValueError: no such order"
    event = recorded.otel.events[0]
    assert event.name == "exception"
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "ValueError"
    assert "raise error" in str(event.attributes["exception.stacktrace"])


def test_an_interruption_is_no_failure(spans: Recording) -> None:
    with pytest.raises(KeyboardInterrupt), tracer.span("work"):
        raise KeyboardInterrupt
    recorded = spans.one("work")
    assert recorded.error is None
    assert recorded.attributes["tracer.status_message"] == "KeyboardInterrupt"


def test_an_exception_that_cannot_be_printed_is_recorded(spans: Recording) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(Mute), tracer.span("work"):
        raise Mute
    assert "Mute" in str(spans.one("work").error)


def test_events_and_links_of_a_span(spans: Recording) -> None:
    with tracer.span("first") as first:
        first.add_event("cache miss", {"key": "k", "sizes": [1, 2]})
    with tracer.span("second", links=[first]) as second:
        second.link(first, {"why": "retry"})
    assert spans.one("first").events == ["cache miss"]
    links = spans.one("second").otel.links
    assert [link.context.span_id for link in links] == [first.context.span_id] * 2


def test_fields_of_the_trace_can_be_set_from_any_of_its_spans(spans: Recording) -> None:
    with tracer.agent("root"), tracer.tool("deep"):
        tracer.update(metadata={"n": 1})
        tracer.update_trace(name="support", tags=["beta"], user="u-7", output={"ok": True})
    attributes = spans.one("deep").attributes
    assert attributes["tracer.trace.name"] == "support"
    assert list(attributes["tracer.trace.tags"]) == ["beta"]
    assert attributes["user.id"] == "u-7"
    assert spans.one("deep").metadata == {"n": 1}


def test_a_span_that_has_ended_stays_as_it_is(spans: Recording) -> None:
    span = tracer.start("once")
    span.end()
    span.update(output="late", name="other")
    span.set_attribute("late", True)
    span.end()
    assert len(spans.spans) == 1
    assert spans.one("once").attributes == {"tracer.kind": "span"}


def test_links_to_the_page_of_a_trace() -> None:
    with recording(endpoint="http://127.0.0.1:4318/", project="shop"):
        assert tracer.current_trace_url() is None
        with tracer.span("root") as span:
            url = f"http://127.0.0.1:4318/project/shop/traces/{span.trace_id}"
            assert tracer.current_trace_url() == url
            assert tracer.current_trace_id() == span.trace_id


def test_without_init_everything_runs_and_nothing_is_recorded() -> None:
    with tracer.session("s"), tracer.generation("chat", model="m", input="x") as span:
        span.update(output="y")
        tracer.event("e")
        assert tracer.current_trace_url() is None
        assert tracer.score("good", 1) is None
    assert not span.is_recording()
    assert not trace.get_current_span().get_span_context().is_valid
    assert tracer.flush()
    assert tracer.shutdown()


def test_other_libraries_see_an_opentelemetry_span(spans: Recording) -> None:
    otel = trace.get_tracer("another library")
    with tracer.agent("ours"):
        with otel.start_as_current_span("theirs"), tracer.tool("ours again"):
            pass
        assert trace.get_current_span() is tracer.current_span()
    spans.assert_tree(
        """
        agent ours
          span theirs
            tool ours again
        """
    )
    assert '"name": "ours"' in spans.one("ours").otel.to_json()


def test_a_failure_in_another_processor_does_not_reach_the_application(
    spans: Recording, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("theirs")

    monkeypatch.setattr(spans, "on_end", fail)
    with caplog.at_level(logging.ERROR), tracer.span("work"):
        pass
    monkeypatch.setattr(spans, "on_start", fail)
    with tracer.span("work"):
        pass
    assert "could not be handed to the span processors" in caplog.text


def test_failed_spans_are_named_where_none_is_expected(spans: Recording) -> None:
    with tracer.span("works"):
        spans.assert_no_errors()
    with pytest.raises(ValueError, match="a reason"), tracer.tool("breaks"):
        raise ValueError("a reason")
    with pytest.raises(AssertionError, match=r"breaks: .*a reason"):
        spans.assert_no_errors()

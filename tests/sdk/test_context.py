"""Sessions reach all spans below, and traces go on in threads, processes and other services."""

from __future__ import annotations

import functools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
from opentelemetry import trace

import tracer.sdk as tracer
from tracer.sdk.testing import Recording


def test_a_session_reaches_every_span_below_of_any_library(spans: Recording) -> None:
    values: Any = {"user": "u-7", "tags": ["beta"], "metadata": {"plan": "pro"}}
    with tracer.session("s-1", **values), tracer.span("ours"):
        trace.get_tracer("other").start_span("theirs").end()
    with tracer.span("after"):
        pass
    for name in ("ours", "theirs"):
        span = spans.one(name)
        assert (span.session, span.user, list(span.tags)) == ("s-1", "u-7", ["beta"])
        assert span.attributes["tracer.trace.metadata"] == '{"plan":"pro"}'
    assert spans.one("after").session is None


def test_sessions_nest_and_decorate(spans: Recording) -> None:
    @tracer.session(user="u-2", tags=["b", "a"])
    def inner() -> None:
        tracer.event("inside")

    with tracer.session("s-1", user="u-1", tags=["a"], metadata={"n": 1}):
        inner()
        tracer.event("outside")
    inside = spans.one("inside")
    assert (inside.session, inside.user, list(inside.tags)) == ("s-1", "u-2", ["a", "b"])
    assert (spans.one("outside").user, list(spans.one("outside").tags)) == ("u-1", ["a"])


@pytest.mark.parametrize("as_received", ["mapping", "wsgi", "asgi"])
def test_headers_carry_trace_and_session_to_another_service(
    spans: Recording, as_received: str
) -> None:
    values: Any = {"user": "u=7", "tags": ["a,b"], "metadata": {"k": "v"}}
    with tracer.session("s ä;1", **values), tracer.span("caller") as caller:
        sent = tracer.headers({"Accept": "*/*"})
    assert set(sent) == {"Accept", "traceparent", "baggage"}
    received: Any = {
        "mapping": {key.title(): value for key, value in sent.items()},
        "wsgi": {f"HTTP_{key.upper()}": value for key, value in sent.items()} | {"wsgi.x": object},
        "asgi": [(key.lower().encode(), value.encode()) for key, value in sent.items()],
    }[as_received]
    with tracer.continue_trace(received), tracer.span("callee"):
        pass
    callee = spans.one("callee")
    assert (callee.trace_id, callee.parent_id) == (caller.trace_id, caller.span_id)
    assert (callee.session, callee.user, list(callee.tags)) == ("s ä;1", "u=7", ["a,b"])
    assert callee.attributes["tracer.trace.metadata"] == '{"k":"v"}'


def test_a_session_that_is_not_propagated_is_not_in_the_headers(spans: Recording) -> None:
    with tracer.session("secret", propagate=False), tracer.span("caller"):
        assert set(tracer.headers()) == {"traceparent"}
    assert spans.one("caller").session == "secret"


def test_invalid_baggage_of_a_caller_raises_nothing(spans: Recording) -> None:
    sent = {"baggage": "tracer.trace.tags=%5B1%2C,session.id=x,other=1,,=;", "traceparent": "junk"}
    with tracer.continue_trace(sent), tracer.span("callee"):
        pass
    callee = spans.one("callee")
    assert (callee.session, list(callee.tags), callee.parent_id) == ("x", [], None)


def context_seen() -> tuple[str | None, dict[str, str]]:
    """Return what is current; another process runs this."""
    return tracer.current_trace_id(), tracer.headers()


@pytest.mark.usefixtures("spans")
def test_tasks_of_a_process_pool_belong_to_the_trace() -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool, tracer.span("root") as root:
        trace_id, headers = tracer.executor(pool).submit(context_seen).result()
    assert trace_id == root.trace_id
    assert root.span_id in headers["traceparent"]


def test_a_context_can_be_entered_many_times_at_once(spans: Recording) -> None:
    with tracer.span("root") as root:
        inside = tracer.in_context(functools.partial(tracer.event, "e"))
    inside()
    inside()
    assert {span.parent_id for span in spans.named("e")} == {root.span_id}

"""A real Tracer shows what the SDK sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import tracer.sdk as tracer
from tests.support.http import get_bytes
from tests.support.waiting import wait_until


@pytest.fixture
def sending(server: str) -> Iterator[str]:
    """A client that sends to the real server."""
    tracer.init(server, flush_seconds=0.01, environment="test", release="1.2")
    yield server
    tracer.shutdown()


def api(server: str, path: str) -> Any:
    return json.loads(get_bytes(f"{server}/api/v1{path}"))


def test_a_trace_is_shown_as_it_was_recorded(sending: str) -> None:
    with (
        tracer.session("chat-7", user="u-7", tags=["beta"], metadata={"plan": "pro"}),
        tracer.agent("support", input="Where is my order?") as root,
    ):
        url = tracer.current_trace_url()
        with tracer.generation("chat", model="gpt-4o", input=[{"role": "user"}]) as g:
            g.update(output="On its way.", usage={"input": 812, "output": 64})
        with pytest.raises(LookupError), tracer.tool("look up"):
            raise LookupError("no such order")
        tracer.score("helpful", True, comment="short")
        root.update(output={"answer": "On its way."})
    assert tracer.flush()
    trace = api(sending, f"/traces/{root.trace_id}")
    assert (trace["name"], trace["session_id"], trace["user_id"]) == ("support", "chat-7", "u-7")
    assert (trace["tags"], trace["metadata"]) == (["beta"], {"plan": "pro"})
    assert (trace["environment"], trace["release"]) == ("test", "1.2")
    assert trace["input"] == "Where is my order?"
    assert trace["output"] == {"answer": "On its way."}
    assert trace["status"] == "completed"
    path = f"/traces/{root.trace_id}/spans"
    below = {span["name"]: span for span in api(sending, f"{path}?parent={root.span_id}")["data"]}
    generation = api(sending, f"{path}/{g.span_id}")
    assert (generation["kind"], generation["model"]) == ("generation", "gpt-4o")
    assert generation["usage"] == {"input": 812, "output": 64}
    assert generation["output"] == "On its way."
    assert (below["look up"]["kind"], below["look up"]["status"]) == ("tool", "error")
    assert below["look up"]["status_message"] == "LookupError: no such order"
    scores = api(sending, f"/traces/{root.trace_id}/scores")["data"]
    assert [(score["name"], score["comment"]) for score in scores] == [("helpful", "short")]
    assert url is not None
    assert b"support" in get_bytes(url)


def test_a_running_trace_is_shown_and_then_its_end(sending: str) -> None:
    def status() -> str | None:
        listed = {trace["id"]: trace for trace in api(sending, "/traces?limit=100")["data"]}
        return listed.get(root.trace_id, {}).get("status")

    with tracer.agent("a long one", input="q") as root:
        wait_until(lambda: status() == "running", "the running trace")
    assert tracer.flush()
    assert status() == "completed"


def test_a_score_may_come_from_outside_the_trace_and_twice(sending: str) -> None:
    with tracer.span("judged") as span:
        pass
    assert tracer.flush()
    made = tracer.score("stars", 3, trace_id=span.trace_id, span_id=span.span_id)
    tracer.score("stars", 5, trace_id=span.trace_id, span_id=span.span_id, id=made)
    assert tracer.flush()
    scores = api(sending, f"/traces/{span.trace_id}/scores")["data"]
    assert [(score["value"], score["span_id"]) for score in scores] == [(5, span.span_id)]
    assert tracer.dropped() == {}

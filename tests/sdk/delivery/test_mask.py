"""Masked content does not leave the process, wherever it is in a span of any library."""

from __future__ import annotations

import re
from typing import Any

import pytest
from opentelemetry import trace

import tracer.sdk as tracer
from tests.support.otlp_receiver import Receiver
from tracer.sdk.testing import recording

CARD = "4111111111111111"


def record_everywhere() -> None:
    with (
        pytest.raises(ValueError, match="bad card"),
        tracer.session("s", metadata={"card": CARD}),
        tracer.generation("chat", input=[{"content": f"my card is {CARD}"}]) as g,
    ):
        g.update(output=int(CARD), metadata={"deep": {"list": [CARD, 1]}}, status_message=CARD)
        g.add_event("paid", {"with": CARD})
        g.update(usage={"input": int(CARD)})
        other = trace.get_tracer("openinference.instrumentation.openai").start_span("theirs")
        other.set_attribute("input.value", f'{{"card": {CARD}, "quoted": "\\"{CARD}\\""}}')
        other.set_attribute("llm.input_messages.0.message.content", CARD)
        other.end()
        raise ValueError(f"bad card {CARD}")


@pytest.mark.parametrize("mask", [r"\d{16}", re.compile(r"\d{16}"), [r"\d{8}", r"\d{4}"]])
def test_a_pattern_is_replaced_in_every_text(receiver: Receiver, mask: Any) -> None:
    tracer.init(receiver.url, mask=mask, running=True)
    record_everywhere()
    assert tracer.flush()
    sent = "".join(str(span) for span in receiver.taken)
    usage = f'{{\\"input\\":{CARD}}}'
    assert usage in sent
    assert CARD not in sent.replace(usage, "")
    assert "[masked]" in sent


def test_a_function_sees_fields_and_attributes_by_name() -> None:
    seen = []

    def mask(field: str, value: Any) -> Any:
        seen.append(field)
        return {"hidden": True} if field in ("input", "output") else value

    with recording(mask=mask) as spans:
        record_everywhere()
    chat = spans.one("chat")
    assert chat.input == chat.output == {"hidden": True}
    assert chat.metadata["deep"]["list"] == [CARD, 1]
    assert {"input", "output", "metadata", "input.value"} <= set(seen)


def test_a_function_may_change_its_argument() -> None:
    def mask(field: str, value: Any) -> Any:  # noqa: ARG001 - the signature is given
        if isinstance(value, dict):
            value.update(dict.fromkeys(value, "hidden"))
        return value

    with recording(mask=mask) as spans:
        tracer.event("e", input={"card": CARD})
    assert spans.one("e").input == {"card": "hidden"}


def test_a_function_that_fails_lets_nothing_through() -> None:
    def mask(field: str, value: Any) -> Any:  # noqa: ARG001 - the signature is given
        raise RuntimeError

    with recording(mask=mask) as spans:
        record_everywhere()
    assert CARD not in str(spans.one("theirs").attributes)
    assert spans.one("chat").attributes["tracer.input"] == "[masking failed]"


def test_without_capture_no_content_is_sent_by_any_library() -> None:
    content = {
        "input.value": "x",
        "output.value": "x",
        "llm.input_messages.0.message.content": "x",
        "gen_ai.prompt.0.content": "x",
        "gen_ai.input.messages": "x",
        "gen_ai.tool.call.arguments": "x",
        "traceloop.entity.input": "x",
        "retrieval.documents.0.document.content": "x",
        "langfuse.observation.output": "x",
        "ai.prompt.messages": "x",
    }
    kept = {
        "gen_ai.tool.name": "search",
        "llm.model_name": "m",
        "gen_ai.usage.input_tokens": 1,
        "llm.token_count.prompt": 1,
        "gen_ai.request.model": "m",
    }
    with recording(capture_content=False) as spans:
        with tracer.generation("ours", input="x", model="m") as g:
            g.update(output="y").update_trace(input="x", output="y")
        theirs = trace.get_tracer("other").start_span("theirs", attributes=content | kept)
        theirs.add_event("gen_ai.content.prompt", {"gen_ai.prompt": "x"})
        theirs.end()
    assert set(spans.one("ours").attributes) == {"tracer.kind", "gen_ai.request.model"}
    assert spans.one("theirs").attributes == kept
    assert spans.one("theirs").events == []

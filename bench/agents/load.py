"""The requests of agents and chats that re-send all previous messages with every model call."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tracer.demo.otlp import Trace, requests

_VOCABULARY: Final = 20_000
_TURN_SPANS: Final = 3
"""Spans in one request: exporters send the spans that ended since the last request."""


@dataclass(frozen=True)
class Load:
    """A kind of conversation; its texts are random words, so that they hardly compress."""

    name: str
    title: str
    traces: int
    turns: int
    result_words: int
    """Words of a tool's result: about 6 bytes each."""
    tools: int
    sessions: bool = False
    """Every turn is a trace of its own, all in one session."""


LOADS: Final = (
    Load("agent", "agent, 40 turns", traces=20, turns=40, result_words=170, tools=8),
    Load("agent_100", "agent, 100 turns", traces=5, turns=100, result_words=170, tools=8),
    Load("coding", "coding agent, 40 turns", traces=4, turns=40, result_words=3_300, tools=30),
    Load("chat", "chat, 50 traces", traces=4, turns=50, result_words=0, tools=0, sessions=True),
)


def conversation(load: Load, seed: int) -> Iterator[bytes]:
    """Yield the encoded OTLP requests of one conversation."""
    rng = random.Random(seed)
    return _chat(load, rng) if load.sessions else _agent(load, rng)


def _agent(load: Load, rng: random.Random) -> Iterator[bytes]:
    trace = _trace()
    tools = [_tool(rng, number) for number in range(load.tools)]
    messages = [_message("system", words(rng, 150)), _message("user", words(rng, 60))]
    with trace.span("invoke_agent", {"gen_ai.operation.name": "invoke_agent"}):
        for _ in range(load.turns):
            call_id = f"call_{rng.randbytes(8).hex()}"
            call = {"type": "tool_call", "id": call_id, "name": "tool_1", "arguments": {"n": 1}}
            answer = _message("assistant", words(rng, 30))
            answer["parts"].append(call)
            _model_call(trace, messages, answer, tools)
            result = words(rng, load.result_words)
            with trace.span("execute_tool", _tool_run(call_id, result)):
                trace.wait(0.1)
            response = {"type": "tool_call_response", "id": call_id, "result": result}
            messages = [*messages, answer, {"role": "tool", "parts": [response]}]
    for request in requests([trace], _TURN_SPANS):
        yield request.SerializeToString()


def _chat(load: Load, rng: random.Random) -> Iterator[bytes]:
    session = f"session-{rng.randbytes(8).hex()}"
    messages = [_message("system", words(rng, 150))]
    for _ in range(load.turns):
        trace = _trace()
        messages = [*messages, _message("user", words(rng, 60))]
        answer = _message("assistant", words(rng, 80))
        with trace.span("chat", {"gen_ai.conversation.id": session}):
            _model_call(trace, messages, answer, [])
        messages = [*messages, answer]
        for request in requests([trace], _TURN_SPANS):
            yield request.SerializeToString()


def _trace() -> Trace:
    return Trace(time.time() - 600, {"service.name": "bench", "host.name": "bench"}, "bench")


def _model_call(
    trace: Trace, messages: list[Any], answer: dict[str, Any], tools: list[Any]
) -> None:
    attributes: dict[str, str | bool | int | float | list[str]] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 100 * len(messages),
        "gen_ai.usage.output_tokens": 80,
        "gen_ai.input.messages": json.dumps(messages),
        "gen_ai.output.messages": json.dumps([{**answer, "finish_reason": "stop"}]),
    }
    if tools:
        attributes["gen_ai.tool.definitions"] = json.dumps(tools)
    with trace.span("chat gpt-4o", attributes):
        trace.wait(1.0)


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _tool(rng: random.Random, number: int) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    return {
        "type": "function",
        "name": f"tool_{number}",
        "description": words(rng, 30),
        "parameters": schema,
    }


def _tool_run(call_id: str, result: str) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "tool_1",
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": json.dumps({"n": 1}),
        "gen_ai.tool.call.result": result,
    }


def last_generation(bodies: Sequence[bytes]) -> tuple[str, str]:
    """Return (trace id, span id) of the last model call of the requests."""
    for body in reversed(bodies):
        for span in reversed(list(spans_of(body))):
            if span.name.startswith("chat"):
                return span.trace_id.hex(), span.span_id.hex()
    raise ValueError("no model call")


def unique_bytes(bodies: Sequence[bytes]) -> int:
    """Return the bytes of all different messages, tool definitions and other values."""
    values: set[str] = set()
    for span in (span for body in bodies for span in spans_of(body)):
        for attribute in span.attributes:
            text = attribute.value.string_value
            items = json.loads(text) if text[:1] == "[" else [text]
            values.update(json.dumps(item) for item in items)
    return sum(map(len, values))


def spans_of(body: bytes) -> Iterator[Span]:
    """Yield the spans of an encoded request."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def words(rng: random.Random, number: int) -> str:
    """Return ``number`` words of six letters on average."""
    return " ".join(f"{rng.randrange(_VOCABULARY) * 9_973:x}" for _ in range(number))

"""The attribute dialects of the demo: Langfuse, OpenTelemetry's gen_ai, OpenInference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from tracer.demo.calls import Call, Json, Message
from tracer.demo.otlp import SECOND, Attributes, Value


@dataclass(frozen=True)
class About:
    """The attributes of a trace as a whole."""

    user: str = ""
    session: str = ""
    tags: Sequence[str] = ()
    metadata: Mapping[str, str | int] = field(default_factory=dict)
    release: str = ""
    name: str = ""
    """Name of the trace, if it differs from the root span's name."""


class Dialect(Protocol):
    """Converts steps and model calls to the attributes of an instrumentation."""

    scope: str

    def about(self, about: About) -> Attributes:
        """Return the attributes of the trace, for its root span."""

    def name(self, call: Call) -> str:
        """Return the name of a model call's span."""

    def step(self, kind: str, name: str, input_value: Json) -> Attributes:
        """Return the attributes of a span's kind and input; None: no input."""

    def result(self, kind: str, output: Json) -> Attributes:
        """Return the attributes of a span's output."""

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        """Return the attributes of a model call; ``start`` in ns, ``first_token`` in s after it."""


class Langfuse:
    """Attributes of the Langfuse SDKs."""

    scope = "langfuse-sdk"

    def about(self, about: About) -> Attributes:
        attributes: dict[str, Value] = {
            f"langfuse.trace.metadata.{key}": value for key, value in about.metadata.items()
        }
        return attributes | _filled(
            {
                "user.id": about.user,
                "session.id": about.session,
                "langfuse.release": about.release,
                "langfuse.trace.name": about.name,
                "langfuse.trace.tags": list(about.tags),
            }
        )

    def name(self, call: Call) -> str:
        return "decide" if call.answer.calls else "write_answer"

    def step(self, kind: str, name: str, input_value: Json) -> Attributes:
        attributes: dict[str, Value] = {"langfuse.observation.type": kind}
        return (
            attributes
            if input_value is None
            else attributes | {"langfuse.observation.input": _text(input_value)}
        )

    def result(self, kind: str, output: Json) -> Attributes:
        return {"langfuse.observation.output": _text(output)}

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        usage = {
            "input": call.usage.input - call.usage.cached,
            "output": call.usage.output - call.usage.reasoning,
            "input_cached_tokens": call.usage.cached,
            "output_reasoning_tokens": call.usage.reasoning,
        }
        attributes: dict[str, Value] = {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": call.model.served,
            "langfuse.observation.model.parameters": json.dumps(dict(call.parameters)),
            "langfuse.observation.input": _json([_openai(message) for message in call.messages]),
            "langfuse.observation.output": _json(_openai(call.answer)),
            "langfuse.observation.usage_details": json.dumps(
                {name: count for name, count in usage.items() if count}
            ),
        }
        if first_token:
            first_token_time = datetime.fromtimestamp(start / SECOND + first_token, UTC)
            attributes["langfuse.observation.completion_start_time"] = first_token_time.isoformat()
        if call.finish == "length":
            attributes["langfuse.observation.level"] = "WARNING"
            attributes["langfuse.observation.status_message"] = "the answer was cut at max_tokens"
        return attributes


class GenAI:
    """OpenTelemetry's GenAI conventions since 1.37, with messages as JSON."""

    scope = "opentelemetry.instrumentation.genai"

    _OPERATIONS: Final = {
        "agent": "invoke_agent",
        "chain": "invoke_workflow",
        "tool": "execute_tool",
        "retriever": "retrieval",
    }

    def about(self, about: About) -> Attributes:
        return _filled({"user.id": about.user, "gen_ai.conversation.id": about.session})

    def name(self, call: Call) -> str:
        return f"chat {call.model.name}"

    def step(self, kind: str, name: str, input_value: Json) -> Attributes:
        if kind not in self._OPERATIONS:
            return {}
        attributes: dict[str, Value] = {"gen_ai.operation.name": self._OPERATIONS[kind]}
        if kind == "agent":
            attributes["gen_ai.agent.name"] = name
        if kind == "tool":
            attributes["gen_ai.tool.name"] = name
        if input_value is not None:
            attributes |= self._value_attributes(kind, input_value, "input")
        return attributes

    def result(self, kind: str, output: Json) -> Attributes:
        return self._value_attributes(kind, output, "output")

    def _value_attributes(self, kind: str, value: Json, side: str) -> dict[str, Value]:
        is_input = side == "input"
        if kind == "tool":
            return {f"gen_ai.tool.call.{'arguments' if is_input else 'result'}": _text(value)}
        if kind == "retriever":
            return {f"gen_ai.retrieval.{'query.text' if is_input else 'documents'}": _text(value)}
        message = Message("user" if is_input else "assistant", _text(value))
        return {f"gen_ai.{side}.messages": _json([_parts(message)])}

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        answer = {**_parts(call.answer), "finish_reason": call.finish}
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": call.model.provider,
            "gen_ai.request.model": call.model.name,
            "gen_ai.response.model": call.model.served,
            "gen_ai.response.finish_reasons": [call.finish],
            "gen_ai.input.messages": _json([_parts(message) for message in call.messages]),
            "gen_ai.output.messages": _json([answer]),
            "gen_ai.usage.input_tokens": call.usage.input,
            "gen_ai.usage.output_tokens": call.usage.output,
        }
        attributes |= {f"gen_ai.request.{key}": value for key, value in call.parameters.items()}
        if call.usage.cached:
            attributes["gen_ai.usage.cache_read.input_tokens"] = call.usage.cached
        if call.usage.reasoning:
            attributes["gen_ai.usage.reasoning.output_tokens"] = call.usage.reasoning
        if first_token:
            attributes["gen_ai.response.time_to_first_chunk"] = round(first_token, 3)
        return attributes


class OpenInference:
    """OpenInference, with lists flattened into attribute names."""

    scope = "openinference.instrumentation.openai"

    _KINDS: Final = frozenset(
        ("agent", "chain", "tool", "retriever", "reranker", "embedding", "guardrail", "evaluator")
    )

    def about(self, about: About) -> Attributes:
        return _filled(
            {
                "user.id": about.user,
                "session.id": about.session,
                "tag.tags": list(about.tags),
                "metadata": json.dumps(dict(about.metadata)) if about.metadata else "",
            }
        )

    def name(self, call: Call) -> str:
        return "ChatCompletion"

    def step(self, kind: str, name: str, input_value: Json) -> Attributes:
        attributes: dict[str, Value] = {
            "openinference.span.kind": kind.upper() if kind in self._KINDS else "CHAIN"
        }
        return (
            attributes
            if input_value is None
            else attributes | _value_and_type("input", input_value)
        )

    def result(self, kind: str, output: Json) -> Attributes:
        if kind in ("retriever", "reranker"):
            prefix = {"retriever": "retrieval", "reranker": "reranker.output"}[kind]
            prefix += "." if kind == "retriever" else "_"
            return {
                f"{prefix}documents.{n}.document.{key}": value
                for n, document in enumerate(output)
                for key, value in document.items()
            }
        return _value_and_type("output", output)

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        attributes: dict[str, Value] = {
            "openinference.span.kind": "LLM",
            "llm.model_name": call.model.served,
            "llm.provider": call.model.provider,
            "llm.invocation_parameters": json.dumps(dict(call.parameters)),
            "llm.token_count.prompt": call.usage.input,
            "llm.token_count.completion": call.usage.output,
            "llm.token_count.total": call.usage.input + call.usage.output,
        }
        for n, message in enumerate(call.messages):
            attributes |= _flat(f"llm.input_messages.{n}.message", message)
        attributes |= _flat("llm.output_messages.0.message", call.answer)
        if call.usage.cached:
            attributes["llm.token_count.prompt_details.cache_read"] = call.usage.cached
        if call.usage.reasoning:
            attributes["llm.token_count.completion_details.reasoning"] = call.usage.reasoning
        return attributes


LANGFUSE: Final = Langfuse()
GEN_AI: Final = GenAI()
OPENINFERENCE: Final = OpenInference()


def _openai(message: Message) -> dict[str, Json]:
    """Return a message in the form of OpenAI's chat API."""
    encoded: dict[str, Json] = {"role": message.role, "content": message.text or None}
    if message.calls:
        encoded["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for call in message.calls
        ]
    if message.call_id:
        encoded["tool_call_id"] = message.call_id
    return encoded


def _parts(message: Message) -> dict[str, Json]:
    """Return a message in the form of OpenTelemetry's GenAI conventions."""
    parts: list[Json] = []
    if message.thought:
        parts.append({"type": "reasoning", "content": message.thought})
    if message.call_id:
        parts.append(
            {"type": "tool_call_response", "id": message.call_id, "response": message.text}
        )
    elif message.text:
        parts.append({"type": "text", "content": message.text})
    for call in message.calls:
        tool_call = {"id": call.id, "name": call.name, "arguments": dict(call.arguments)}
        parts.append({"type": "tool_call", **tool_call})
    return {"role": message.role, "parts": parts}


def _flat(prefix: str, message: Message) -> dict[str, Value]:
    """Return a message as flattened OpenInference attributes."""
    attributes: dict[str, Value] = {f"{prefix}.role": message.role}
    if message.text:
        attributes[f"{prefix}.content"] = message.text
    if message.call_id:
        attributes[f"{prefix}.tool_call_id"] = message.call_id
    for n, call in enumerate(message.calls):
        key = f"{prefix}.tool_calls.{n}.tool_call"
        attributes[f"{key}.id"] = call.id
        attributes[f"{key}.function.name"] = call.name
        attributes[f"{key}.function.arguments"] = json.dumps(dict(call.arguments))
    return attributes


def _value_and_type(side: str, value: Json) -> dict[str, Value]:
    kind = "text/plain" if isinstance(value, str) else "application/json"
    return {f"{side}.value": _text(value), f"{side}.mime_type": kind}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _filled(attributes: Attributes) -> dict[str, Value]:
    return {key: value for key, value in attributes.items() if value != "" and value != []}

"""The three ways to say things in attributes: Langfuse, OpenTelemetry's gen_ai, OpenInference."""

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
    """What is said of a trace as a whole."""

    user: str = ""
    session: str = ""
    tags: Sequence[str] = ()
    metadata: Mapping[str, str | int] = field(default_factory=dict)
    release: str = ""
    name: str = ""
    """Only where the root's own name is not the trace's."""


class Dialect(Protocol):
    """How an instrumentation names what it records."""

    scope: str

    def about(self, about: About) -> Attributes:
        """Say what the trace is about; on its root."""

    def name(self, call: Call) -> str:
        """Return the name of a model call's span."""

    def step(self, kind: str, name: str, given: Json) -> Attributes:
        """Say what a span is and what it was given (None: nothing)."""

    def result(self, kind: str, output: Json) -> Attributes:
        """Say what came out of a span."""

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        """Say a model call that began at ``start`` (nanoseconds); ``first_token`` in seconds."""


class Langfuse:
    """Attributes of the Langfuse SDKs."""

    scope = "langfuse-sdk"

    def about(self, about: About) -> Attributes:
        said: dict[str, Value] = {
            f"langfuse.trace.metadata.{key}": value for key, value in about.metadata.items()
        }
        return said | _filled(
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

    def step(self, kind: str, name: str, given: Json) -> Attributes:
        said: dict[str, Value] = {"langfuse.observation.type": kind}
        return said if given is None else said | {"langfuse.observation.input": _text(given)}

    def result(self, kind: str, output: Json) -> Attributes:
        return {"langfuse.observation.output": _text(output)}

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        usage = {
            "input": call.usage.input - call.usage.cached,
            "output": call.usage.output - call.usage.reasoning,
            "input_cached_tokens": call.usage.cached,
            "output_reasoning_tokens": call.usage.reasoning,
        }
        said: dict[str, Value] = {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": call.model.served,
            "langfuse.observation.model.parameters": json.dumps(dict(call.parameters)),
            "langfuse.observation.input": _json([_openai(m) for m in call.messages]),
            "langfuse.observation.output": _json(_openai(call.answer)),
            "langfuse.observation.usage_details": json.dumps({k: n for k, n in usage.items() if n}),
        }
        if first_token:
            at = datetime.fromtimestamp(start / SECOND + first_token, UTC)
            said["langfuse.observation.completion_start_time"] = at.isoformat()
        if call.finish == "length":
            said["langfuse.observation.level"] = "WARNING"
            said["langfuse.observation.status_message"] = "the answer was cut at max_tokens"
        return said


class GenAI:
    """OpenTelemetry's conventions since 1.37, messages as JSON."""

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

    def step(self, kind: str, name: str, given: Json) -> Attributes:
        if kind not in self._OPERATIONS:
            return {}
        said: dict[str, Value] = {"gen_ai.operation.name": self._OPERATIONS[kind]}
        if kind == "agent":
            said["gen_ai.agent.name"] = name
        if kind == "tool":
            said["gen_ai.tool.name"] = name
        if given is not None:
            said |= self._told(kind, given, "input")
        return said

    def result(self, kind: str, output: Json) -> Attributes:
        return self._told(kind, output, "output")

    def _told(self, kind: str, value: Json, side: str) -> dict[str, Value]:
        asked = side == "input"
        if kind == "tool":
            return {f"gen_ai.tool.call.{'arguments' if asked else 'result'}": _text(value)}
        if kind == "retriever":
            return {f"gen_ai.retrieval.{'query.text' if asked else 'documents'}": _text(value)}
        message = Message("user" if asked else "assistant", _text(value))
        return {f"gen_ai.{side}.messages": _json([_parts(message)])}

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        answer = {**_parts(call.answer), "finish_reason": call.finish}
        said: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": call.model.provider,
            "gen_ai.request.model": call.model.name,
            "gen_ai.response.model": call.model.served,
            "gen_ai.response.finish_reasons": [call.finish],
            "gen_ai.input.messages": _json([_parts(m) for m in call.messages]),
            "gen_ai.output.messages": _json([answer]),
            "gen_ai.usage.input_tokens": call.usage.input,
            "gen_ai.usage.output_tokens": call.usage.output,
        }
        said |= {f"gen_ai.request.{key}": value for key, value in call.parameters.items()}
        if call.usage.cached:
            said["gen_ai.usage.cache_read.input_tokens"] = call.usage.cached
        if call.usage.reasoning:
            said["gen_ai.usage.reasoning.output_tokens"] = call.usage.reasoning
        if first_token:
            said["gen_ai.response.time_to_first_chunk"] = round(first_token, 3)
        return said


class OpenInference:
    """OpenInference, lists flattened into names."""

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

    def step(self, kind: str, name: str, given: Json) -> Attributes:
        said: dict[str, Value] = {
            "openinference.span.kind": kind.upper() if kind in self._KINDS else "CHAIN"
        }
        return said if given is None else said | _valued("input", given)

    def result(self, kind: str, output: Json) -> Attributes:
        if kind in ("retriever", "reranker"):
            prefix = {"retriever": "retrieval", "reranker": "reranker.output"}[kind]
            prefix += "." if kind == "retriever" else "_"
            return {
                f"{prefix}documents.{n}.document.{key}": value
                for n, document in enumerate(output)
                for key, value in document.items()
            }
        return _valued("output", output)

    def call(self, call: Call, start: int, first_token: float) -> Attributes:
        said: dict[str, Value] = {
            "openinference.span.kind": "LLM",
            "llm.model_name": call.model.served,
            "llm.provider": call.model.provider,
            "llm.invocation_parameters": json.dumps(dict(call.parameters)),
            "llm.token_count.prompt": call.usage.input,
            "llm.token_count.completion": call.usage.output,
            "llm.token_count.total": call.usage.input + call.usage.output,
        }
        for n, message in enumerate(call.messages):
            said |= _flat(f"llm.input_messages.{n}.message", message)
        said |= _flat("llm.output_messages.0.message", call.answer)
        if call.usage.cached:
            said["llm.token_count.prompt_details.cache_read"] = call.usage.cached
        if call.usage.reasoning:
            said["llm.token_count.completion_details.reasoning"] = call.usage.reasoning
        return said


LANGFUSE: Final = Langfuse()
GEN_AI: Final = GenAI()
OPENINFERENCE: Final = OpenInference()


def _openai(message: Message) -> dict[str, Json]:
    """Return a message as OpenAI's chat API has it."""
    said: dict[str, Json] = {"role": message.role, "content": message.text or None}
    if message.calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for call in message.calls
        ]
    if message.answers:
        said["tool_call_id"] = message.answers
    return said


def _parts(message: Message) -> dict[str, Json]:
    """Return a message as OpenTelemetry has it."""
    parts: list[Json] = []
    if message.thought:
        parts.append({"type": "reasoning", "content": message.thought})
    if message.answers:
        parts.append(
            {"type": "tool_call_response", "id": message.answers, "response": message.text}
        )
    elif message.text:
        parts.append({"type": "text", "content": message.text})
    for call in message.calls:
        wish = {"id": call.id, "name": call.name, "arguments": dict(call.arguments)}
        parts.append({"type": "tool_call", **wish})
    return {"role": message.role, "parts": parts}


def _flat(prefix: str, message: Message) -> dict[str, Value]:
    """Return a message as OpenInference has it."""
    said: dict[str, Value] = {f"{prefix}.role": message.role}
    if message.text:
        said[f"{prefix}.content"] = message.text
    if message.answers:
        said[f"{prefix}.tool_call_id"] = message.answers
    for n, call in enumerate(message.calls):
        wish = f"{prefix}.tool_calls.{n}.tool_call"
        said[f"{wish}.id"] = call.id
        said[f"{wish}.function.name"] = call.name
        said[f"{wish}.function.arguments"] = json.dumps(dict(call.arguments))
    return said


def _valued(side: str, value: Json) -> dict[str, Value]:
    kind = "text/plain" if isinstance(value, str) else "application/json"
    return {f"{side}.value": _text(value), f"{side}.mime_type": kind}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _filled(said: Attributes) -> dict[str, Value]:
    return {key: value for key, value in said.items() if value != "" and value != []}

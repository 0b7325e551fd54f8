"""Builds the trace of one application run: steps, tool calls and model calls, in a dialect."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from tracer.demo.calls import EMBEDDING, Call, Json, Message, Model, ToolCall, Usage, tokens
from tracer.demo.dialects import About, Dialect
from tracer.demo.otlp import CLIENT, Attributes, Span, Trace, Value

RELEASES: Final = ("2026.11.13", "2026.11.20")


@dataclass(frozen=True)
class App:
    """An application that sends traces."""

    service: str
    dialect: Dialect
    environment: str = "production"
    release: str = RELEASES[1]

    def resource(self) -> Attributes:
        """Return the resource attributes of the application."""
        return {
            "service.name": self.service,
            "service.version": self.release,
            "deployment.environment.name": self.environment,
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
        }


class OpenStep:
    """A span in progress whose result can be set."""

    def __init__(self, span: Span, dialect: Dialect, kind: str) -> None:
        self.span = span
        self._dialect = dialect
        self._kind = kind

    def set_result(self, output: Json) -> None:
        """Set the result."""
        self.span.set(self._dialect.result(self._kind, output))


class Story:
    """One trace of an application, on a virtual clock."""

    def __init__(self, app: App, rng: random.Random, start: float, about: About) -> None:
        """``start`` is in seconds since the epoch."""
        self.rng = rng
        self.trace = Trace(start, app.resource(), app.dialect.scope)
        self.dialect = app.dialect
        self._about: About | None = replace(about, release=app.release)

    @contextmanager
    def step(self, kind: str, name: str, input_value: Json = None) -> Iterator[OpenStep]:
        """Open a span of ``kind`` for the block; the first span carries the trace's attributes."""
        attributes = dict(self.dialect.step(kind, name, input_value))
        if self._about is not None:
            attributes |= self.dialect.about(self._about)
            self._about = None
        with self.trace.span(name, attributes) as span:
            yield OpenStep(span, self.dialect, kind)

    def tool(
        self, name: str, arguments: Mapping[str, Json], result: Json, seconds: float = 0.3
    ) -> None:
        """Add a tool call that succeeds."""
        with self.step("tool", name, dict(arguments)) as step:
            self.wait(seconds)
            step.set_result(result)

    def failed_step(
        self, kind: str, name: str, input_value: Json, seconds: float, error: tuple[str, str, str]
    ) -> None:
        """Add a step that fails after ``seconds`` with ``error``: (type, message, stack)."""
        with self.step(kind, name, input_value) as step:
            self.trace.wait(seconds)
            step.span.fail(*error)

    def wait(self, seconds: float) -> None:
        """Move the clock by about ``seconds``."""
        self.trace.wait(seconds * self.rng.uniform(0.85, 1.2))

    def model_call(
        self,
        model: Model,
        messages: Sequence[Message],
        answer: str | ToolCall | Sequence[ToolCall],
        *,
        thought: str = "",
        context: int = 0,
        cached: float = 0.0,
        finish: str = "",
        name: str = "",
        limit: int = 1024,
    ) -> Message:
        """Add a model call and return its answer: text or tool calls.

        ``context``: input tokens beside the messages, such as tool definitions; ``cached``: the
        part of the input read from a cache, 0 to 1.
        """
        content = (answer,) if isinstance(answer, ToolCall) else answer
        if isinstance(content, str):
            reply = Message("assistant", content, thought=thought)
        else:
            reply = Message("assistant", calls=content, thought=thought)
        input_tokens = tokens(*messages) + context
        reasoning = 12 * len(thought.split()) if model.has_reasoning else 0
        output_tokens = limit if finish == "length" else tokens(reply) + reasoning
        usage = Usage(input_tokens, output_tokens, int(input_tokens * cached), reasoning)
        finish_reason = finish or ("tool_calls" if reply.calls else "stop")
        parameters = {"temperature": 0.2, "max_tokens": limit}
        call = Call(model, messages, reply, usage, finish_reason, parameters)
        with self.trace.span(name or self.dialect.name(call), {}, CLIENT) as span:
            first_token = (
                self.rng.uniform(0.25, 0.9) + input_tokens / 20_000 + reasoning / model.speed
            )
            span.set(self.dialect.call(call, span.start, first_token))
            self.wait(first_token * 1.2 + (output_tokens - reasoning) / model.speed)
        return reply

    def failed_call(
        self, model: Model, messages: Sequence[Message], seconds: float, error: tuple[str, str, str]
    ) -> None:
        """Add a model call that fails with ``error``: (type, message, stack)."""
        call = Call(model, messages, Message("assistant"), Usage(0, 0))
        # Without an answer, an instrumentation records no output and no usage.
        attributes = {
            key: value
            for key, value in self.dialect.call(call, 0, 0).items()
            if not any(word in key for word in ("output", "usage", "token_count", "finish"))
        }
        with self.trace.span(self.dialect.name(call), attributes, CLIENT) as span:
            self.wait(seconds)
            span.fail(*error)

    def embed(self, text: str) -> None:
        """Add an embedding call for one text."""
        attributes: dict[str, Value] = {
            "openinference.span.kind": "EMBEDDING",
            "embedding.model_name": EMBEDDING.name,
            "llm.provider": EMBEDDING.provider,
            "llm.token_count.prompt": len(text) // 4 + 1,
            "input.value": text,
            "output.value": "1 vector of 1,536 dimensions",
        }
        with self.trace.span("CreateEmbeddings", attributes, CLIENT):
            self.wait(0.12)

    def query(self, statement: str, seconds: float = 0.02) -> None:
        """Add a database query."""
        attributes: dict[str, Value] = {
            "db.system.name": "postgresql",
            "db.namespace": "knowledge",
            "db.query.text": statement,
        }
        with self.trace.span("SELECT knowledge", attributes, CLIENT):
            self.wait(seconds)

    def request(self, method: str, url: str, status: int, seconds: float) -> None:
        """Add an HTTP request; a status of 500 or more is an error."""
        attributes: dict[str, Value] = {
            "http.request.method": method,
            "url.full": url,
            "http.response.status_code": status,
        }
        with self.trace.span(f"{method} {url.partition('?')[0][8:]}", attributes, CLIENT) as span:
            self.wait(seconds)
            if status >= 500:
                span.status(f"status {status}")

    def parallel(self, times: int) -> Iterator[int]:
        """Yield 0 … ``times`` - 1; the loop bodies are parallel, with about the same start time."""
        with self.trace.parallel() as reset:
            for number in range(times):
                reset()
                self.trace.wait(0.003 * number)
                yield number


def tool_call(name: str, **arguments: Json) -> ToolCall:
    """Return a tool call with a new id."""
    return ToolCall(f"call_{secrets.token_hex(6)}", name, arguments)


def result(call: ToolCall, output: Json) -> Message:
    """Return the message with the result of a tool call."""
    return Message("tool", json.dumps(output, ensure_ascii=False), call_id=call.id)


def stack(*frames: tuple[str, int, str, str]) -> str:
    """Return a traceback of frames: file, line number, function, code."""
    lines = ["Traceback (most recent call last):"]
    for file, number, function, code in frames:
        lines += [f'  File "{file}", line {number}, in {function}', f"    {code}"]
    return "\n".join(lines)

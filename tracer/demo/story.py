"""A trace as its application lives it: steps, tools and calls of models, in a dialect."""

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
        """Return what its SDK says of every span."""
        return {
            "service.name": self.service,
            "service.version": self.release,
            "deployment.environment.name": self.environment,
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
        }


class Step:
    """A span under way that knows how to say its result."""

    def __init__(self, span: Span, dialect: Dialect, kind: str) -> None:
        self.span = span
        self._dialect = dialect
        self._kind = kind

    def give(self, output: Json) -> None:
        """Say what came out."""
        self.span.set(self._dialect.result(self._kind, output))


class Story:
    """One trace of an application; what it does takes virtual time."""

    def __init__(self, app: App, rng: random.Random, start: float, about: About) -> None:
        """``start`` is in seconds since the epoch."""
        self.rng = rng
        self.trace = Trace(start, app.resource(), app.dialect.scope)
        self.dialect = app.dialect
        self._about: About | None = replace(about, release=app.release)

    @contextmanager
    def step(self, kind: str, name: str, given: Json = None) -> Iterator[Step]:
        """Give a span of ``kind`` around the block; the first one says what the trace is about."""
        attributes = dict(self.dialect.step(kind, name, given))
        if self._about is not None:
            attributes |= self.dialect.about(self._about)
            self._about = None
        with self.trace.span(name, attributes) as span:
            yield Step(span, self.dialect, kind)

    def tool(
        self, name: str, arguments: Mapping[str, Json], result: Json, seconds: float = 0.3
    ) -> None:
        """Run a tool that works."""
        with self.step("tool", name, dict(arguments)) as step:
            self.wait(seconds)
            step.give(result)

    def broken(
        self, kind: str, name: str, given: Json, seconds: float, error: tuple[str, str, str]
    ) -> None:
        """Run a step that ends in ``error`` after ``seconds``: its type, its message, its stack."""
        with self.step(kind, name, given) as step:
            self.trace.wait(seconds)
            step.span.fail(*error)

    def wait(self, seconds: float) -> None:
        """Let about ``seconds`` pass."""
        self.trace.wait(seconds * self.rng.uniform(0.85, 1.2))

    def ask(
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
        """Call a model and return its answer: text, or wishes for tools.

        ``context`` are input tokens on top of the messages, as definitions of tools are;
        ``cached`` is the share of the input that came from a cache.
        """
        wishes = (answer,) if isinstance(answer, ToolCall) else answer
        if isinstance(wishes, str):
            said = Message("assistant", wishes, thought=thought)
        else:
            said = Message("assistant", calls=wishes, thought=thought)
        sent = tokens(*messages) + context
        reasoning = 12 * len(thought.split()) if model.reasons else 0
        written = limit if finish == "length" else tokens(said) + reasoning
        usage = Usage(sent, written, int(sent * cached), reasoning)
        why = finish or ("tool_calls" if said.calls else "stop")
        parameters = {"temperature": 0.2, "max_tokens": limit}
        call = Call(model, messages, said, usage, why, parameters)
        with self.trace.span(name or self.dialect.name(call), {}, CLIENT) as span:
            first_token = self.rng.uniform(0.25, 0.9) + sent / 20_000 + reasoning / model.speed
            span.set(self.dialect.call(call, span.start, first_token))
            self.wait(first_token * 1.2 + (written - reasoning) / model.speed)
        return said

    def refused(
        self, model: Model, messages: Sequence[Message], seconds: float, error: tuple[str, str, str]
    ) -> None:
        """Call a model that answers with ``error`` instead."""
        call = Call(model, messages, Message("assistant"), Usage(0, 0))
        # Nothing came out, so an instrumentation says nothing of an output and of usage.
        known = {
            key: value
            for key, value in self.dialect.call(call, 0, 0).items()
            if not any(word in key for word in ("output", "usage", "token_count", "finish"))
        }
        with self.trace.span(self.dialect.name(call), known, CLIENT) as span:
            self.wait(seconds)
            span.fail(*error)

    def embed(self, text: str) -> None:
        """Embed one text."""
        said: dict[str, Value] = {
            "openinference.span.kind": "EMBEDDING",
            "embedding.model_name": EMBEDDING.name,
            "llm.provider": EMBEDDING.provider,
            "llm.token_count.prompt": len(text) // 4 + 1,
            "input.value": text,
            "output.value": "1 vector of 1,536 dimensions",
        }
        with self.trace.span("CreateEmbeddings", said, CLIENT):
            self.wait(0.12)

    def query(self, statement: str, seconds: float = 0.02) -> None:
        """Ask a database."""
        said: dict[str, Value] = {
            "db.system.name": "postgresql",
            "db.namespace": "knowledge",
            "db.query.text": statement,
        }
        with self.trace.span("SELECT knowledge", said, CLIENT):
            self.wait(seconds)

    def request(self, method: str, url: str, status: int, seconds: float) -> None:
        """Ask another service over HTTP; from 500 on it has failed."""
        said: dict[str, Value] = {
            "http.request.method": method,
            "url.full": url,
            "http.response.status_code": status,
        }
        with self.trace.span(f"{method} {url.partition('?')[0][8:]}", said, CLIENT) as span:
            self.wait(seconds)
            if status >= 500:
                span.status(f"status {status}")

    def together(self, times: int) -> Iterator[int]:
        """Yield 0 … ``times`` - 1; what happens in the loop begins at about the same time."""
        with self.trace.together() as again:
            for number in range(times):
                again()
                self.trace.wait(0.003 * number)
                yield number


def wish(name: str, **arguments: Json) -> ToolCall:
    """Return a model's wish to have a tool run."""
    return ToolCall(f"call_{secrets.token_hex(6)}", name, arguments)


def result(call: ToolCall, found: Json) -> Message:
    """Return a tool's answer to a wish."""
    return Message("tool", json.dumps(found, ensure_ascii=False), answers=call.id)


def stack(*frames: tuple[str, int, str, str]) -> str:
    """Return a traceback of frames: file, line number, function, code."""
    lines = ["Traceback (most recent call last):"]
    for file, number, function, code in frames:
        lines += [f'  File "{file}", line {number}, in {function}', f"    {code}"]
    return "\n".join(lines)

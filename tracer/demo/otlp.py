"""Spans created on a virtual clock, as OTLP messages."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

Value: TypeAlias = str | bool | int | float | list[str]
Attributes: TypeAlias = Mapping[str, Value]

SECOND: Final = 1_000_000_000
CLIENT: Final = trace_pb2.Span.SPAN_KIND_CLIENT
SERVER: Final = trace_pb2.Span.SPAN_KIND_SERVER
INTERNAL: Final = trace_pb2.Span.SPAN_KIND_INTERNAL


class Span:
    """A span in progress; leaving `Trace.span` ends it."""

    def __init__(self, message: trace_pb2.Span, trace: Trace) -> None:
        self.message = message
        self.running = False
        """True: the span is sent without an end time."""
        self._trace = trace

    @property
    def start(self) -> int:
        """Nanoseconds since the epoch."""
        return self.message.start_time_unix_nano

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""
        self.message.attributes.extend(key_values(attributes))

    def event(self, name: str, attributes: Attributes) -> None:
        """Add an event at the current virtual time."""
        self.message.events.add(
            name=name, time_unix_nano=self._trace.now, attributes=key_values(attributes)
        )

    def score(self, name: str, value: float, explanation: str) -> None:
        """Add an evaluation event, which the server stores as a score of the span."""
        attributes: Attributes = {
            "gen_ai.evaluation.name": name,
            "gen_ai.evaluation.score.value": value,
            "gen_ai.evaluation.explanation": explanation,
        }
        self.event("gen_ai.evaluation.result", attributes)

    def fail(self, error: str, message: str, stack: str = "") -> None:
        """Add an exception event of type ``error``, and set the error status."""
        attributes = {"exception.type": error, "exception.message": message}
        if stack:
            attributes["exception.stacktrace"] = f"{stack.strip()}\n{error}: {message}"
        self.event("exception", attributes)
        self.status(f"{error}: {message}")

    def status(self, message: str) -> None:
        """Set the error status, without an exception event."""
        self.message.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        self.message.status.message = message


class Trace:
    """A trace in progress: a virtual clock, and the spans created so far."""

    def __init__(self, start: float, resource: Attributes, scope: str = "") -> None:
        """``start`` is in seconds since the epoch; ``scope`` names the instrumentation."""
        self.trace_id = secrets.token_bytes(16)
        self.now = int(start * SECOND)
        self.spans: list[trace_pb2.Span] = []
        self.resource = resource
        self.scope = scope
        self._open: list[bytes] = []

    @contextmanager
    def span(
        self, name: str, attributes: Attributes, kind: trace_pb2.Span.SpanKind.ValueType = INTERNAL
    ) -> Iterator[Span]:
        """Open a span for the block, as a child of the enclosing span; `wait` moves its end."""
        message = trace_pb2.Span(
            trace_id=self.trace_id,
            span_id=secrets.token_bytes(8),
            parent_span_id=self._open[-1] if self._open else b"",
            name=name,
            kind=kind,
            start_time_unix_nano=self.now,
            attributes=key_values(attributes),
        )
        self.spans.append(message)
        self._open.append(message.span_id)
        span = Span(message, self)
        yield span
        self._open.pop()
        if not span.running:
            message.end_time_unix_nano = self.now

    def wait(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += int(seconds * SECOND)

    @contextmanager
    def parallel(self) -> Iterator[Callable[[], None]]:
        """Give a function to call before each parallel branch: it resets the clock to the start."""
        start = latest = self.now

        def reset() -> None:
            nonlocal latest
            latest, self.now = max(latest, self.now), start

        yield reset
        self.now = max(latest, self.now)

    def open_unsent_parent(self) -> None:
        """Make a span that is never sent the parent of the next spans."""
        self._open.append(secrets.token_bytes(8))


def key_values(attributes: Attributes) -> list[KeyValue]:
    """Return attributes as OTLP key-value pairs."""
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: Value) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[_any(item) for item in value]))


def requests(traces: Iterable[Trace], size: int) -> Iterator[ExportTraceServiceRequest]:
    """Yield requests of ``size`` spans each, the last with the rest, in the order of the traces."""
    request, room = ExportTraceServiceRequest(), size
    for trace in traces:
        for first in _part_starts(len(trace.spans), room, size):
            part = trace.spans[first : first + room]
            group = request.resource_spans.add(
                resource=Resource(attributes=key_values(trace.resource))
            )
            scope = group.scope_spans.add(spans=part)
            scope.scope.name = trace.scope
            room -= len(part)
            if room == 0:
                yield request
                request, room = ExportTraceServiceRequest(), size
    if room < size:
        yield request


def _part_starts(count: int, room: int, size: int) -> Iterator[int]:
    """Yield the start of each part of ``count`` spans: the first has ``room``, others ``size``."""
    yield 0
    yield from range(room, count, size)

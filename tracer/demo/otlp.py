"""Spans made on a virtual clock, as the OTLP messages in which applications send them."""

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
    """A span under way; `Trace.span` ends it."""

    def __init__(self, message: trace_pb2.Span, trace: Trace) -> None:
        self.message = message
        self.running = False
        """Set it, and the span is sent without an end."""
        self._trace = trace

    @property
    def start(self) -> int:
        """Nanoseconds since the epoch."""
        return self.message.start_time_unix_nano

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""
        self.message.attributes.extend(key_values(attributes))

    def event(self, name: str, attributes: Attributes) -> None:
        """Add an event that happens now."""
        self.message.events.add(
            name=name, time_unix_nano=self._trace.now, attributes=key_values(attributes)
        )

    def fail(self, error: str, message: str, stack: str = "") -> None:
        """Record an exception of type ``error``, and the span as failed by it."""
        said = {"exception.type": error, "exception.message": message}
        if stack:
            said["exception.stacktrace"] = f"{stack.strip()}\n{error}: {message}"
        self.event("exception", said)
        self.status(f"{error}: {message}")

    def status(self, message: str) -> None:
        """Mark the span as failed, without an exception of its own."""
        self.message.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        self.message.status.message = message


class Trace:
    """One trace in the making: a clock that moves when told to, and the spans made so far."""

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
        """Give a span that lasts as long as the block moves the clock, below the one around it."""
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
        """Let time pass."""
        self.now += int(seconds * SECOND)

    @contextmanager
    def together(self) -> Iterator[Callable[[], None]]:
        """Give a function to call before each of several things that start at the same time."""
        start = latest = self.now

        def again() -> None:
            nonlocal latest
            latest, self.now = max(latest, self.now), start

        yield again
        self.now = max(latest, self.now)

    def below_unsent(self) -> None:
        """Begin below a span of another service, which never reports it."""
        self._open.append(secrets.token_bytes(8))


def key_values(attributes: Attributes) -> list[KeyValue]:
    """Return attributes as OTLP has them."""
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
    """Yield requests of ``size`` spans (the last one: fewer), in the order of the traces."""
    request, room = ExportTraceServiceRequest(), size
    for trace in traces:
        for first in _cuts(len(trace.spans), room, size):
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


def _cuts(count: int, room: int, size: int) -> Iterator[int]:
    """Yield where parts of ``count`` spans begin: the first has ``room``, the others ``size``."""
    yield 0
    yield from range(room, count, size)

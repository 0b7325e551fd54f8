"""Span: an OpenTelemetry span with the fields of an LLM span."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from contextlib import nullcontext, suppress
from contextvars import Token
from copy import copy
from types import MappingProxyType
from typing import Any, Final, Self, Unpack

from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.sdk import trace as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, StatusCode
from opentelemetry.util.types import Attributes

from tracer.sdk._config import Config, logger
from tracer.sdk._fields import FIELDS, OUTPUT, TRACE_FIELDS, Fields, TraceFields
from tracer.sdk._values import Time, describe, merged_json, nanoseconds

_CONTENT: Final = ("input", "output")
_SCOPE: Final = InstrumentationScope("tracer.sdk")
_NO_RESOURCE: Final = Resource({})
# Spans that record nothing share these, and no method writes to them.
_NO_ATTRIBUTES: Final[Any] = MappingProxyType({})
_NO_ITEMS: Final = ()


class Span(otel.Span):
    """One step of a trace; as a context manager it is the parent of spans that start inside.

    It is an OpenTelemetry span, and every processor of the provider receives it.
    """

    # OpenTelemetry's own methods, such as `set_status`, read these private fields, which its
    # constructor would set. The lock would be a `threading.Lock`, which a signal handler or a
    # garbage collection could wait for in the thread that holds it; each change is one step of a
    # dict or a list, and needs none.
    # UNSET for all eight limits: none applies, as `max_value_bytes` limits each value.
    _limits = SpanLimits(*[SpanLimits.UNSET] * 8)
    _lock: Any = nullcontext()
    _token: Token[Context] | None = None
    stays_open = False
    """Whether the span outlasts its ``with`` block, as a generator outlasts the call for it."""

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None = None,
        processor: SpanProcessor | None = None,
        config: Config | None = None,
        resource: Resource = _NO_RESOURCE,
        attributes: MutableMapping[str, Any] = _NO_ATTRIBUTES,
        start_time: int | None = None,
        process: int = 0,
    ) -> None:
        """Make a span; without a ``processor`` it records nothing."""
        # The constructor of `otel.Span` would make a lock and four bounded copies for each span.
        ReadableSpan.__init__(
            self,
            name,
            context,
            parent,
            resource,
            start_time=start_time,
            instrumentation_scope=_SCOPE,
        )
        # The private fields of `otel.Span` and `ReadableSpan` that their methods read and change;
        # `end` sets `_end_time`, as the inherited one would take the lock and copy the span.
        self._attributes: Any = attributes
        self._events: Any = _NO_ITEMS if processor is None else []
        self._links: Any = _NO_ITEMS if processor is None else []
        self._span_processor: Any = processor
        self._config = config
        self.process = process
        """Id of the process that started the span."""

    def update(self, **fields: Unpack[Fields]) -> Self:
        """Set fields of the span; values are copied, so later changes to them have no effect.

        Raises TypeError for an unknown field, and nothing else.
        """
        name, prompt = fields.pop("name", None), fields.get("prompt")
        if name is not None and self.is_recording():
            self.update_name(name)
        if isinstance(prompt, tuple):
            fields["prompt"], version = prompt
            self.set_attribute("tracer.prompt.version", version)
        return self._write(FIELDS, fields)

    def update_trace(self, **fields: Unpack[TraceFields]) -> Self:
        """Set fields of the whole trace, from any of its spans."""
        return self._write(TRACE_FIELDS, fields)

    def set_result(self, value: Any) -> None:
        """Set what the traced call returned as output, unless ``update`` has set an output."""
        if OUTPUT not in self._attributes:
            self.update(output=value)

    def _write(self, writers: Mapping[str, Any], fields: Mapping[str, Any]) -> Self:
        if unknown := fields.keys() - writers.keys():
            raise TypeError(f"{sorted(unknown)}: expected some of {sorted(writers)}")
        config = self._config
        if config is None or not self.is_recording():
            return self
        for field, value in fields.items():
            # None is a valid input and output.
            if config.capture_content if field in _CONTENT else value is not None:
                attribute, write = writers[field]
                try:
                    text = write(value, config.max_value_bytes)
                except Exception:
                    # The value is not of the field's type, or its own methods fail.
                    text = describe(value)
                old = self._attributes.get(attribute) if field == "metadata" else None
                self._attributes[attribute] = text if old is None else merged_json(old, text)
        return self

    def fail(self, error: BaseException | str) -> None:
        """Mark the span as failed; an exception is recorded with its stack."""
        message = str(error) if isinstance(error, str) else describe(error)
        if isinstance(error, BaseException) and self.is_recording():
            # The exception's own `__str__` may fail.
            with suppress(Exception):
                message = f"{type(error).__qualname__}: {error}"
                self.record_exception(error)
        self.set_status(StatusCode.ERROR, message)

    def link(self, to: trace.Span | SpanContext, attributes: Attributes = None) -> None:
        """Link to another span, of this or another trace."""
        self.add_link(to if isinstance(to, SpanContext) else to.get_span_context(), attributes)

    @property
    def trace_id(self) -> str:
        """Id of the trace, in hex digits as in Tracer's pages and APIs."""
        return trace.format_trace_id(self.context.trace_id)

    @property
    def span_id(self) -> str:
        """Id of the span, in hex digits."""
        return trace.format_span_id(self.context.span_id)

    def set_attribute(self, key: str, value: Any) -> None:
        if self.is_recording():
            self._attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self.is_recording():
            self._attributes.update(attributes)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: Any = None) -> None:
        if self.is_recording():
            super().add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if self.is_recording():
            super().add_link(context, attributes)

    def is_recording(self) -> bool:
        return self._span_processor is not None and self._end_time is None

    def end(self, end_time: Time | None = None) -> None:
        """End the span, now or at ``end_time``; further calls have no effect."""
        if not self.is_recording():
            return
        self._end_time = nanoseconds(end_time)
        # A fork has a copy of the span, but the process that started the span sends it.
        if self.process == os.getpid():
            try:
                self._span_processor.on_end(self)
            except Exception:
                # A failure in another processor must not reach the application.
                logger.exception("a span could not be handed to the span processors")

    def __enter__(self) -> Self:
        # A span that is not sampled is entered, too: the spans below follow its decision.
        if self.context.is_valid:
            self._token = attach(trace.set_span_in_context(self))
        return self

    def __exit__(self, kind: Any, error: BaseException | None, stack: Any) -> None:
        # Restore the context first: processors must not find an ended span current.
        if self._token is not None:
            restore(self._token)
            self._token = None
        if error is not None or not self.stays_open:
            self.finish(error)

    def finish(self, error: BaseException | None = None) -> None:
        """End the span, as failed where there is an ``error``."""
        if isinstance(error, Exception):
            self.fail(error)
        elif error is not None and not isinstance(error, GeneratorExit):
            # Cancelled or interrupted from outside: neither failed nor complete.
            self.update(level="warning", status_message=type(error).__qualname__)
        self.end()


OFF: Final = Span("", trace.INVALID_SPAN_CONTEXT)
"""Stands for every span while nothing is recorded; entering it has no effect."""


def snapshot(span: ReadableSpan, **changes: Any) -> ReadableSpan:
    """Return a copy of a span, with ``changes`` to its fields; another thread may be writing to it.

    ReadableSpan has no public way to copy a span or to replace a field, so its private fields
    are set, each under the name of its property with an underscore.
    """
    copied = copy(span)
    attributes = dict(span.attributes or {})
    vars(copied).update(_attributes=attributes, _events=span.events, _links=span.links)
    vars(copied).update({f"_{field}": value for field, value in changes.items()})
    return copied


def restore(token: Token[Context]) -> None:
    """Restore the context that was current before ``token``, where that is possible.

    A generator may be closed in another context than it ran in. That is no error, but
    OpenTelemetry's `detach` would log one.
    """
    with suppress(ValueError, RuntimeError):
        token.var.reset(token)

"""A span that is OpenTelemetry's, with the fields of an LLM span."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import nullcontext, suppress
from contextvars import Token
from copy import copy
from typing import Annotated, Any, Final, Self, TypedDict, Unpack, get_type_hints

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context, attach
from opentelemetry.sdk import trace as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, StatusCode
from opentelemetry.util.types import Attributes

from tracer.sdk import _names as names
from tracer.sdk._config import Config, logger
from tracer.sdk._values import Time, describe, merged_json, nanoseconds, to_json

Parent = trace.Span | SpanContext | str
"""A span, its context, or a traceparent header."""


# What makes a field's attribute: of what is said, and the longest text that is allowed.


def _same(value: Any, limit: int) -> Any:
    return value


def _text(value: Any, limit: int) -> Any:
    return str(value)


def _texts(value: Any, limit: int) -> Any:
    return [str(text) for text in value]


def _costs(value: Any, limit: int) -> Any:
    return to_json(value if isinstance(value, Mapping) else {"total": value}, limit)


def _moment(value: Any, limit: int) -> Any:
    return nanoseconds(value)


class Said(TypedDict, total=False):
    """What can be said of a span, as it starts or later; None says nothing."""

    input: Annotated[Any, names.INPUT, to_json]
    output: Annotated[Any, names.OUTPUT, to_json]
    metadata: Annotated[Mapping[str, Any] | None, names.METADATA, to_json]
    """Merged with what was said before."""
    level: Annotated[str | None, names.LEVEL, _text]
    """debug, default, warning, error."""
    status_message: Annotated[str | None, "tracer.status_message", _text]
    model: Annotated[str | None, names.MODEL, _text]
    model_parameters: Annotated[Mapping[str, Any] | None, "tracer.model_parameters", to_json]
    provider: Annotated[str | None, "gen_ai.provider.name", _text]
    usage: Annotated[Any, names.USAGE, to_json]
    """Tokens by type, or the provider's own object."""
    cost: Annotated[Mapping[str, float] | float | None, names.COST, _costs]
    """US dollars, by type or in all."""
    completion_start: Annotated[Time | None, names.FIRST_TOKEN, _moment]
    """When the first token came."""
    prompt: Annotated[str | tuple[str, int] | None, "tracer.prompt.name", _text]
    """Its name, or name and version."""


class Fields(Said, total=False):
    """What ``Span.update`` takes."""

    name: str | None
    kind: Annotated[str | None, names.KIND, _text]


class Options(Said, total=False):
    """What ``start`` and the helpers for each kind take."""

    parent: Parent | None
    """None: what is current."""
    start_time: Time | None
    trace_id: str | int | None
    """32 hex digits."""
    span_id: str | int | None
    """16 hex digits."""
    links: Sequence[trace.Span | SpanContext]


class TraceFields(TypedDict, total=False):
    """What ``Span.update_trace`` takes."""

    name: Annotated[str | None, "tracer.trace.name", _text]
    input: Annotated[Any, "tracer.trace.input", to_json]
    output: Annotated[Any, "tracer.trace.output", to_json]
    metadata: Annotated[Mapping[str, Any] | None, names.TRACE_METADATA, to_json]
    tags: Annotated[Sequence[str] | None, names.TAGS, _texts]
    user: Annotated[str | None, names.USER, _text]
    session: Annotated[str | None, names.SESSION, _text]
    public: Annotated[bool | None, "tracer.trace.public", _same]


def _written(fields: type) -> dict[str, tuple[str, Callable[[Any, int], Any]]]:
    """Return the attribute of each field, and what makes its value."""
    hints = get_type_hints(fields, include_extras=True)
    return {name: getattr(hint, "__metadata__", ("", _same)) for name, hint in hints.items()}


_FIELDS: Final = _written(Fields)
_TRACE_FIELDS: Final = _written(TraceFields)
_CONTENT: Final = ("input", "output")
_SCOPE: Final = InstrumentationScope("tracer.sdk")
# Of spans that record nothing: what is put there is gone.
_NO_ATTRIBUTES: Final = BoundedAttributes(0, immutable=False)
_NO_ITEMS: Final = BoundedList[Any](0)
_NO_RESOURCE: Final = Resource({})


class Span(otel.Span):
    """One step of a trace; as a context manager it is the parent of what starts inside.

    It is an OpenTelemetry span, and goes to every processor of the provider.
    """

    _limits = SpanLimits(*[SpanLimits.UNSET] * 8)
    # Nothing here takes more than one step of a dict or a list.
    _lock: Any = nullcontext()
    _token: Token[Context] | None = None

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None = None,
        processor: SpanProcessor | None = None,
        config: Config | None = None,
        resource: Resource = _NO_RESOURCE,
        attributes: MutableMapping[str, Any] = _NO_ATTRIBUTES,
    ) -> None:
        """Make a span; without a ``processor`` it records nothing."""
        # Not its own class's: OpenTelemetry takes a lock and four bounded copies for each span.
        ReadableSpan.__init__(self, name, context, parent, resource, instrumentation_scope=_SCOPE)
        self._attributes: Any = attributes
        self._events: Any = _NO_ITEMS if processor is None else []
        self._links: Any = _NO_ITEMS if processor is None else []
        self._span_processor: Any = processor
        self._config = config
        self._process = os.getpid()

    def update(self, **fields: Unpack[Fields]) -> Self:
        """Say more about the span; values are stored as they are now, later changes don't matter.

        Raises TypeError for what is no field, and nothing else.
        """
        name, prompt = fields.pop("name", None), fields.get("prompt")
        if name is not None and self.is_recording():
            self.update_name(name)
        if isinstance(prompt, tuple):
            fields["prompt"], version = prompt
            self.set_attribute("tracer.prompt.version", version)
        return self._say(_FIELDS, fields)

    def update_trace(self, **fields: Unpack[TraceFields]) -> Self:
        """Say something about the trace as a whole, from wherever in it."""
        return self._say(_TRACE_FIELDS, fields)

    def _say(self, known: Mapping[str, Any], said: Mapping[str, Any]) -> Self:
        if unknown := said.keys() - known.keys():
            raise TypeError(f"{sorted(unknown)}: expected some of {sorted(known)}")
        config = self._config
        if config is None or not self.is_recording():
            return self
        for field, value in said.items():
            # None is an input and an output as well.
            if config.capture_content if field in _CONTENT else value is not None:
                key, write = known[field]
                try:
                    text = write(value, config.max_value_bytes)
                except Exception:
                    # It is not of the field's type, or fails when it is asked for its text.
                    text = describe(value)
                old = self._attributes.get(key) if field == "metadata" else None
                self._attributes[key] = text if old is None else merged_json(old, text)
        return self

    def fail(self, error: BaseException | str) -> None:
        """Mark the span as failed; an exception is recorded with its stack."""
        said = str(error) if isinstance(error, str) else describe(error)
        if isinstance(error, BaseException) and self.is_recording():
            # It may fail when it is asked for its text.
            with suppress(Exception):
                said = f"{type(error).__qualname__}: {error}"
                self.record_exception(error)
        self.set_status(StatusCode.ERROR, said)

    def link(self, to: trace.Span | SpanContext, attributes: Attributes = None) -> None:
        """Point at another span, also of another trace."""
        self.add_link(to if isinstance(to, SpanContext) else to.get_span_context(), attributes)

    @property
    def trace_id(self) -> str:
        """The trace's id, as Tracer's pages and APIs know it."""
        return trace.format_trace_id(self.context.trace_id)

    @property
    def span_id(self) -> str:
        """The span's id, likewise."""
        return trace.format_span_id(self.context.span_id)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self.is_recording():
            self._attributes.update(attributes)

    def is_recording(self) -> bool:
        return self._span_processor is not None and self._end_time is None

    def end(self, end_time: Time | None = None) -> None:
        """End the span, now or at ``end_time``; only the first call counts."""
        if not self.is_recording():
            return
        self._end_time = nanoseconds(end_time)
        # The process that began it sends it; from here it would come once more.
        if self._process == os.getpid():
            try:
                self._span_processor.on_end(self)
            except Exception:
                # Another processor's failure must not become the application's.
                logger.exception("a span could not be handed on")

    def __enter__(self) -> Self:
        # One that is not sampled is entered, too: what is below follows it.
        if self.context.is_valid:
            self._token = attach(trace.set_span_in_context(self))
        return self

    def __exit__(self, kind: Any, error: BaseException | None, stack: Any) -> None:
        # Before the end, whose processors must not find an ended span current.
        if self._token is not None:
            leave(self._token)
            self._token = None
        self.finish(error)

    def finish(self, error: BaseException | None = None) -> None:
        """End the span, failed where there is an ``error``."""
        if isinstance(error, Exception):
            self.fail(error)
        elif error is not None and not isinstance(error, GeneratorExit):
            # Cancelled or interrupted from outside: it did not fail, nor did it finish.
            self.update(level="warning", status_message=type(error).__qualname__)
        self.end()


OFF: Final = Span("", trace.INVALID_SPAN_CONTEXT)
"""Stands for every span while nothing is recorded; entering it changes nothing."""


def frozen(span: ReadableSpan, **changed: Any) -> ReadableSpan:
    """Return what a span is by now, but for what is ``changed``; a thread may be writing to it."""
    frozen = copy(span)
    attributes = dict(span.attributes or {})
    vars(frozen).update(_attributes=attributes, _events=span.events, _links=span.links)
    vars(frozen).update({f"_{field}": value for field, value in changed.items()})
    return frozen


def leave(token: Token[Context]) -> None:
    """Restore what was current before ``token``, as far as that is possible here.

    OpenTelemetry logs an error where a generator is closed in another context than it ran in,
    which is nobody's fault.
    """
    with suppress(ValueError, RuntimeError):
        token.var.reset(token)

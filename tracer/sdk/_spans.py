"""A span that is OpenTelemetry's, light enough for every call, with the fields of an LLM span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import Token
from time import time_ns
from types import TracebackType
from typing import Any, Final, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context, attach, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation import set_span_in_context

from tracer.sdk import _names as names
from tracer.sdk._config import Config, logger
from tracer.sdk._values import Time, merge_json, message_of, nanoseconds, stack_of, to_json

_Self = TypeVar("_Self", bound="Span")
_UNSET: Final[Any] = object()
# Another object in every process: a forked child has the spans of its parent that are open.
_here: object = object()
_STATUS: Final = Status(StatusCode.UNSET)
_NO_RESOURCE: Final = Resource({})
_SCOPE: Final = InstrumentationScope("tracer.sdk")


class Span(ReadableSpan, trace.Span):
    """One step of a trace; as a context manager it is the parent of what starts inside.

    It is an OpenTelemetry span to everybody else, and goes to every processor of the provider.
    The SDK's own class takes twice as long to make: its locks, limits and copies are left out.
    The slots are ReadableSpan's public names.
    """

    __slots__ = (
        *("_config", "_home", "_notify", "_open", "_token"),
        *("attributes", "context", "end_time", "events", "instrumentation_scope", "kind", "links"),
        *("name", "parent", "resource", "start_time", "status"),
    )

    name: str
    context: SpanContext
    parent: SpanContext | None
    kind: SpanKind
    start_time: int | None
    end_time: int | None
    status: Status
    attributes: dict[str, Any]
    events: list[Event]
    links: list[Link]
    resource: Resource
    instrumentation_scope: InstrumentationScope | None

    # Nothing is dropped here, and only old exporters ask for the last.
    dropped_attributes = dropped_events = dropped_links = 0
    _instrumentation_info = None

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        config: Config | None,
        processor: SpanProcessor | None = None,
        resource: Resource = _NO_RESOURCE,
        start_time: int | None = None,
    ) -> None:
        """Make a span; without a ``processor`` it records nothing."""
        self.name = name
        self.context = context
        self.parent = parent
        self.kind = SpanKind.INTERNAL
        self.resource = resource
        self.instrumentation_scope = _SCOPE
        self.attributes = {}
        self.events = []
        self.links = []
        self.status = _STATUS
        # Set here and not at the call above: what comes in between is not the application's time.
        self.start_time = start_time or time_ns()
        self.end_time = None
        self._config = config
        self._home = _here
        self._notify = processor
        self._open = processor is not None
        self._token: Token[Context] | None = None

    def update(
        self: _Self,
        *,
        name: str | None = None,
        input: Any = _UNSET,
        output: Any = _UNSET,
        metadata: Mapping[str, Any] | None = None,
        level: str | None = None,
        status_message: str | None = None,
        model: str | None = None,
        model_parameters: Mapping[str, Any] | None = None,
        provider: str | None = None,
        usage: Any = None,
        cost: Mapping[str, float] | float | None = None,
        completion_start: Time | None = None,
        prompt: str | tuple[str, int] | None = None,
        kind: str | None = None,
    ) -> _Self:
        """Say more about the span; values are stored as they are now, later changes don't matter.

        ``usage``: tokens by type, or the provider's own object. ``cost``: US dollars, by type or
        in all. ``completion_start``: when the first token came. ``prompt``: its name, or name and
        version. Metadata is merged by key. Never raises.
        """
        if not self._open or self._config is None:
            return self
        attributes, limit = self.attributes, self._config.max_value_bytes
        if name is not None:
            self.name = name
        if self._config.capture_content:
            if input is not _UNSET:
                attributes[names.INPUT] = to_json(input, limit)
            if output is not _UNSET:
                attributes[names.OUTPUT] = to_json(output, limit)
        if metadata:
            merged = merge_json(attributes.get(names.METADATA), metadata, limit)
            attributes[names.METADATA] = merged
        named = (prompt, None) if prompt is None or isinstance(prompt, str) else prompt
        for key, text in (
            (names.KIND, kind),
            (names.MODEL, model),
            (names.PROVIDER, provider),
            (names.LEVEL, level),
            (names.STATUS_MESSAGE, status_message),
            (names.PROMPT, named[0]),
        ):
            if text is not None:
                attributes[key] = str(text)
        if cost is not None and not isinstance(cost, Mapping):
            cost = {"total": cost}
        for key, value in (
            (names.USAGE, usage),
            (names.COST, cost),
            (names.PARAMETERS, model_parameters),
        ):
            if value is not None:
                attributes[key] = to_json(value, limit)
        if named[1] is not None:
            attributes[names.PROMPT_VERSION] = named[1]
        if completion_start is not None:
            attributes[names.FIRST_TOKEN] = nanoseconds(completion_start)
        return self

    def update_trace(
        self: _Self,
        *,
        name: str | None = None,
        input: Any = _UNSET,
        output: Any = _UNSET,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        user: str | None = None,
        session: str | None = None,
        public: bool | None = None,
    ) -> _Self:
        """Say something about the trace as a whole, from wherever in it."""
        if not self._open or self._config is None:
            return self
        attributes, limit = self.attributes, self._config.max_value_bytes
        said = {names.TRACE_NAME: name, names.USER: user, names.SESSION: session}
        attributes.update({key: value for key, value in said.items() if value is not None})
        if self._config.capture_content:
            if input is not _UNSET:
                attributes[names.TRACE_INPUT] = to_json(input, limit)
            if output is not _UNSET:
                attributes[names.TRACE_OUTPUT] = to_json(output, limit)
        if metadata:
            merged = merge_json(attributes.get(names.TRACE_METADATA), metadata, limit)
            attributes[names.TRACE_METADATA] = merged
        if tags:
            attributes[names.TAGS] = list(tags)
        if public is not None:
            attributes[names.PUBLIC] = public
        return self

    def fail(self, error: BaseException | str) -> None:
        """Mark the span as failed; an exception is recorded with its stack."""
        if isinstance(error, BaseException):
            self.record_exception(error)
            self.set_status(StatusCode.ERROR, f"{type(error).__qualname__}: {message_of(error)}")
        else:
            self.set_status(StatusCode.ERROR, error)

    def link(
        self, to: trace.Span | SpanContext, attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Point at another span, also of another trace."""
        self.add_link(to if isinstance(to, SpanContext) else to.get_span_context(), attributes)

    @property
    def trace_id(self) -> str:
        """The trace's id, as Tracer's pages and APIs know it."""
        return f"{self.context.trace_id:032x}"

    @property
    def span_id(self) -> str:
        """The span's id, likewise."""
        return f"{self.context.span_id:016x}"

    def end(self, end_time: Time | None = None) -> None:
        """End the span, now or at ``end_time``; only the first call counts."""
        if not self._open:
            return
        self._open = False
        if self._home is not _here:
            # Its own process ends it and sends it; from here it would come a second time.
            return
        self.end_time = time_ns() if end_time is None else nanoseconds(end_time)
        try:
            if self._notify is not None:
                self._notify.on_end(self)
        except Exception:
            # Another processor's failure must not become the application's.
            logger.exception("a span could not be handed on")

    def __enter__(self: _Self) -> _Self:
        # One that is not sampled is entered, too: what is below follows it.
        if self.context.is_valid:
            self._token = attach(set_span_in_context(self, get_current()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        # Before the end, whose processors must not find an ended span current.
        if self._token is not None:
            leave(self._token)
            self._token = None
        self.finish(error)

    def finish(self, error: BaseException | None = None) -> None:
        """End the span, failed where there is an ``error``."""
        if error is not None:
            self._note(error)
        self.end()

    def _note(self, error: BaseException) -> None:
        if isinstance(error, Exception):
            self.fail(error)
        elif not isinstance(error, GeneratorExit):
            # Cancelled or interrupted from outside: it did not fail, nor did it finish.
            self.update(level="warning", status_message=type(error).__qualname__)

    # What follows is OpenTelemetry's interface.

    def get_span_context(self) -> SpanContext:
        return self.context

    def is_recording(self) -> bool:
        return self._open

    def set_attribute(self, key: str, value: Any) -> None:
        if self._open:
            self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self._open:
            self.attributes.update(attributes)

    def add_event(
        self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None:
        if self._open:
            self.events.append(Event(name, _scalars(attributes), timestamp))

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        if self._open and context.is_valid:
            self.links.append(Link(context, _scalars(attributes)))

    def update_name(self, name: str) -> None:
        if self._open:
            self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        if self._open:
            self.status = status if isinstance(status, Status) else Status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        if self._open:
            said = {
                "exception.type": f"{type(exception).__module__}.{type(exception).__qualname__}",
                "exception.message": message_of(exception),
                "exception.stacktrace": stack_of(exception),
            }
            said["exception.type"] = said["exception.type"].removeprefix("builtins.")
            self.add_event("exception", {**said, **(attributes or {})}, timestamp)

    def to_json(self, indent: int | None = 4) -> str:
        return str(frozen(self).to_json(indent))


OFF: Final = Span("", trace.INVALID_SPAN_CONTEXT, None, None)
"""Stands for every span while nothing is recorded; entering it changes nothing."""


def frozen(span: ReadableSpan, **changed: Any) -> ReadableSpan:
    """Return what a span is by now, but for what is ``changed``; a thread may be writing to it."""
    # Copies of a dict and of a list are made in one step, which no other thread interrupts.
    now: dict[str, Any] = {
        "name": span.name,
        "context": span.get_span_context(),
        "parent": span.parent,
        "resource": span.resource,
        "attributes": dict(span.attributes or {}),
        "events": list(span.events),
        "links": list(span.links),
        "kind": span.kind,
        "status": span.status,
        "start_time": span.start_time,
        "end_time": span.end_time,
        "instrumentation_scope": span.instrumentation_scope,
    }
    return ReadableSpan(**now | changed)


def renew() -> None:
    """Note that this is another process than the one that began what is open."""
    global _here
    _here = object()


def leave(token: Token[Context]) -> None:
    """Restore what was current before ``token``, as far as that is possible here.

    OpenTelemetry logs an error where a generator is closed in another context than it ran in,
    which is nobody's fault.
    """
    try:  # noqa: SIM105 - `suppress` takes as long as everything else at the end of a span.
        token.var.reset(token)
    except (ValueError, RuntimeError):
        pass


def _scalars(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return attributes of an event or link as OTLP can hold them."""
    plain = (str, bool, int, float)
    return {
        str(key): value if isinstance(value, plain) else to_json(value)
        for key, value in (attributes or {}).items()
    }

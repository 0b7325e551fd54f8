"""The client of the process: it starts spans, and joins the OpenTelemetry setup that exists."""

from __future__ import annotations

import atexit
import inspect
import os
from collections.abc import Callable
from copy import copy
from time import time_ns
from typing import Any, Final, ParamSpec

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace import Span as OtelSpan
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanContext, TraceFlags

from tracer.sdk import _fields as fields
from tracer.sdk._config import Config, logger, read_config
from tracer.sdk._context import UNRECORDED, session_attributes
from tracer.sdk._ids import SYSTEM_IDS, custom_id_generator
from tracer.sdk._sampling import HeadSampler
from tracer.sdk._sink import Sink
from tracer.sdk._spans import OFF, Span
from tracer.sdk._values import Time, nanoseconds

P = ParamSpec("P")

_MAX_FLUSH_SECONDS: Final = 1e6


class Client:
    """The settings, the provider of spans, and the sink that receives them."""

    def __init__(self, config: Config, provider: trace.TracerProvider, sink: Sink) -> None:
        self.config = config
        self.provider = provider
        self.sink = sink
        self.sampler = HeadSampler(config)
        tracer = provider.get_tracer("tracer.sdk")
        # Before `init`, and with OTEL_SDK_DISABLED, it is a no-op tracer, which makes no spans.
        self._tracer = tracer if isinstance(tracer, Tracer) else None
        self._resource = _resource(config)
        self._ids: IdGenerator | None = None
        if self._tracer is not None:
            self._resource = self._tracer.resource.merge(self._resource)
            self._ids = custom_id_generator(self._tracer.id_generator)

    def for_child(self) -> Client:
        """Return the client of a forked process."""
        if self is IDLE:
            return self
        # A copy, not a new client: the parent may have held a lock of the provider at the fork.
        child = copy(self)
        child.sink, child.sampler = self.sink.for_child(), HeadSampler(self.config)
        return child

    def start(
        self,
        name: str,
        kind: str,
        context: Context | None = None,
        start_time: Time | None = None,
        trace_id: int | None = None,
        span_id: int | None = None,
    ) -> Span:
        """Return a new span below the current one in ``context``, else of the trace ``trace_id``.

        If none can be made, the span is OFF.
        """
        if self._tracer is None:
            return OFF
        process = os.getpid()
        if process != state.process:
            client = state.client_of(process)
            return client.start(name, kind, context, start_time, trace_id, span_id)
        # Resolve the context once, so that later look-ups don't.
        context = get_current() if context is None else context
        if UNRECORDED in context:
            return OFF
        try:
            return self._started(name, kind, context, start_time, trace_id, span_id, process)
        except Exception:
            # Other samplers and processors may raise any exception.
            logger.exception("a span could not be started")
            return OFF

    def _started(
        self,
        name: str,
        kind: str,
        context: Context,
        start_time: Time | None,
        trace_id: int | None,
        span_id: int | None,
        process: int,
    ) -> Span:
        tracer: Any = self._tracer
        now = time_ns()
        parent = trace.get_current_span(context).get_span_context()
        trace_id = parent.trace_id or trace_id
        if self._ids is None:
            trace_id = trace_id or SYSTEM_IDS.trace_id(process, now)
            span_id = span_id or SYSTEM_IDS.number(process, now)
        else:
            trace_id = trace_id or self._ids.generate_trace_id()
            span_id = span_id or self._ids.generate_span_id()
        attributes: dict[str, Any] = {fields.KIND: kind}
        trace_state = parent.trace_state
        if tracer.sampler is state:
            decision = self.sampler.decide(parent, trace_id, name)
        else:
            result = tracer.sampler.should_sample(context, trace_id, name)
            decision, trace_state = result.decision, result.trace_state
            attributes.update(result.attributes or {})
        flags = TraceFlags(decision is Decision.RECORD_AND_SAMPLE)
        identity = SpanContext(trace_id, span_id, False, flags, trace_state)
        if decision is Decision.DROP:
            # It records nothing, but its children follow its decision.
            return Span(name, identity)
        span = Span(
            name,
            identity,
            parent if parent.is_valid else None,
            tracer.span_processor,
            self.config,
            self._resource,
            attributes,
            now if start_time is None else nanoseconds(start_time),
            process,
        )
        tracer.span_processor.on_start(span, parent_context=context)
        return span


def _resource(config: Config) -> Resource:
    attributes = {
        "service.name": config.service,
        "deployment.environment.name": config.environment,
        "tracer.release": config.release,
    }
    return Resource({name: value for name, value in attributes.items() if value})


IDLE: Final = Client(Config(enabled=False), trace.NoOpTracerProvider(), Sink())
"""The client while nothing is recorded."""


class State(SpanProcessor, Sampler):
    """Process-wide state.

    It is registered once with a TracerProvider, which offers no way to unregister it.
    """

    client = IDLE
    """The client in use. Another thread may replace it: code that needs it twice reads it once."""
    process = os.getpid()
    """The process that the client belongs to."""
    own: TracerProvider | None = None
    """The provider that the SDK created, if any."""

    def __init__(self) -> None:
        self._children: dict[int, Client] = {}

    def client_of(self, process: int) -> Client:
        """Return the client of ``process``, the present one.

        Called for each span, because servers such as uWSGI fork in C without calling Python's
        hooks: the parent's threads and connections can't be used in the child.
        """
        if process != self.process:
            # Several threads may get here at once: all use the first one's client.
            client = self._children.setdefault(process, self.client.for_child())
            if process != self.process:
                self._children = {process: client}
                self.client, self.process = client, process
        return self.client

    def on_start(self, span: OtelSpan, parent_context: Context | None = None) -> None:
        client = self.client_of(_process(span))
        if attributes := session_attributes(parent_context):
            span.set_attributes(attributes)
        # The W3C sampled flag, set by this sampler, another service, or a provider's sampler.
        if span.context.trace_flags & 1:
            client.sink.on_start(span)
        elif client.sampler.tail is not None:
            client.sampler.tail.started(span)

    def on_end(self, span: ReadableSpan) -> None:
        client = self.client_of(_process(span))
        if span.context.trace_flags & 1:
            client.sink.on_end(span)
        elif client.sampler.tail is not None:
            for kept in client.sampler.tail.ended(span):
                client.sink.on_end(kept)

    def shutdown(self) -> None:
        shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return flush(timeout_millis / 1_000)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: Any = None,  # noqa: ARG002 - the signature is given
        attributes: Any = None,
        links: Any = None,  # noqa: ARG002 - the signature is given
        trace_state: Any = None,  # noqa: ARG002 - the signature is given
    ) -> SamplingResult:
        client = self.client
        context = get_current() if parent_context is None else parent_context
        if client is IDLE or UNRECORDED in context:
            return SamplingResult(Decision.DROP)
        parent = trace.get_current_span(context).get_span_context()
        decision = client.sampler.decide(parent, trace_id, name)
        # OpenTelemetry's tracer takes the first attributes of a span from the result.
        return SamplingResult(decision, attributes, parent.trace_state)

    def get_description(self) -> str:
        return "tracer.sdk"


def _process(span: ReadableSpan) -> int:
    # A span of the SDK is ended only in the process that started it.
    return span.process if isinstance(span, Span) else os.getpid()


state: Final = State()
_joined: Final[list[TracerProvider]] = []


def _with_settings(_: Callable[P, Config]) -> Callable[[Callable[..., None]], Callable[P, None]]:
    """Give a function the signature of Config, so that the settings are declared once."""

    def decorate(function: Callable[..., None]) -> Callable[P, None]:
        function.__signature__ = inspect.signature(Config)  # type: ignore[attr-defined]
        return function

    return decorate


@_with_settings(Config)
def init(endpoint: str | None = None, key: str | None = None, **settings: Any) -> None:
    """Record and send traces from now on; missing settings come from TRACER_* or are defaults.

    The server need not run yet. An existing TracerProvider of OpenTelemetry is joined: it keeps its
    exporters and its sampling. A second call starts over with the new settings. Raises ValueError
    for an invalid argument. `docs/sdk.md` describes the settings.
    """
    config = read_config({"endpoint": endpoint, "key": key, **settings})
    shutdown()
    if config.enabled:
        # Imported here: programs that send nothing should not spend the time.
        from tracer.sdk._delivery.exporter import Exporter

        state.client = connected(config, Exporter(config))


def connected(config: Config, sink: Sink) -> Client:
    """Return a client whose sink receives the spans of the existing provider, or of a new one."""
    existing = trace.get_tracer_provider()
    provider = existing if isinstance(existing, TracerProvider) else state.own
    if provider is None:
        resource = Resource.create(_resource(config).attributes)
        # Without the provider's own hook at the exit, which would wait longer than `exit_seconds`.
        provider = state.own = TracerProvider(state, resource, False, id_generator=SYSTEM_IDS)
        trace.set_tracer_provider(provider)
    if provider.sampler is not state and (config.sample != 1.0 or config.tail is not None):
        logger.warning("the existing TracerProvider samples: `sample` and `tail` have no effect")
    if provider not in _joined:
        _joined.append(provider)
        provider.add_span_processor(state)
    return Client(config, provider, sink)


def flush(timeout: float = 30.0) -> bool:
    """Send everything that has ended, within ``timeout`` seconds; return whether all arrived."""
    sink = state.client_of(os.getpid()).sink
    return sink.force_flush(int(min(timeout, _MAX_FLUSH_SECONDS) * 1_000))


@atexit.register
def shutdown(timeout: float | None = None) -> bool:
    """Flush and stop recording; the end of the program does this by itself."""
    client, state.client = state.client_of(os.getpid()), IDLE
    seconds = client.config.exit_seconds if timeout is None else timeout
    sent = client.sink.force_flush(int(min(seconds, _MAX_FLUSH_SECONDS) * 1_000))
    client.sink.shutdown()
    return sent


def dropped() -> dict[str, int]:
    """Return the number of spans and scores that were lost, by reason."""
    return dict(state.client_of(os.getpid()).sink.dropped)

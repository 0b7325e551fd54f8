"""The one client of the process: it starts, it joins what OpenTelemetry already runs, it ends."""

from __future__ import annotations

import atexit
import inspect
import os
import random
from collections.abc import Callable
from typing import Any, Final, ParamSpec

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace import Span as OtelSpan
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanContext, TraceFlags

from tracer.sdk import _names as names
from tracer.sdk._config import Config, logger, read_config
from tracer.sdk._context import said_of
from tracer.sdk._sampling import HeadSampler
from tracer.sdk._sink import Sink
from tracer.sdk._spans import OFF, Span
from tracer.sdk._values import Time, nanoseconds

P = ParamSpec("P")


class RandomIds(IdGenerator):
    """Ids from a source of our own: programs seed Python's, and then repeat ids."""

    source = random.Random()

    # All zero stands for no id at all.

    def generate_span_id(self) -> int:
        return self.source.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self.source.getrandbits(128) or 1


class Client:
    """The settings, the provider that spans come from, and what becomes of them."""

    def __init__(self, config: Config, provider: trace.TracerProvider, sink: Sink) -> None:
        self.config = config
        self.provider = provider
        self.sink = sink
        self.sampler = HeadSampler(config)
        tracer = provider.get_tracer("tracer.sdk")
        # With OTEL_SDK_DISABLED, as before `init`, the provider makes nothing.
        self._tracer = tracer if isinstance(tracer, Tracer) else None
        self._resource = _resource(config)
        if self._tracer is not None:
            self._resource = self._tracer.resource.merge(self._resource)

    def start(
        self,
        name: str,
        kind: str,
        context: Context | None = None,
        start_time: Time | None = None,
        trace_id: int | None = None,
        span_id: int | None = None,
    ) -> Span:
        """Return a new span below what is current in ``context``, else of the trace ``trace_id``.

        One that can't be made is OFF.
        """
        # Asked for once, as whoever looks something up in it would ask again.
        context = get_current() if context is None else context
        try:
            span = self._made(name, kind, context, trace_id, span_id)
            if span.is_recording():
                span.start(nanoseconds(start_time), context)
            return span
        except Exception:
            # Whatever a sampler or processor of others raises is not the application's matter.
            logger.exception("a span could not be started")
            return OFF

    def _made(
        self, name: str, kind: str, context: Context, trace_id: int | None, span_id: int | None
    ) -> Span:
        tracer = self._tracer
        if tracer is None:
            return OFF
        ids, parent = tracer.id_generator, trace.get_current_span(context).get_span_context()
        trace_id = parent.trace_id or trace_id or ids.generate_trace_id()
        span_id = span_id or ids.generate_span_id()
        verdict = tracer.sampler.should_sample(context, trace_id, name)
        flags = TraceFlags(verdict.decision is Decision.RECORD_AND_SAMPLE)
        identity = SpanContext(trace_id, span_id, False, flags, verdict.trace_state)
        if verdict.decision is Decision.DROP:
            # It records nothing, but what starts below has to follow the decision.
            return Span(name, identity)
        above = parent if parent.is_valid else None
        said = {names.KIND: kind, **(verdict.attributes or {})}
        processor = tracer.span_processor
        return Span(name, identity, above, processor, self.config, self._resource, said)


def _resource(config: Config) -> Resource:
    said = {
        "service.name": config.service,
        "deployment.environment.name": config.environment,
        "tracer.release": config.release,
    }
    return Resource({name: value for name, value in said.items() if value})


IDLE: Final = Client(Config(enabled=False), trace.NoOpTracerProvider(), Sink())
"""The client while nothing is recorded."""


class State(SpanProcessor, Sampler):
    """What there is one of in a process; providers, which let nothing go, know it for good."""

    client = IDLE
    """The one in use. Another thread may end it: whoever asks twice reads it once."""
    own: TracerProvider | None = None
    """The provider that we made, if any."""

    def on_start(self, span: OtelSpan, parent_context: Context | None = None) -> None:
        client = self.client
        if said := said_of(parent_context):
            span.set_attributes(said)
        # W3C's flag, whoever set it: our sampler, another service, or the provider that was joined.
        if span.context.trace_flags & 1:
            client.sink.on_start(span)
        elif client.sampler.tail is not None:
            client.sampler.tail.started(span)

    def on_end(self, span: ReadableSpan) -> None:
        client = self.client
        if span.context.trace_flags & 1:
            client.sink.on_end(span)
        elif client.sampler.tail is not None:
            for kept in client.sampler.tail.ended(span):
                client.sink.on_end(kept)

    def shutdown(self) -> None:
        shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return flush(timeout_millis / 1_000)

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        client = self.client
        if client is IDLE:
            return SamplingResult(Decision.DROP)
        return client.sampler.decide(*args, **kwargs)

    def get_description(self) -> str:
        return "tracer.sdk"


state: Final = State()
_joined: Final[list[TracerProvider]] = []


def _with_settings(_: Callable[P, Config]) -> Callable[[Callable[..., None]], Callable[P, None]]:
    """Give a function the parameters of Config, so that they are written in one place."""

    def decorate(function: Callable[..., None]) -> Callable[P, None]:
        function.__signature__ = inspect.signature(Config)  # type: ignore[attr-defined]
        return function

    return decorate


@_with_settings(Config)
def init(endpoint: str | None = None, key: str | None = None, **settings: Any) -> None:
    """Record and send traces from now on; what is not given comes from TRACER_* or is a default.

    Needs no server to be there. A provider that OpenTelemetry already has is joined: it keeps its
    own exporters and its own sampling. Called again, it starts over with the new settings. Raises
    ValueError for an argument that can't be meant. `docs/sdk.md` says what each does.
    """
    config = read_config({"endpoint": endpoint, "key": key, **settings})
    shutdown()
    if config.enabled:
        # Only programs that send something pay for importing what sends it.
        from tracer.sdk._delivery.exporter import Exporter

        state.client = connected(config, Exporter(config))


def connected(config: Config, sink: Sink) -> Client:
    """Return a client of the provider there is; that one, or else one of our own, feeds it."""
    there = trace.get_tracer_provider()
    provider = there if isinstance(there, TracerProvider) else state.own
    if provider is None:
        # Our own hook at exit waits no longer than it was told to.
        provider = state.own = TracerProvider(
            state, Resource.create(_resource(config).attributes), False, id_generator=RandomIds()
        )
        trace.set_tracer_provider(provider)
    if provider.sampler is not state and (config.sample != 1.0 or config.tail is not None):
        logger.warning("the provider that is joined samples by itself: `sample`, `tail` are idle")
    if provider not in _joined:
        _joined.append(provider)
        provider.add_span_processor(state)
    return Client(config, provider, sink)


def flush(timeout: float = 30.0) -> bool:
    """Send everything that has ended, within ``timeout`` seconds; say whether all arrived."""
    return state.client.sink.force_flush(int(timeout * 1_000))


@atexit.register
def shutdown(timeout: float | None = None) -> bool:
    """Flush and stop recording; happens by itself at the end of the program."""
    client, state.client = state.client, IDLE
    seconds = client.config.exit_seconds if timeout is None else timeout
    sent = client.sink.force_flush(int(seconds * 1_000))
    client.sink.shutdown()
    return sent


def dropped() -> dict[str, int]:
    """Return how many spans and scores did not arrive, by reason."""
    return dict(state.client.sink.dropped)


def _after_fork() -> None:
    # No two processes may make the same ids.
    RandomIds.source.seed()
    state.client.sampler = HeadSampler(state.client.config)
    state.client.sink.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

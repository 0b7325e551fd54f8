"""The one client of the process: it starts, it joins what OpenTelemetry already runs, it ends."""

from __future__ import annotations

import atexit
import os
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from tracer.sdk import _names as names
from tracer.sdk._config import Config, Mask, Tail, logger, read_config
from tracer.sdk._processor import Processor, Relay
from tracer.sdk._spans import OFF, Span, renew
from tracer.sdk._values import Time, nanoseconds

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)


class RandomIds(IdGenerator):
    """Ids from a source of our own: programs seed Python's, and then repeat ids."""

    def __init__(self) -> None:
        self._random = random.Random()

    def renew(self) -> None:
        """Start afresh after a fork, so that no two processes make the same ids."""
        self._random.seed()

    def generate_span_id(self) -> int:
        # All zero stands for no id at all.
        return self._random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1

    def is_trace_id_random(self) -> bool:
        return True


class Client:
    """The settings, the provider that spans come from, and what becomes of them."""

    def __init__(self, config: Config, provider: TracerProvider, processor: Processor) -> None:
        self.config = config
        self.provider = provider
        self.processor = processor
        tracer = provider.get_tracer("tracer.sdk")
        # With OTEL_SDK_DISABLED the provider makes nothing.
        self._tracer = tracer if isinstance(tracer, Tracer) else None
        self._resource = provider.resource.merge(Resource(_said(config)))
        # Our own sampler is asked directly: finding the parent once more takes its time.
        own = isinstance(provider.sampler, Aimed)
        self._head = processor.sampler if own else None

    def start(
        self,
        name: str,
        kind: str,
        context: Context | None = None,
        start_time: int | None = None,
        trace_id: int | None = None,
        span_id: int | None = None,
    ) -> Span:
        """Return a new span below the one that is current in ``context``."""
        tracer = self._tracer
        if tracer is None:
            return OFF
        if context is None:
            context = get_current()
        parent: SpanContext | None = trace.get_current_span(context).get_span_context()
        if parent is None or not parent.is_valid or trace_id not in (None, parent.trace_id):
            parent = None
            trace_id = trace_id or tracer.id_generator.generate_trace_id()
            # A trace of its own: no processor may take what is current for its parent.
            if trace.get_current_span(context) is not trace.INVALID_SPAN:
                context = trace.set_span_in_context(trace.INVALID_SPAN, context)
        else:
            trace_id = parent.trace_id
        if self._head is not None:
            verdict = self._head.decide(parent, trace_id, name)
        else:
            ask = tracer.sampler.should_sample
            verdict = ask(context, trace_id, name, SpanKind.INTERNAL, None, ())
        sampled = verdict.decision is Decision.RECORD_AND_SAMPLE
        identity = SpanContext(
            trace_id,
            span_id or tracer.id_generator.generate_span_id(),
            False,
            _SAMPLED if sampled else _NOT_SAMPLED,
            verdict.trace_state,
        )
        # It records nothing, but what starts below has to follow the decision.
        if verdict.decision is Decision.DROP:
            return Span(name, identity, parent, self.config)
        processor = tracer.span_processor
        span = Span(name, identity, parent, self.config, processor, self._resource, start_time)
        if verdict.attributes:
            span.attributes.update(verdict.attributes)
        span.attributes[names.KIND] = kind
        processor.on_start(span, context)  # type: ignore[arg-type]
        return span


class _State:
    """What there is one of in a process."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.own: TracerProvider | None = None
        """The provider that we made, if any: once made it stays."""
        self.relays: dict[int, Relay] = {}
        """By the provider's ``id``."""
        self.hooked = False


state: Final = _State()


def init(
    endpoint: str | None = None,
    key: str | None = None,
    *,
    service: str | None = None,
    environment: str | None = None,
    release: str | None = None,
    project: str | None = None,
    headers: Mapping[str, str] | None = None,
    enabled: bool | None = None,
    capture_content: bool | None = None,
    running: bool | None = None,
    sample: float | Mapping[str, float] | None = None,
    tail: Tail | None = None,
    mask: Mask | Sequence[Mask] | None = None,
    spool: str | os.PathLike[str] | None = None,
    max_value_bytes: int | None = None,
    max_queue_spans: int | None = None,
    max_buffer_bytes: int | None = None,
    max_spool_bytes: int | None = None,
    flush_seconds: float | None = None,
    timeout_seconds: float | None = None,
    exit_seconds: float | None = None,
) -> None:
    """Record and send traces from now on; what is not given comes from TRACER_* or is a default.

    Needs no server to be there. A provider that OpenTelemetry already has is joined: it keeps its
    own exporters and its own sampling. Called again, it starts over with the new settings. Raises
    ValueError for an argument that can't be meant. `docs/sdk.md` says what each does.
    """
    given = {**locals(), "spool": os.fspath(spool) if spool is not None else None}
    config = read_config(given)
    if not config.enabled:
        install(None)
        return
    # Only programs that send something pay for importing what sends it.
    from tracer.sdk._export import Exporter

    start(config, Exporter(config))


def start(config: Config, processor: Processor) -> None:
    """Make ``processor`` the one that gets every span of the provider."""
    there = trace.get_tracer_provider()
    provider = there if isinstance(there, TracerProvider) else state.own
    if provider is None:
        provider = state.own = _own_provider(config, processor, there)
    elif isinstance(provider.sampler, Aimed):
        provider.sampler.target = processor.sampler
    elif config.sample != 1.0 or config.tail is not None:
        logger.warning(
            "the provider that is joined samples by itself: `sample`, `tail` are its own"
        )
    relay = state.relays.get(id(provider))
    if relay is None:
        relay = state.relays[id(provider)] = Relay()
        provider.add_span_processor(relay)
    install(Client(config, provider, processor))
    relay.target = processor


def install(client: Client | None) -> Client | None:
    """Put ``client`` in the place of the one there was, which is ended and returned."""
    before, state.client = state.client, client
    # Nobody hands spans to what is about to be closed; `start` aims the right one afterwards.
    for relay in state.relays.values():
        relay.target = None
    if before is not None:
        before.processor.close(before.config.exit_seconds)
    # Once, however often `init` is called: neither hook can be taken back.
    if not state.hooked:
        state.hooked = True
        atexit.register(shutdown)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)
    return before


class Aimed(Sampler):
    """Stands in our provider, whose sampler can't be exchanged, for the one in use."""

    def __init__(self, target: Sampler) -> None:
        self.target = target

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        return self.target.should_sample(*args, **kwargs)

    def get_description(self) -> str:
        return self.target.get_description()


def _said(config: Config) -> dict[str, str]:
    said = {
        "service.name": config.service,
        names.ENVIRONMENT: config.environment,
        names.RELEASE: config.release,
    }
    return {name: value for name, value in said.items() if value}


def _own_provider(config: Config, processor: Processor, there: object) -> TracerProvider:
    provider = TracerProvider(
        sampler=Aimed(processor.sampler),
        resource=Resource.create(dict(_said(config))),
        id_generator=RandomIds(),
        # Our own hook at exit waits no longer than it was told to.
        shutdown_on_exit=False,
    )
    if isinstance(there, trace.ProxyTracerProvider):
        trace.set_tracer_provider(provider)
    else:
        logger.warning("%s takes no further exporter: only our own spans are sent", type(there))
    return provider


def _after_fork() -> None:
    renew()
    if state.own is not None and isinstance(state.own.id_generator, RandomIds):
        state.own.id_generator.renew()
    if state.client is not None:
        state.client.processor.after_fork()


def flush(timeout: float = 30.0) -> bool:
    """Send everything that has ended, within ``timeout`` seconds; say whether all arrived."""
    client = state.client
    return client is None or client.processor.flush(timeout)


def shutdown(timeout: float | None = None) -> bool:
    """Flush and stop recording; happens by itself at the end of the program."""
    client = state.client
    if client is None:
        return True
    sent = client.processor.close(client.config.exit_seconds if timeout is None else timeout)
    install(None)
    return sent


def dropped() -> dict[str, int]:
    """Return how many spans and scores did not arrive, by reason."""
    client = state.client
    return dict(getattr(client.processor, "dropped", {})) if client is not None else {}


def parent_context(parent: trace.Span | SpanContext | str) -> Context:
    """Return a context in which ``parent`` (a span, or a traceparent header) is current.

    Raises ValueError for a text that is no traceparent.
    """
    if isinstance(parent, str):
        from tracer.sdk._context import context_of

        context = context_of({"traceparent": parent})
        if not trace.get_current_span(context).get_span_context().is_valid:
            raise ValueError(f"parent={parent!r}: expected 00-<trace id>-<span id>-01")
        return context
    if isinstance(parent, SpanContext):
        parent = trace.NonRecordingSpan(parent)
    return trace.set_span_in_context(parent)


def hex_id(text: str | int | None, digits: int) -> int | None:
    """Return an id given as hex digits. Raises ValueError for anything else."""
    if text is None or isinstance(text, int):
        return text
    if len(text) != digits or not int(text, 16):
        raise ValueError(f"{text!r}: expected {digits} hex digits that are not all zero")
    return int(text, 16)


def to_nanoseconds(time: Time | None) -> int | None:
    """Return a time that may be absent."""
    return None if time is None else nanoseconds(time)

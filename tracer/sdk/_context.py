"""Contexts: sessions, traces that cross services, and functions that run in a given context."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from contextvars import Token
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, create_key, get_current, set_value
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracer.sdk import _fields as fields
from tracer.sdk._calls import F, Scope, call_in, run_in_context
from tracer.sdk._spans import restore
from tracer.sdk._values import merged_json, to_json

P = ParamSpec("P")
R = TypeVar("R")
Headers = Mapping[str, str] | Iterable[tuple[Any, Any]]

UNRECORDED: Final = create_key("tracer-unrecorded")
"""In a context with this key no span is recorded."""
_ATTRIBUTES: Final = create_key("tracer-attributes")
_PROPAGATOR: Final = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
_PROPAGATED: Final = (fields.SESSION, fields.USER, fields.TAGS, fields.TRACE_METADATA)
# Servers and proxies refuse long headers.
_MAX_BAGGAGE_CHARACTERS: Final = 2_000
_MAX_METADATA_BYTES: Final = 100_000


class Block:
    """A context for a ``with`` block, or as a decorator for each call of a function.

    A decorated generator, coroutine or streaming response keeps the context until it has ended.
    """

    def __init__(self, context: Callable[[], Context]) -> None:
        self._context = context
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> None:
        self._tokens.append(attach(self._context()))

    def __exit__(self, kind: Any, error: BaseException | None, stack: Any) -> None:
        restore(self._tokens.pop())

    def __call__(self, function: F) -> F:
        return run_in_context(function, self._context)


def in_context(function: F) -> F:
    """Return ``function`` so that it runs, in whatever thread, below what is current now."""
    context = get_current()
    return run_in_context(function, lambda: context)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Record no span that starts inside the block, in this thread or task."""
    token = attach(set_value(UNRECORDED, True))
    try:
        yield
    finally:
        restore(token)


def session(
    id: str | None = None,
    *,
    user: str | None = None,
    tags: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    propagate: bool = True,
) -> Block:
    """Give a session, user, tags and metadata to all spans inside a block or decorated function.

    Inside another ``session`` it adds to that one. With ``propagate``, calls to other services
    carry the values in W3C baggage, which every called service can read.
    """
    values = {fields.SESSION: id, fields.USER: user}
    new = {name: str(value) for name, value in values.items() if value is not None}
    json_text = to_json(metadata, _MAX_METADATA_BYTES) if metadata else None

    def context() -> Context:
        current = get_current()
        attributes = {**session_attributes(current), **new}
        if tags:
            attributes[fields.TAGS] = list(
                dict.fromkeys([*attributes.get(fields.TAGS, ()), *map(str, tags)])
            )
        if json_text is not None:
            old = attributes.get(fields.TRACE_METADATA, "{}")
            attributes[fields.TRACE_METADATA] = merged_json(old, json_text)
        inner = set_value(_ATTRIBUTES, attributes, current)
        return _with_baggage(attributes, inner) if propagate else inner

    return Block(context)


def _with_baggage(attributes: Mapping[str, Any], context: Context) -> Context:
    for name in _PROPAGATED:
        value = attributes.get(name, "")
        text = value if isinstance(value, str) else json.dumps(value)
        if 0 < len(text) <= _MAX_BAGGAGE_CHARACTERS:
            context = baggage.set_baggage(name, text, context)
    return context


def session_attributes(context: Context | None) -> Mapping[str, Any]:
    """Return the attributes that ``session``, here or in a calling service, gives to spans."""
    context = get_current() if context is None else context
    attributes: Any = context.get(_ATTRIBUTES)
    if attributes is not None:
        return attributes if isinstance(attributes, dict) else {}
    received = baggage.get_all(context)
    return _from_baggage(received) if received else {}


def _from_baggage(received: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: received[name] for name in _PROPAGATED if received.get(name)}
    tags = attributes.pop(fields.TAGS, None)
    # Baggage comes from other services and may hold anything.
    with suppress(TypeError, ValueError):
        attributes[fields.TAGS] = [str(tag) for tag in json.loads(tags)]
    return attributes


def headers(carrier: dict[str, str] | None = None) -> dict[str, str]:
    """Return ``carrier`` with the headers that make another service's spans part of this trace."""
    carrier = {} if carrier is None else carrier
    _PROPAGATOR.inject(carrier)
    return carrier


def continue_trace(headers: Headers) -> Block:
    """Make the spans inside a block or decorated function part of the trace of a request.

    Takes any mapping of headers, ASGI's pairs of bytes, or a WSGI environment.
    """
    context = context_of(headers)
    return Block(lambda: context)


def context_of(headers: Headers) -> Context:
    """Return the context that a request's headers carry; an empty one for headers without."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    carrier = {_header(key): _text(value) for key, value in pairs}
    # From an empty context: the request decides about the trace, not the current span.
    return _PROPAGATOR.extract(carrier, Context())


def _header(name: Any) -> str:
    return _text(name).lower().removeprefix("http_").replace("_", "-")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def executor(pool: Executor) -> Executor:
    """Return an executor on ``pool`` whose tasks run below the span that submitted them."""
    return _ContextExecutor(pool)


class _ContextExecutor(Executor):
    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        # Looked up, not imported: the import would load modules that most programs never need.
        processes = sys.modules.get("concurrent.futures.process")
        task: Callable[..., R] = partial(call_in, Scope(get_current()), fn)
        if processes is not None and isinstance(self._pool, processes.ProcessPoolExecutor):
            # A context can't be pickled, but its headers can.
            task = partial(_call_below, headers(), fn)
        return self._pool.submit(task, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _call_below(
    carrier: dict[str, str], function: Callable[..., R], /, *args: Any, **kwargs: Any
) -> R:
    with continue_trace(carrier):
        return function(*args, **kwargs)

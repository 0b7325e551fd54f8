"""What is true of all spans below, in this process and in those that it calls."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, create_key, get_current, get_value, set_value
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracer.sdk import _names as names
from tracer.sdk._spans import leave
from tracer.sdk._values import merged_json, to_json

P = ParamSpec("P")
R = TypeVar("R")
Headers = Mapping[str, str] | Iterable[tuple[Any, Any]]

_SAID: Final = create_key("tracer-said")
_PROPAGATOR: Final = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
_CARRIED: Final = (names.SESSION, names.USER, names.TAGS, names.TRACE_METADATA)
# Servers and proxies refuse long headers.
_MAX_BAGGAGE: Final = 2_000
_METADATA_BYTES: Final = 100_000


@contextmanager
def session(
    id: str | None = None,
    *,
    user: str | None = None,
    tags: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    propagate: bool = True,
) -> Iterator[None]:
    """Give session, user, tags and metadata to every trace that has spans inside the block.

    Inside another ``session`` it adds to it. With ``propagate`` calls to other services carry it
    in their W3C baggage, which every service called can read.
    """
    context = get_current()
    said = dict(said_of(context))
    given = {names.SESSION: id, names.USER: user}
    said.update({name: str(value) for name, value in given.items() if value is not None})
    if tags:
        said[names.TAGS] = list(dict.fromkeys([*said.get(names.TAGS, ()), *map(str, tags)]))
    if metadata:
        text = to_json(metadata, _METADATA_BYTES)
        said[names.TRACE_METADATA] = merged_json(said.get(names.TRACE_METADATA, "{}"), text)
    context = set_value(_SAID, said, context)
    with _inside(_with_baggage(said, context) if propagate else context):
        yield


@contextmanager
def _inside(context: Context) -> Iterator[None]:
    token = attach(context)
    try:
        yield
    finally:
        leave(token)


def _with_baggage(said: Mapping[str, Any], context: Context) -> Context:
    for name in _CARRIED:
        value = said.get(name, "")
        text = value if isinstance(value, str) else json.dumps(value)
        if 0 < len(text) <= _MAX_BAGGAGE:
            context = baggage.set_baggage(name, text, context)
    return context


def said_of(context: Context | None) -> Mapping[str, Any]:
    """Return the attributes that ``session``, here or elsewhere, gives to spans in ``context``."""
    said: Any = get_value(_SAID, context)
    if said is not None:
        return said if isinstance(said, dict) else {}
    carried = baggage.get_all(context)
    return _received(carried) if carried else {}


def _received(carried: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: carried[name] for name in _CARRIED if carried.get(name)}
    tags = said.pop(names.TAGS, None)
    # Whoever calls may send anything.
    with suppress(TypeError, ValueError):
        said[names.TAGS] = [str(tag) for tag in json.loads(tags)]
    return said


def headers(carrier: dict[str, str] | None = None) -> dict[str, str]:
    """Return ``carrier`` with the headers that make another service's spans part of this trace."""
    carrier = {} if carrier is None else carrier
    _PROPAGATOR.inject(carrier)
    return carrier


def continue_trace(headers: Headers) -> AbstractContextManager[None]:
    """Make what starts inside the block part of the trace that a request's headers name.

    Takes any mapping of headers, ASGI's pairs of bytes, or a WSGI environment.
    """
    return _inside(context_of(headers))


def context_of(headers: Headers) -> Context:
    """Return the context that a request's headers carry; an empty one for headers without."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    carrier = {_header(key): _text(value) for key, value in pairs}
    # What is current here has no part in it: the request decides whose trace this is.
    return _PROPAGATOR.extract(carrier, Context())


def _header(name: Any) -> str:
    return _text(name).lower().removeprefix("http_").replace("_", "-")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def in_context(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` so that it runs, in whatever thread, below what is current now."""
    return _inside(get_current())(function)


def executor(pool: Executor) -> Executor:
    """Return an executor on ``pool`` whose tasks run below the span that submitted them."""
    return _Carrying(pool)


class _Carrying(Executor):
    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        # Asked without importing it, which would start what most programs never need.
        processes = sys.modules.get("concurrent.futures.process")
        apart = processes is not None and isinstance(self._pool, processes.ProcessPoolExecutor)
        if apart:
            # A context can't be pickled; its headers can.
            return self._pool.submit(partial(_elsewhere, headers(), fn), *args, **kwargs)
        return self._pool.submit(in_context(fn), *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _elsewhere(carried: dict[str, str], function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    with continue_trace(carried):
        return function(*args, **kwargs)

"""Spans of every kind: as context managers, started and ended by hand, or without duration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanContext

from tracer.sdk._client import hex_id, parent_context, state, to_nanoseconds
from tracer.sdk._config import logger
from tracer.sdk._spans import OFF, Span
from tracer.sdk._values import Time

Parent = trace.Span | SpanContext | str
"""A span, its context, or a traceparent header."""


def start(
    name: str,
    kind: str = "span",
    *,
    parent: Parent | None = None,
    start_time: Time | None = None,
    trace_id: str | int | None = None,
    span_id: str | int | None = None,
    links: Sequence[trace.Span | SpanContext] = (),
    **fields: Any,
) -> Span:
    """Start a span by hand: it ends with its ``end()``, and is current only inside ``with``.

    Its parent is what is current, unless given. Ids are hex digits, 32 for a trace, 16 for a span.
    ``fields`` are those of ``Span.update``. Raises ValueError for an id or parent that is none.
    """
    client = state.client
    if client is None:
        return OFF
    context = None if parent is None else parent_context(parent)
    ids = hex_id(trace_id, 32), hex_id(span_id, 16)
    try:
        span = client.start(name, kind, context, to_nanoseconds(start_time), *ids)
    except Exception:
        # Whatever a sampler or processor of others raises is not the application's matter.
        logger.exception("a span could not be started")
        return OFF
    for to in links:
        span.link(to)
    if fields:
        span.update(**fields)
    return span


def span(name: str, **options: Any) -> Span:
    """Start a step of any sort; options are those of ``start``."""
    return start(name, "span", **options)


def generation(name: str, **options: Any) -> Span:
    """Start a call of a model; say its ``model``, ``input``, then ``output`` and ``usage``."""
    return start(name, "generation", **options)


def agent(name: str, **options: Any) -> Span:
    """Start what decides by itself which steps to take."""
    return start(name, "agent", **options)


def chain(name: str, **options: Any) -> Span:
    """Start a fixed sequence of steps."""
    return start(name, "chain", **options)


def tool(name: str, **options: Any) -> Span:
    """Start the call of a tool that a model asked for."""
    return start(name, "tool", **options)


def function(name: str, **options: Any) -> Span:
    """Start a function of the application's own."""
    return start(name, "function", **options)


def retriever(name: str, **options: Any) -> Span:
    """Start a search for documents."""
    return start(name, "retriever", **options)


def embedding(name: str, **options: Any) -> Span:
    """Start a call that turns texts into vectors."""
    return start(name, "embedding", **options)


def reranker(name: str, **options: Any) -> Span:
    """Start a call that orders documents by relevance."""
    return start(name, "reranker", **options)


def evaluator(name: str, **options: Any) -> Span:
    """Start a judgement of an answer."""
    return start(name, "evaluator", **options)


def guardrail(name: str, **options: Any) -> Span:
    """Start a check of what goes in or out."""
    return start(name, "guardrail", **options)


def database(name: str, **options: Any) -> Span:
    """Start a query of a database."""
    return start(name, "database", **options)


def http(name: str, **options: Any) -> Span:
    """Start a request over the network."""
    return start(name, "http", **options)


def event(name: str, **options: Any) -> Span:
    """Record something that happened just now, as a step without duration."""
    span = start(name, "event", **options)
    span.end(span.start_time)
    return span


def current_span() -> Span:
    """Return the span that is current; one that does nothing where there is none of ours."""
    found = trace.get_current_span()
    return found if isinstance(found, Span) else OFF


def update(**fields: Any) -> None:
    """Say more about the current span; the fields are those of ``Span.update``."""
    current_span().update(**fields)


def update_trace(**fields: Any) -> None:
    """Say something about the current trace; the fields are those of ``Span.update_trace``."""
    current_span().update_trace(**fields)


def current_trace_id() -> str | None:
    """Return the id of the trace that is current, whoever started it; None: there is none."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def current_trace_url() -> str | None:
    """Return the address of the current trace's page; None: there is none."""
    client, trace_id = state.client, current_trace_id()
    if client is None or trace_id is None:
        return None
    return client.config.url(f"/project/{client.config.project}/traces/{trace_id}")

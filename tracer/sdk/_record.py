"""Functions with which an application records spans of every kind, and scores."""

from __future__ import annotations

import datetime
import json
import os
import uuid
from collections.abc import Mapping
from typing import Any, Unpack

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import SpanContext

from tracer.sdk._client import IDLE, state
from tracer.sdk._config import logger
from tracer.sdk._context import context_of
from tracer.sdk._fields import Fields, Options, Parent, TraceFields
from tracer.sdk._spans import OFF, Span
from tracer.sdk._values import to_json


def start(name: str, kind: str = "span", **options: Unpack[Options]) -> Span:
    """Start a span by hand: ``end()`` ends it, and it is current only inside ``with``.

    Its parent is the current span, unless ``parent`` is given. Ids are hex digits, 32 for a trace,
    16 for a span. The other options are fields of ``Span.update``. Raises ValueError for an invalid
    id or parent, TypeError for an unknown option.
    """
    trace_id = _id(options.pop("trace_id", None), 32)
    span_id = _id(options.pop("span_id", None), 16)
    context = _parent_context(options.pop("parent", None), trace_id)
    start_time, links = options.pop("start_time", None), options.pop("links", ())
    fields: Any = options
    span = state.client.start(name, kind, context, start_time, trace_id, span_id)
    for target in links:
        span.link(target)
    return span.update(**fields) if fields else span


def _parent_context(parent: Parent | None, trace_id: int | None) -> Context:
    """Return a context whose current span is ``parent``, if that belongs to the trace."""
    if isinstance(parent, str):
        context = context_of({"traceparent": parent})
        if not trace.get_current_span(context).get_span_context().is_valid:
            raise ValueError(f"parent={parent!r}: expected 00-<trace id>-<span id>-01")
    elif parent is not None:
        span = trace.NonRecordingSpan(parent) if isinstance(parent, SpanContext) else parent
        context = trace.set_span_in_context(span)
    else:
        context = get_current()
    if trace_id in (None, trace.get_current_span(context).get_span_context().trace_id):
        return context
    # The span starts another trace: no processor may take the current span for its parent.
    return trace.set_span_in_context(trace.INVALID_SPAN, context)


def _id(text: str | int | None, digits: int) -> int | None:
    if text is None or isinstance(text, int):
        return text
    if len(text) != digits or not int(text, 16):
        raise ValueError(f"{text!r}: expected {digits} hex digits that are not all zero")
    return int(text, 16)


def span(name: str, **options: Unpack[Options]) -> Span:
    """Start a step of no special kind; options are those of ``start``."""
    return start(name, "span", **options)


def generation(name: str, **options: Unpack[Options]) -> Span:
    """Start a call of a model; set its ``model`` and ``input``, then ``output`` and ``usage``."""
    return start(name, "generation", **options)


def agent(name: str, **options: Unpack[Options]) -> Span:
    """Start an agent, which decides itself which steps to take."""
    return start(name, "agent", **options)


def chain(name: str, **options: Unpack[Options]) -> Span:
    """Start a fixed sequence of steps."""
    return start(name, "chain", **options)


def tool(name: str, **options: Unpack[Options]) -> Span:
    """Start the call of a tool that a model asked for."""
    return start(name, "tool", **options)


def function(name: str, **options: Unpack[Options]) -> Span:
    """Start a function of the application."""
    return start(name, "function", **options)


def retriever(name: str, **options: Unpack[Options]) -> Span:
    """Start a search for documents."""
    return start(name, "retriever", **options)


def embedding(name: str, **options: Unpack[Options]) -> Span:
    """Start a call that turns texts into vectors."""
    return start(name, "embedding", **options)


def reranker(name: str, **options: Unpack[Options]) -> Span:
    """Start a call that orders documents by relevance."""
    return start(name, "reranker", **options)


def evaluator(name: str, **options: Unpack[Options]) -> Span:
    """Start a judgement of an answer."""
    return start(name, "evaluator", **options)


def guardrail(name: str, **options: Unpack[Options]) -> Span:
    """Start a check of an input or output."""
    return start(name, "guardrail", **options)


def database(name: str, **options: Unpack[Options]) -> Span:
    """Start a query of a database."""
    return start(name, "database", **options)


def http(name: str, **options: Unpack[Options]) -> Span:
    """Start a request over the network."""
    return start(name, "http", **options)


def event(name: str, **options: Unpack[Options]) -> Span:
    """Record an event of this moment, as a step without duration."""
    span = start(name, "event", **options)
    span.end(span.start_time)
    return span


def current_span() -> Span:
    """Return the current span, if the SDK made it; else a span that records nothing."""
    current = trace.get_current_span()
    return current if isinstance(current, Span) else OFF


def update(**fields: Unpack[Fields]) -> None:
    """Set fields of the current span, those of ``Span.update``."""
    current_span().update(**fields)


def update_trace(**fields: Unpack[TraceFields]) -> None:
    """Set fields of the current trace, those of ``Span.update_trace``."""
    current_span().update_trace(**fields)


def current_trace_id() -> str | None:
    """Return the id of the current trace, of any library; None: there is none."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def current_trace_url() -> str | None:
    """Return the URL of the current trace's page; None: there is no trace."""
    client, trace_id = state.client, current_trace_id()
    if client is IDLE or trace_id is None:
        return None
    return client.config.url(f"/project/{client.config.project}/traces/{trace_id}")


def score(
    name: str,
    value: float | bool | str,
    *,
    comment: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    session: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    id: str | None = None,
) -> str | None:
    """Score the current trace, or the given trace, span or session; return the score's id.

    ``span_id`` narrows the score to a span; ``session`` scores a session instead. The same ``id``
    again replaces the score. None: nothing is recorded, or there is no current trace.
    """
    client = state.client_of(os.getpid())
    if client is IDLE:
        return None
    current = trace.get_current_span().get_span_context()
    if trace_id is None and session is None:
        if not current.is_valid:
            logger.warning("score %r: there is no current trace, and no trace_id is given", name)
        # A trace that is not sampled has no page that could show the score.
        if not current.is_valid or not (current.trace_flags & 1 or client.config.tail):
            return None
        trace_id = trace.format_trace_id(current.trace_id)
    # Created here, not by the server, so that a score that is sent twice is stored once.
    id = id or uuid.uuid4().hex
    fields = {
        "id": id,
        "name": name,
        "value": value,
        "comment": comment,
        "trace_id": trace_id,
        "span_id": span_id,
        "session_id": session,
        "metadata": json.loads(to_json(dict(metadata))) if metadata else None,
        "time": datetime.datetime.now(datetime.UTC).isoformat(),
    }
    client.sink.put_score({key: value for key, value in fields.items() if value is not None})
    return id

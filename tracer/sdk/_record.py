"""What an application records itself: spans of every kind, what is to be said of them, scores."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any, Unpack

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import SpanContext

from tracer.sdk._client import IDLE, state
from tracer.sdk._config import logger
from tracer.sdk._context import context_of
from tracer.sdk._spans import OFF, Fields, Options, Parent, Span, TraceFields
from tracer.sdk._values import to_json


def start(name: str, kind: str = "span", **options: Unpack[Options]) -> Span:
    """Start a span by hand: it ends with its ``end()``, and is current only inside ``with``.

    Its parent is what is current, unless given. Ids are hex digits, 32 for a trace, 16 for a span.
    The other options are fields of ``Span.update``. Raises ValueError for an id or parent that is
    none, TypeError for what is no option.
    """
    ids = _id(options.pop("trace_id", None), 32), _id(options.pop("span_id", None), 16)
    context = _below(options.pop("parent", None), ids[0])
    start_time, links = options.pop("start_time", None), options.pop("links", ())
    fields: Any = options
    span = state.client.start(name, kind, context, start_time, *ids)
    for to in links:
        span.link(to)
    return span.update(**fields) if fields else span


def _below(parent: Parent | None, trace_id: int | None) -> Context:
    """Return a context in which ``parent`` is current, if it is of that trace."""
    if isinstance(parent, str):
        context = context_of({"traceparent": parent})
        if not trace.get_current_span(context).get_span_context().is_valid:
            raise ValueError(f"parent={parent!r}: expected 00-<trace id>-<span id>-01")
    elif parent is not None:
        above = trace.NonRecordingSpan(parent) if isinstance(parent, SpanContext) else parent
        context = trace.set_span_in_context(above)
    else:
        context = get_current()
    if trace_id in (None, trace.get_current_span(context).get_span_context().trace_id):
        return context
    # A trace of its own: no processor may take what is current for its parent.
    return trace.set_span_in_context(trace.INVALID_SPAN, context)


def _id(text: str | int | None, digits: int) -> int | None:
    if text is None or isinstance(text, int):
        return text
    if len(text) != digits or not int(text, 16):
        raise ValueError(f"{text!r}: expected {digits} hex digits that are not all zero")
    return int(text, 16)


def span(name: str, **options: Unpack[Options]) -> Span:
    """Start a step of any sort; options are those of ``start``."""
    return start(name, "span", **options)


def generation(name: str, **options: Unpack[Options]) -> Span:
    """Start a call of a model; say its ``model``, ``input``, then ``output`` and ``usage``."""
    return start(name, "generation", **options)


def agent(name: str, **options: Unpack[Options]) -> Span:
    """Start what decides by itself which steps to take."""
    return start(name, "agent", **options)


def chain(name: str, **options: Unpack[Options]) -> Span:
    """Start a fixed sequence of steps."""
    return start(name, "chain", **options)


def tool(name: str, **options: Unpack[Options]) -> Span:
    """Start the call of a tool that a model asked for."""
    return start(name, "tool", **options)


def function(name: str, **options: Unpack[Options]) -> Span:
    """Start a function of the application's own."""
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
    """Start a check of what goes in or out."""
    return start(name, "guardrail", **options)


def database(name: str, **options: Unpack[Options]) -> Span:
    """Start a query of a database."""
    return start(name, "database", **options)


def http(name: str, **options: Unpack[Options]) -> Span:
    """Start a request over the network."""
    return start(name, "http", **options)


def event(name: str, **options: Unpack[Options]) -> Span:
    """Record something that happened just now, as a step without duration."""
    span = start(name, "event", **options)
    span.end(span.start_time)
    return span


def current_span() -> Span:
    """Return the span that is current; one that does nothing where there is none of ours."""
    found = trace.get_current_span()
    return found if isinstance(found, Span) else OFF


def update(**fields: Unpack[Fields]) -> None:
    """Say more about the current span; the fields are those of ``Span.update``."""
    current_span().update(**fields)


def update_trace(**fields: Unpack[TraceFields]) -> None:
    """Say something about the current trace; the fields are those of ``Span.update_trace``."""
    current_span().update_trace(**fields)


def current_trace_id() -> str | None:
    """Return the id of the trace that is current, whoever started it; None: there is none."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def current_trace_url() -> str | None:
    """Return the address of the current trace's page; None: there is none."""
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
    """Score the current trace, or what is named, from whatever process; return the score's id.

    ``span_id`` narrows it to a span; ``session`` scores a session instead. The same ``id`` again
    replaces the score. None: nothing is recorded, or nothing is current.
    """
    client = state.client
    if client is IDLE:
        return None
    current = trace.get_current_span().get_span_context()
    if trace_id is None and session is None:
        if not current.is_valid:
            logger.warning("score %r: no trace is current; say its trace_id", name)
        # A trace that is left out has no page to show its score.
        if not current.is_valid or not (current.trace_flags & 1 or client.config.tail):
            return None
        trace_id = trace.format_trace_id(current.trace_id)
    # Made here and not by the server, so that what is sent twice is one score.
    id = id or uuid.uuid4().hex
    said = {
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
    client.sink.put_score({field: told for field, told in said.items() if told is not None})
    return id

"""Traces of LLM applications: ``import tracer.sdk as tracer``, ``tracer.init()``, ``@observe``.

Everything here is safe to call at any time: before ``init``, and without a server, it does nothing
to the application but let it run. `docs/sdk.md` has a page for each task.
"""

from __future__ import annotations

from tracer.sdk._client import dropped, flush, init, shutdown
from tracer.sdk._config import Tail
from tracer.sdk._context import continue_trace, executor, headers, in_context, session
from tracer.sdk._instrument import Instrumented, celery, fastapi, flask, instrument
from tracer.sdk._observe import observe
from tracer.sdk._record import (
    agent,
    chain,
    current_span,
    current_trace_id,
    current_trace_url,
    database,
    embedding,
    evaluator,
    event,
    function,
    generation,
    guardrail,
    http,
    reranker,
    retriever,
    score,
    span,
    start,
    tool,
    update,
    update_trace,
)
from tracer.sdk._spans import Span

__all__ = [
    "Instrumented",
    "Span",
    "Tail",
    "agent",
    "celery",
    "chain",
    "continue_trace",
    "current_span",
    "current_trace_id",
    "current_trace_url",
    "database",
    "dropped",
    "embedding",
    "evaluator",
    "event",
    "executor",
    "fastapi",
    "flask",
    "flush",
    "function",
    "generation",
    "guardrail",
    "headers",
    "http",
    "in_context",
    "init",
    "instrument",
    "observe",
    "reranker",
    "retriever",
    "score",
    "session",
    "shutdown",
    "span",
    "start",
    "tool",
    "update",
    "update_trace",
]

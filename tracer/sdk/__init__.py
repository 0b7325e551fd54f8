"""Traces of LLM applications: ``import tracer.sdk as tracer``, ``tracer.init()``, ``@observe``.

Everything here may be called at any time: before ``init`` nothing is recorded, and without a server
spans wait within bounds. `docs/sdk.md` has a page for each task.
"""

from __future__ import annotations

from tracer.sdk._client import dropped as dropped
from tracer.sdk._client import flush as flush
from tracer.sdk._client import init as init
from tracer.sdk._client import shutdown as shutdown
from tracer.sdk._config import Tail as Tail
from tracer.sdk._context import continue_trace as continue_trace
from tracer.sdk._context import executor as executor
from tracer.sdk._context import headers as headers
from tracer.sdk._context import in_context as in_context
from tracer.sdk._context import session as session
from tracer.sdk._instrument import Instrumented as Instrumented
from tracer.sdk._instrument import celery as celery
from tracer.sdk._instrument import fastapi as fastapi
from tracer.sdk._instrument import flask as flask
from tracer.sdk._instrument import instrument as instrument
from tracer.sdk._observe import observe as observe
from tracer.sdk._record import agent as agent
from tracer.sdk._record import chain as chain
from tracer.sdk._record import current_span as current_span
from tracer.sdk._record import current_trace_id as current_trace_id
from tracer.sdk._record import current_trace_url as current_trace_url
from tracer.sdk._record import database as database
from tracer.sdk._record import embedding as embedding
from tracer.sdk._record import evaluator as evaluator
from tracer.sdk._record import event as event
from tracer.sdk._record import function as function
from tracer.sdk._record import generation as generation
from tracer.sdk._record import guardrail as guardrail
from tracer.sdk._record import http as http
from tracer.sdk._record import reranker as reranker
from tracer.sdk._record import retriever as retriever
from tracer.sdk._record import score as score
from tracer.sdk._record import span as span
from tracer.sdk._record import start as start
from tracer.sdk._record import tool as tool
from tracer.sdk._record import update as update
from tracer.sdk._record import update_trace as update_trace
from tracer.sdk._spans import Span as Span

"""The trace that a reader names to compare with: by an id, a link, a name or a query."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.pasted_ids import recognise
from tracer.query.tree import Node
from tracer.store.query.selection import Selection
from tracer.store.traces.find_ids import find_page
from tracer.store.traces.traces import TraceRow, list_traces
from tracer.ui.query.list_query import one_term
from tracer.ui.render.time_zone import visitor_clock


def find_other(text: str, trace: TraceRow) -> str | None:
    """Return the id of the trace that a text means, other than ``trace``; None: there is none.

    Of a session, a user, a name or a query it is the latest trace. Raises QueryError, TooSlow.
    """
    project_id = trace.project_id
    pasted = recognise(text)
    page = pasted and find_page(project_id, pasted.candidates, pasted.kind, pasted.span_id)
    if page and page.kind == "trace":
        return page.identifier if page.identifier != trace.trace_id else None
    if page:
        return _latest(one_term(page.kind, page.identifier), trace)
    return next(filter(None, (_latest(node, trace) for node in _meanings(text))), None)


def _meanings(text: str) -> Iterator[Node]:
    """Yield the queries that a text stands for: a whole name first, then itself."""
    yield one_term("name", text)
    yield parse(text, Grain.TRACE)


def _latest(node: Node, trace: TraceRow) -> str | None:
    """Return the latest trace of a query, other than ``trace``."""
    rows = list_traces(trace.project_id, Selection(node, visitor_clock()), limit=2).items
    return next((row.trace_id for row in rows if row.trace_id != trace.trace_id), None)

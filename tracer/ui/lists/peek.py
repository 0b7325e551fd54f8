"""One trace beside the list that it is in: its figures, its input, its output, its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import Response, url_for

from tracer.errors import NotFound
from tracer.messages.previews import preview
from tracer.store.traces.traces import TraceDetail, get_trace
from tracer.ui.base.address import page_query
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render

_CHARACTERS: Final = 4_000
"""Of an input or output."""


@dataclass(frozen=True, slots=True)
class Peek:
    """A trace with its input and output as text."""

    trace: TraceDetail
    question: str
    answer: str


def read_peek(project_id: str, trace_id: str) -> Peek | None:
    """Return the trace; None: the project has no such trace."""
    trace = get_trace(project_id, trace_id)
    if trace is None:
        return None
    return Peek(
        trace,
        preview(trace.input, limit=_CHARACTERS),
        preview(trace.output, output=True, limit=_CHARACTERS),
    )


@bp.get("/project/<project_id>/traces/<id:trace_id>/peek")
def trace_peek(project_id: str, trace_id: str) -> Response:
    """Return what the list shows beside itself of a trace."""
    peek = read_peek(project_id, trace_id)
    if peek is None:
        raise NotFound.of("trace", trace_id)
    return Response(render("lists/_peek.html", peek=peek, close=list_alone(project_id)))


def list_alone(project_id: str) -> str:
    """Return the address of the list of this page, without the trace beside it."""
    query = urlencode([pair for pair in page_query() if pair[0] != "peek"])
    path = url_for("ui.trace_list", project_id=project_id)
    return f"{path}?{query}" if query else path

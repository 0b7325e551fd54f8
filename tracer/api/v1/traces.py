"""Reads of traces, of their spans level by level, and of their scores."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.analysis.context.totals import ContextTotals
from tracer.api.v1.existing import existing_trace
from tracer.api.v1.queries import LIST_PROBLEMS, SpanQuery, TraceQuery, trace_selection
from tracer.errors import NotFound
from tracer.mapping import Mapping, mapping_of
from tracer.store.analyses.subtrees import read_subtrees
from tracer.store.scores import scores
from tracer.store.traces import span_tree, traces
from tracer.store.traces.model_calls import read_context, read_context_totals
from tracer.store.traces.span_detail import SpanDetail, get_span
from tracer.web.answers import traces as answers
from tracer.web.answers.subtrees import SpanPage, listed_span
from tracer.web.answers.traces import Scores, Span, SpanContext, Trace, TracePage
from tracer.web.keys import current_project_id
from tracer.web.operations import READ_PROBLEMS, Operation, answer, describe, read_query, set_up

bp = Blueprint("traces", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.get("/traces")
@describe(
    Operation(
        summary="List traces, newest first",
        query=TraceQuery,
        answers={200: TracePage},
        problems=LIST_PROBLEMS,
    )
)
def list_traces() -> Response:
    """Return one page of the project's traces."""
    query = read_query(TraceQuery)
    page = traces.list_traces(
        current_project_id(), trace_selection(query), query.cursor, query.limit, query.sort
    )
    return answer(answers.trace_page(page))


@bp.get("/traces/<id:trace_id>")
@describe(Operation(summary="Read a trace", answers={200: Trace}, problems=READ_PROBLEMS))
def read_trace(trace_id: str) -> Response:
    """Return a trace with its data; its spans are listed level by level."""
    return answer(answers.trace(existing_trace(trace_id)))


@bp.get("/traces/<id:trace_id>/spans")
@describe(
    Operation(
        summary="List the children of a span, or the roots of a trace",
        query=SpanQuery,
        answers={200: SpanPage},
        problems=READ_PROBLEMS,
    )
)
def list_spans(trace_id: str) -> Response:
    """Return one page of one level; ids of parents that did not arrive: `missing_parents`."""
    query = read_query(SpanQuery)
    page = span_tree.children_page(
        current_project_id(), trace_id, query.parent, query.cursor, limit=query.limit
    )
    # Checked for an empty page only, to save the query in the usual case.
    if not page.rows:
        existing_trace(trace_id)
    rows = [row for row in page.rows if not row.placeholder]
    sums = read_subtrees(current_project_id(), trace_id, rows)
    return answer(
        SpanPage(
            data=[listed_span(row, current_project_id(), sums) for row in rows],
            missing_parents=[row.span_id for row in page.rows if row.placeholder],
            next_cursor=page.later,
            prev_cursor=page.earlier,
        )
    )


@bp.get("/traces/<id:trace_id>/spans/<id:span_id>")
@describe(Operation(summary="Read a span", answers={200: Span}, problems=READ_PROBLEMS))
def read_span(trace_id: str, span_id: str) -> Response:
    """Return a span with its payload."""
    return answer(answers.span(_span(trace_id, span_id), current_project_id()))


@bp.get("/traces/<id:trace_id>/spans/<id:span_id>/mapping")
@describe(
    Operation(
        summary="Read the attribute mapping of a span",
        answers={200: Mapping},
        problems=READ_PROBLEMS,
    )
)
def read_mapping(trace_id: str, span_id: str) -> Response:
    """Return the attribute mapping of a span: which attribute set which field, and the unmapped."""
    span = _span(trace_id, span_id)
    return answer(mapping_of(span, traces.get_trace(current_project_id(), trace_id)))


@bp.get("/traces/<id:trace_id>/context")
@describe(
    Operation(
        summary="Sum the repeated input of a trace's model calls",
        answers={200: ContextTotals},
        problems=READ_PROBLEMS,
    )
)
def read_trace_context(trace_id: str) -> Response:
    """Return the input of a trace's model calls, and how much of it repeats earlier calls."""
    existing_trace(trace_id)
    return answer(read_context_totals(current_project_id(), trace_id))


@bp.get("/traces/<id:trace_id>/spans/<id:span_id>/context")
@describe(
    Operation(
        summary="Compare a generation's input with the previous call",
        answers={200: SpanContext},
        problems=READ_PROBLEMS,
    )
)
def read_span_context(trace_id: str, span_id: str) -> Response:
    """Return the repeated and the new part of an input, and why the prompt cache missed."""
    span = _span(trace_id, span_id)
    return answer(SpanContext(context=read_context(current_project_id(), span)))


@bp.get("/traces/<id:trace_id>/scores")
@describe(Operation(summary="List a trace's scores", answers={200: Scores}, problems=READ_PROBLEMS))
def list_trace_scores(trace_id: str) -> Response:
    """Return the scores of a trace and its spans."""
    rows = scores.list_scores(current_project_id(), trace_id=trace_id)
    if not rows:
        existing_trace(trace_id)
    return answer(Scores(data=[answers.score(row) for row in rows]))


def _span(trace_id: str, span_id: str) -> SpanDetail:
    row = get_span(current_project_id(), trace_id, span_id)
    if row is None or row.placeholder:
        raise NotFound(f"no span {span_id!r} in trace {trace_id!r}")
    return row

"""Lists of spans and users; comparisons of selections and of two traces."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.api.v1.existing import existing_trace
from tracer.api.v1.queries import (
    LIST_PROBLEMS,
    ComparisonQuery,
    DifferenceQuery,
    SelectionQuery,
    selection_of,
)
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.store.traces.selected_spans import list_selected_spans
from tracer.store.users import users
from tracer.web.answers.comparisons import TraceComparison
from tracer.web.answers.differences import DifferenceAnswer
from tracer.web.answers.users import SelectedSpanPage, UserPage, span_page, user_page
from tracer.web.comparisons import compare_selection, compare_traces
from tracer.web.keys import current_project_id
from tracer.web.operations import READ_PROBLEMS, Operation, answer, describe, read_query, set_up

bp = Blueprint("selections", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.get("/spans")
@describe(
    Operation(
        summary="List spans across traces, newest first",
        query=SelectionQuery,
        answers={200: SelectedSpanPage},
        problems=LIST_PROBLEMS,
    )
)
def list_spans_of_project() -> Response:
    """Return one page of the project's spans."""
    query = read_query(SelectionQuery)
    page = list_selected_spans(
        current_project_id(), selection_of(query, Grain.SPAN), query.cursor, query.limit, query.sort
    )
    return answer(span_page(page, current_project_id()))


@bp.get("/users")
@describe(
    Operation(
        summary="List users, latest activity first",
        query=SelectionQuery,
        answers={200: UserPage},
        problems=LIST_PROBLEMS,
    )
)
def list_users() -> Response:
    """Return one page of the project's users, with sums over their traces."""
    query = read_query(SelectionQuery)
    selection = selection_of(query, Grain.USER)
    page = users.list_users(current_project_id(), selection, query.cursor, query.limit, query.sort)
    return answer(user_page(page))


@bp.get("/differences")
@describe(
    Operation(
        summary="Rank what the traces of a query have more often than others",
        query=DifferenceQuery,
        answers={200: DifferenceAnswer},
        problems=LIST_PROBLEMS,
    )
)
def read_differences() -> Response:
    """Return the attributes that differ between a selection and the rest, or the time before."""
    query = read_query(DifferenceQuery)
    node = parse(query.q or "", Grain.TRACE)
    return answer(compare_selection(current_project_id(), node, query.against))


@bp.get("/comparison")
@describe(
    Operation(
        summary="Compare two traces as one tree",
        query=ComparisonQuery,
        answers={200: TraceComparison},
        problems=READ_PROBLEMS,
    )
)
def read_comparison() -> Response:
    """Return the spans that two traces share, and what differs in time, tokens, cost and text."""
    query = read_query(ComparisonQuery)
    then, now = (existing_trace(trace_id) for trace_id in (query.then, query.now))
    return answer(compare_traces(then, now, query.span))

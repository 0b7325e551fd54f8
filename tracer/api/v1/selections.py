"""Lists of spans and users that a query selects."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.api.v1.queries import LIST_PROBLEMS, SelectionQuery, selection_of
from tracer.query.fields import Grain
from tracer.store.traces import users
from tracer.store.traces.selected_spans import list_selected_spans
from tracer.web.answers.users import SelectedSpanPage, UserPage, span_page, user_page
from tracer.web.keys import project_id
from tracer.web.operations import Operation, answer, describe, read_query, set_up

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
        project_id(), selection_of(query, Grain.SPAN), query.cursor, query.limit, query.sort
    )
    return answer(span_page(page, project_id()))


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
    page = users.list_users(project_id(), selection, query.cursor, query.limit, query.sort)
    return answer(user_page(page))

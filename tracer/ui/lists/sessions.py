"""The list of sessions."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.traces import sessions
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.frame import list_page, other_address
from tracer.ui.lists.kinds import SESSIONS
from tracer.ui.query.list_query import ListQuery
from tracer.web.answers import traces as answers


@html_and_json("/project/<project_id>/sessions")
def session_list(project_id: str) -> Representations | AnyResponse:
    """Show the sessions that a query selects, latest activity first."""
    if (elsewhere := other_address(SESSIONS, project_id)) is not None:
        return elsewhere
    query = ListQuery(request.args, Grain.SESSION, SESSIONS.url(project_id))
    page = sessions.list_sessions(
        project_id, query.selection, request.args.get("cursor"), sort=query.sort_parameter
    )
    return list_page(
        *(SESSIONS, project_id, query, page),
        rows=lambda _: {},
        data=lambda: answers.session_page(page, project_id),
    )

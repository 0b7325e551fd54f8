"""The list of sessions."""

from __future__ import annotations

from typing import Final

from flask import redirect, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.traces import sessions
from tracer.ui.base.blueprint import own_path
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists import column_sets
from tracer.ui.lists.columns import ColumnChoice
from tracer.ui.lists.frame import ListKind, frame
from tracer.ui.lists.list_query import ListQuery, translated
from tracer.web.answers import traces as answers

SESSIONS: Final = ListKind(
    *(Grain.SESSION, "session_list", "session", column_sets.SESSIONS, "lists/_session_rows.html"),
    "user:u1 errors:>0 cost:>1 any(kind:tool status:error)",
)


@html_and_json("/project/<project_id>/sessions")
def session_list(project_id: str) -> Representations | AnyResponse:
    """Show the sessions that a query selects, latest activity first."""
    text = translated(request.args, Grain.SESSION)
    if text is not None:
        return redirect(ListQuery(request.args, Grain.SESSION, own_path()).url(text))
    query = ListQuery(request.args, Grain.SESSION, SESSIONS.url(project_id))
    page = sessions.list_sessions(
        project_id, query.selection, request.args.get("cursor"), sort=query.sort_parameter
    )
    choice = ColumnChoice(query, SESSIONS.columns)
    return Representations(
        "lists/sessions.html",
        context=lambda: frame(SESSIONS, project_id, query, page, choice),
        data=lambda: query.valid() and answers.session_page(page, project_id),
    )

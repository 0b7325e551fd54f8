"""The list of sessions."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.traces import sessions
from tracer.ui.base.blueprint import own_path
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.columns import Column
from tracer.ui.lists.list_query import ListQuery, translated
from tracer.web.answers import traces as answers


@html_and_json("/project/<project_id>/sessions")
def session_list(project_id: str) -> Representations | AnyResponse:
    """Show the sessions that a query selects, latest activity first."""
    text = translated(request.args, Grain.SESSION)
    if text is not None:
        return redirect(ListQuery(request.args, Grain.SESSION, own_path()).url(text))
    query = ListQuery(
        request.args, Grain.SESSION, url_for("ui.session_list", project_id=project_id)
    )
    page = sessions.list_sessions(
        project_id, query.selection, request.args.get("cursor"), sort=query.sort_parameter
    )
    return Representations(
        "lists/sessions.html",
        context=lambda: {"page": page, "query": query, "periods": PERIODS, "columns": COLUMNS},
        data=lambda: query.valid() and answers.session_page(page, project_id),
    )


PERIODS = (
    ("end:>-1h", "Active in the last hour"),
    ("end:>-24h", "Active in the last 24 hours"),
    ("end:>-7d", "Active in the last 7 days"),
    ("end:>-30d", "Active in the last 30 days"),
)
COLUMNS = (
    Column("id", "Session", "name wide-name", "id"),
    Column("input", "Last input", "say"),
    Column("end", "Active", "when", "end"),
    Column("latency", "Duration", "time", "latency"),
    Column("traces", "Traces", "num spans", "traces"),
    Column("tokens", "Tokens", "num tok", "tokens"),
    Column("cost", "Cost", "num cost", "cost"),
    Column("errors", "Failed", "num errs", "errors"),
    Column("user", "User", "user"),
    Column("env", "Environment", "env"),
)

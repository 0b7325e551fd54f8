"""The list of sessions."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import request, url_for

from tracer.store.traces import sessions, traces
from tracer.store.traces.sessions import SessionFilter
from tracer.ui.base.filters import Filters, PickList
from tracer.ui.base.representations import Representations, html_and_json
from tracer.web.answers import traces as answers

_FIELDS = ("environment", "tag", "user", "marked", "from", "to")


@html_and_json("/project/<project_id>/sessions")
def session_list(project_id: str) -> Representations:
    """Show sessions, latest activity first."""
    filters = Filters(request.args, _FIELDS, url_for("ui.session_list", project_id=project_id))
    now = datetime.now(UTC)
    where = SessionFilter(
        since=filters.time("from", now),
        until=filters.time("to", now),
        user_id=filters.get("user"),
        environment=filters.get("environment"),
        tag=filters.get("tag"),
        **filters.annotation_condition(),
    )
    page = sessions.list_sessions(project_id, where, request.args.get("cursor"))
    return Representations(
        "lists/sessions.html",
        context=lambda: {"page": page, "filters": filters, "picks": _picks(project_id, filters)},
        data=lambda: answers.session_page(page, project_id),
    )


def _picks(project_id: str, filters: Filters) -> list[PickList]:
    facets = traces.facets(project_id)
    return [
        filters.pick_list("environment", "Any environment", facets.environments),
        filters.pick_list("tag", "Any tag", facets.tags),
        filters.annotation_list(),
        filters.period_list(),
    ]

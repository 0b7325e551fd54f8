"""The list of traces."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.records import STATUSES
from tracer.store.database.paging import Page
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.projects.refused_requests import last_refused_request
from tracer.store.traces import traces
from tracer.store.traces.traces import TraceFilter, TraceRow
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.filters import Filters
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.project.start import curl_program, python_program, sdk_program
from tracer.ui.render.markdown import code
from tracer.web.answers import traces as answers

_FIELDS = ("status", "name", "environment", "tag", "user", "session", "marked", "from", "to")


@html_and_json("/project/<project_id>/traces")
def trace_list(project_id: str) -> Representations | AnyResponse:
    """Show traces, newest first; in a project without traces, how to send one."""
    filters = Filters(request.args, _FIELDS, url_for("ui.trace_list", project_id=project_id))
    page = traces.list_traces(project_id, _condition(filters), request.args.get("cursor"))
    empty = not page.items and not traces.has_traces(project_id)
    if is_fragment():
        # The start page polls for the first trace.
        unchanged = empty and _refusal_time(project_id) == request.args.get("refused", "")
        return Response(status=204) if unchanged else Response(headers={"HX-Refresh": "true"})
    return Representations(
        "project/start.html" if empty else "lists/traces.html",
        context=lambda: _start(project_id) if empty else _list(project_id, page, filters),
        data=lambda: answers.trace_page(page),
    )


def _refusal_time(project_id: str) -> str:
    """Return the time of the refusal that the start page shows; empty: none."""
    refused = last_refused_request(project_id)
    return refused.refused_at.isoformat() if refused else ""


def _start(project_id: str) -> dict[str, object]:
    endpoint = request.host_url.rstrip("/")
    return {
        "endpoint": endpoint,
        "default_project": DEFAULT_PROJECT,
        "refused": last_refused_request(project_id),
        "curl": code(curl_program(endpoint), "sh"),
        "sdk": code(sdk_program(endpoint), "python"),
        "program": code(python_program(endpoint), "python"),
    }


def _list(project_id: str, page: Page[TraceRow], filters: Filters) -> dict[str, object]:
    facets = traces.facets(project_id)
    picks = [
        filters.pick_list("status", "Any status", STATUSES),
        filters.pick_list("name", "Any name", facets.names),
        filters.pick_list("environment", "Any environment", facets.environments),
        filters.pick_list("tag", "Any tag", facets.tags),
        filters.annotation_list(),
        filters.period_list(),
    ]
    return {"page": page, "filters": filters, "picks": picks}


def _condition(filters: Filters) -> TraceFilter:
    now = datetime.now(UTC)
    since, until = filters.time("from", now), filters.time("to", now)
    annotated = filters.annotation_condition()
    return TraceFilter(
        since=since,
        until=until,
        name=filters.get("name"),
        user_id=filters.get("user"),
        session_id=filters.get("session"),
        environment=filters.get("environment"),
        tag=filters.get("tag"),
        status=filters.get("status"),
        **annotated,
    )

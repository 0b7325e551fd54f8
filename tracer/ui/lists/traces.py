"""The list of traces."""

from __future__ import annotations

from typing import Final

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.projects.refused_requests import last_refused_request
from tracer.store.traces import traces
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.blueprint import is_fragment, own_path
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists import column_sets
from tracer.ui.lists.columns import ColumnChoice
from tracer.ui.lists.frame import ListKind, frame
from tracer.ui.lists.go_to import id_url
from tracer.ui.lists.list_query import ListQuery, translated
from tracer.ui.project.start import curl_program, python_program, sdk_program
from tracer.ui.render.markdown import code
from tracer.web.answers import traces as answers

TRACES: Final = ListKind(
    *(Grain.TRACE, "trace_list", "trace", column_sets.TRACES, "lists/_trace_rows.html"),
    "status:error latency:>2s any(kind:tool name:search) “words”",
)


@html_and_json("/project/<project_id>/traces")
def trace_list(project_id: str) -> Representations | AnyResponse:
    """Show the traces that a query selects; in a project without traces, how to send one."""
    text = translated(request.args, Grain.TRACE)
    if text is not None:
        return redirect(ListQuery(request.args, Grain.TRACE, own_path()).url(text))
    query = ListQuery(request.args, Grain.TRACE, TRACES.url(project_id))
    if (page_of_id := id_url(project_id, query.text)) is not None:
        return redirect(page_of_id)
    page = traces.list_traces(
        project_id, query.selection, request.args.get("cursor"), sort=query.sort_parameter
    )
    empty = not page.items and not traces.has_traces(project_id)
    if is_fragment():
        # The start page polls for the first trace.
        unchanged = empty and _refusal_time(project_id) == request.args.get("refused", "")
        return Response(status=204) if unchanged else Response(headers={"HX-Refresh": "true"})
    return Representations(
        "project/start.html" if empty else "lists/traces.html",
        context=lambda: _start(project_id) if empty else _list(project_id, page, query),
        data=lambda: query.valid() and answers.trace_page(page),
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
        "curl": code(curl_program(endpoint, with_key=project_id != DEFAULT_PROJECT), "sh"),
        "sdk": code(sdk_program(endpoint), "python"),
        "program": code(python_program(endpoint), "python"),
    }


def _list(project_id: str, page: Page[TraceRow], query: ListQuery) -> dict[str, object]:
    choice = ColumnChoice(query, TRACES.columns)
    keys = choice.keys_of("metadata")
    ids = [row.trace_id for row in page.items]
    return {
        **frame(TRACES, project_id, query, page, choice),
        "metadata": traces.metadata_values(project_id, ids, keys) if keys else {},
    }

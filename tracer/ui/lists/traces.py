"""The list of traces."""

from __future__ import annotations

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.query.tree import Words, conjuncts
from tracer.store.database.paging import Page
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.projects.refused_requests import last_refused_request
from tracer.store.texts.hits import hits, index_lag
from tracer.store.traces import traces
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.measured import measured_trace
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.columns import ColumnChoice
from tracer.ui.lists.frame import list_page, other_address
from tracer.ui.lists.go_to import id_url
from tracer.ui.lists.kinds import TRACES
from tracer.ui.lists.peek import list_alone, read_peek
from tracer.ui.project.start import curl_program, python_program, sdk_program
from tracer.ui.query.list_query import ListQuery
from tracer.ui.render.markdown import code
from tracer.web.access.identity import login_required
from tracer.web.answers import traces as answers
from tracer.web.services import services


@html_and_json("/project/<project_id>/traces")
def trace_list(project_id: str) -> Representations | AnyResponse:
    """Show the traces that a query selects; in a project without traces, how to send one."""
    if (elsewhere := other_address(TRACES, project_id)) is not None:
        return elsewhere
    query = ListQuery(request.args, Grain.TRACE, TRACES.url(project_id))
    if (page_of_id := id_url(project_id, query.text)) is not None:
        return redirect(page_of_id)
    page = traces.list_traces(
        project_id, query.selection, request.args.get("cursor"), sort=query.sort_parameter
    )
    if not page.items and not traces.has_traces(project_id):
        return _start_page(project_id, query)
    if is_fragment() and "refused" in request.args:
        # The start page polls for the first trace.
        return Response(headers={"HX-Refresh": "true"})
    return list_page(
        *(TRACES, project_id, query, page),
        rows=lambda choice: {
            "high": _high(project_id, page),
            **_rows(project_id, query, page, choice),
        },
        data=lambda: answers.trace_page(page),
    )


def _start_page(project_id: str, query: ListQuery) -> Representations | AnyResponse:
    if is_fragment():
        unchanged = _refusal_time(project_id) == request.args.get("refused", "")
        return Response(status=204) if unchanged else Response(headers={"HX-Refresh": "true"})
    nothing: Page[TraceRow] = Page([], None, None)
    return Representations(
        "project/start.html",
        context=lambda: _start(project_id),
        data=lambda: query.valid() and answers.trace_page(nothing),
    )


def _refusal_time(project_id: str) -> str:
    """Return the time of the refusal that the start page shows; empty: none."""
    refused = last_refused_request(project_id)
    return refused.refused_at.isoformat() if refused else ""


def _start(project_id: str) -> dict[str, object]:
    endpoint = request.url_root.rstrip("/")
    needs_login = login_required()
    needs_key = needs_login or project_id != DEFAULT_PROJECT
    return {
        "endpoint": endpoint,
        "default_project": DEFAULT_PROJECT,
        "needs_login": needs_login,
        "needs_key": needs_key,
        "refused": last_refused_request(project_id),
        "curl": code(curl_program(endpoint, with_key=needs_key), "sh"),
        "sdk": code(sdk_program(endpoint), "python"),
        "program": code(python_program(endpoint), "python"),
    }


def _metadata(
    project_id: str, page: Page[TraceRow], choice: ColumnChoice
) -> dict[str, dict[str, str]]:
    """Return the values of the metadata columns by trace and key."""
    keys = choice.keys_of("metadata")
    ids = [row.trace_id for row in page.items]
    return traces.metadata_values(project_id, ids, keys) if keys else {}


def _high(project_id: str, page: Page[TraceRow]) -> dict[str, frozenset[str]]:
    """Return what of each trace is over the p95 of its name."""
    high = services().thresholds.high(project_id, map(measured_trace, page.items))
    return dict(zip([row.trace_id for row in page.items], high, strict=True))


def _rows(
    project_id: str, query: ListQuery, page: Page[TraceRow], choice: ColumnChoice
) -> dict[str, object]:
    """Return what the rows show beside their columns: passages of texts, a trace beside them."""
    ids = [row.trace_id for row in page.items]
    texts = [node.text for node in conjuncts(query.node) if isinstance(node, Words)]
    return {
        "metadata": _metadata(project_id, page, choice),
        "hits": hits(project_id, ids, max(texts, key=len)) if texts and ids else {},
        "lag": index_lag() if texts else None,
        "peek": read_peek(project_id, request.args["peek"]) if "peek" in request.args else None,
        "close": list_alone(project_id),
    }

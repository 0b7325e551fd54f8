"""The list of traces."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.projects.refused_requests import last_refused_request
from tracer.store.traces import traces
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.blueprint import is_fragment, own_path
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.columns import Column, chosen_columns, moved, other_columns, without
from tracer.ui.lists.facets import sidebar
from tracer.ui.lists.go_to import id_url
from tracer.ui.lists.list_query import PERIODS, ListQuery, translated
from tracer.ui.project.start import curl_program, python_program, sdk_program
from tracer.ui.render.markdown import code
from tracer.web.answers import traces as answers


@html_and_json("/project/<project_id>/traces")
def trace_list(project_id: str) -> Representations | AnyResponse:
    """Show the traces that a query selects; in a project without traces, how to send one."""
    text = translated(request.args, Grain.TRACE)
    if text is not None:
        return redirect(ListQuery(request.args, Grain.TRACE, own_path()).url(text))
    query = ListQuery(request.args, Grain.TRACE, url_for("ui.trace_list", project_id=project_id))
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
    columns = chosen_columns(query.columns)
    return {
        "page": page,
        "query": query,
        "columns": columns,
        "choice": ColumnChoice(query, columns),
        "metadata": _metadata(project_id, page, columns),
        "sidebar": sidebar(project_id, query),
        "periods": PERIODS,
    }


def _metadata(
    project_id: str, page: Page[TraceRow], columns: Sequence[Column]
) -> dict[str, dict[str, str]]:
    """Return the values of the metadata columns by trace and key."""
    keys = [column.key for column in columns if column.name.startswith("metadata.")]
    ids = [row.trace_id for row in page.items]
    return traces.metadata_values(project_id, ids, keys) if keys else {}


class ColumnChoice:
    """The addresses by which the reader adds, removes and moves columns."""

    def __init__(self, query: ListQuery, columns: Sequence[Column]) -> None:
        self._query = query
        self._columns = columns
        self.others = other_columns(columns)

    def add(self, column: Column) -> str:
        """Return the address with one more column at the end."""
        names = [*(shown.name for shown in self._columns), column.name]
        return self._query.url(columns=",".join(names))

    def remove(self, column: Column) -> str:
        """Return the address without a column."""
        return self._query.url(columns=without(self._columns, column.name))

    def move(self, column: Column, by: int) -> str:
        """Return the address with a column further left (-1) or right (1)."""
        return self._query.url(columns=moved(self._columns, column.name, by=by))

    @property
    def names(self) -> str:
        """The columns as a text, to which a form adds one."""
        return ",".join(column.name for column in self._columns)

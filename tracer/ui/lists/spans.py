"""The lists of spans across traces: all of them, generations, tool calls."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.paging import Page
from tracer.store.traces.selected_spans import NO_CONTEXT, list_selected_spans, span_contexts
from tracer.store.traces.span_tree import SpanRow
from tracer.ui.base.measured import measured_span
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.columns import ColumnChoice
from tracer.ui.lists.frame import list_page, other_address
from tracer.ui.lists.kinds import GENERATIONS, SPANS, TOOLS, ListKind
from tracer.ui.query.list_query import ListQuery
from tracer.web.answers.users import span_page
from tracer.web.services import services


@html_and_json("/project/<project_id>/spans")
def span_list(project_id: str) -> Representations | AnyResponse:
    """Show the spans that a query selects, newest first."""
    return _list(SPANS, project_id)


@html_and_json("/project/<project_id>/generations")
def generation_list(project_id: str) -> Representations | AnyResponse:
    """Show the generations that a query selects, newest first."""
    return _list(GENERATIONS, project_id)


@html_and_json("/project/<project_id>/tools")
def tool_list(project_id: str) -> Representations | AnyResponse:
    """Show the tool calls that a query selects, newest first."""
    return _list(TOOLS, project_id)


def _list(kind: ListKind, project_id: str) -> Representations | AnyResponse:
    if (elsewhere := other_address(kind, project_id)) is not None:
        return elsewhere
    query = ListQuery(request.args, kind.grain, kind.url(project_id), kind.base)
    page = list_selected_spans(
        project_id, query.selection, request.args.get("cursor"), sort=query.sort_parameter
    )
    return list_page(
        *(kind, project_id, query, page),
        rows=lambda choice: _contexts(project_id, page, choice),
        data=lambda: span_page(page, project_id),
    )


def _contexts(project_id: str, page: Page[SpanRow], choice: ColumnChoice) -> dict[str, object]:
    contexts = span_contexts(
        project_id,
        page.items,
        payloads={column.name for column in choice.columns} & {"input", "output"},
        metadata=choice.keys_of("metadata"),
        score_names=choice.keys_of("score"),
    )
    high = services().thresholds.high(project_id, map(measured_span, page.items))
    keys = [(span.trace_id, span.span_id) for span in page.items]
    return {
        "contexts": contexts,
        "no_context": NO_CONTEXT,
        "high": dict(zip(keys, high, strict=True)),
    }

"""The lists of spans across traces: all of them, generations, tool calls."""

from __future__ import annotations

from typing import Final

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.store.traces.selected_spans import NO_CONTEXT, list_selected_spans, span_contexts
from tracer.store.traces.span_tree import SpanRow
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists import column_sets
from tracer.ui.lists.columns import ColumnChoice
from tracer.ui.lists.frame import ListKind, frame
from tracer.ui.lists.list_query import ListQuery
from tracer.web.answers.users import span_page

_ROWS: Final = "lists/_span_rows.html"
SPANS: Final = ListKind(
    *(Grain.SPAN, "span_list", "span", column_sets.SPANS, _ROWS),
    "kind:retriever latency:>1s trace(status:error)",
)
GENERATIONS: Final = ListKind(
    *(Grain.SPAN, "generation_list", "generation", column_sets.GENERATIONS, _ROWS),
    "model:gpt-4o* first_token:>1s finish:length trace(status:error)",
    "kind:generation",
)
TOOLS: Final = ListKind(
    *(Grain.SPAN, "tool_list", "tool call", column_sets.TOOLS, _ROWS),
    "name:search status:error latency:>1s",
    "kind:tool,function",
)


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


def _list(kind: ListKind, project_id: str) -> Representations:
    query = ListQuery(request.args, kind.grain, kind.url(project_id), kind.base)
    page = list_selected_spans(
        project_id, query.selection, request.args.get("cursor"), sort=query.sort_parameter
    )
    return Representations(
        "lists/spans.html",
        context=lambda: _context(kind, project_id, query, page),
        data=lambda: query.valid() and span_page(page, project_id),
    )


def _context(
    kind: ListKind, project_id: str, query: ListQuery, page: Page[SpanRow]
) -> dict[str, object]:
    choice = ColumnChoice(query, kind.columns)
    contexts = span_contexts(
        project_id,
        page.items,
        payloads={column.name for column in choice.columns} & {"input", "output"},
        metadata=choice.keys_of("metadata"),
        score_names=choice.keys_of("score"),
    )
    return {
        **frame(kind, project_id, query, page, choice),
        "contexts": contexts,
        "no_context": NO_CONTEXT,
    }

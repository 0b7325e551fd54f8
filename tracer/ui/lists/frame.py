"""The frame of all list pages: facets, columns, time ranges, tabs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.ui.base.blueprint import own_path
from tracer.ui.base.rendering import render
from tracer.ui.base.representations import Representations, wants_json
from tracer.ui.lists.columns import ColumnChoice
from tracer.ui.lists.facets import sidebar
from tracer.ui.lists.kinds import ListKind
from tracer.ui.lists.saved_views import default_view, tabs_of
from tracer.ui.query.list_query import ListQuery, translated

PERIODS: Final = (("1h", "hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"))
SWITCH: Final = (
    ("trace_list", "Traces"),
    ("generation_list", "Generations"),
    ("tool_list", "Tools"),
    ("span_list", "Spans"),
)


def other_address(kind: ListKind, project_id: str) -> AnyResponse | None:
    """Return the redirect of an old address, or to the default view; None: show the page."""
    text = translated(request.args, kind.grain)
    if text is not None:
        return redirect(ListQuery(request.args, kind.grain, own_path(), kind.base).url(text))
    return default_view(kind, project_id)


def list_page(
    kind: ListKind,
    project_id: str,
    query: ListQuery,
    page: Page[Any],
    rows: Callable[[ColumnChoice], Mapping[str, object]],
    data: Callable[[], object],
) -> Representations | AnyResponse:
    """Return the page of a list, its JSON, or with ``part=rows`` its rows alone, for live mode.

    ``rows`` returns what the template of the rows needs beside the page, query and columns.
    """
    choice = ColumnChoice(query, kind.columns)

    def row_context() -> dict[str, object]:
        shown = {"kind": kind, "page": page, "query": query, "columns": choice.columns}
        return {**shown, **rows(choice)}

    if request.args.get("part") == "rows" and not wants_json():
        return _rows(kind, page, row_context)
    return Representations(
        kind.template,
        context=lambda: {**row_context(), **_frame(kind, project_id, query, page, choice)},
        data=lambda: query.valid() and data(),
    )


def _rows(kind: ListKind, page: Page[Any], context: Callable[[], dict[str, object]]) -> AnyResponse:
    """Return the rows; 304 where they are those that the browser shows."""
    tag = hashlib.blake2s(repr(page.items).encode(), digest_size=8).hexdigest()
    unchanged = request.if_none_match.contains(tag)
    response = Response(status=304) if unchanged else Response(render(kind.rows, **context()))
    response.set_etag(tag)
    return response


def _frame(
    kind: ListKind, project_id: str, query: ListQuery, page: Page[Any], choice: ColumnChoice
) -> Mapping[str, object]:
    switch = [
        (url_for(f"ui.{endpoint}", project_id=project_id), label, endpoint == kind.endpoint)
        for endpoint, label in SWITCH
    ]
    live = query.kept.get("live", "") == "1"
    return {
        "choice": choice,
        "sidebar": sidebar(project_id, query),
        "periods": periods(kind.grain),
        "chart_url": _chart_url(kind, project_id, query) if page.items else "",
        "tabs": tabs_of(kind, project_id, query),
        "switch": switch if kind.endpoint in dict(SWITCH) else [],
        "live": live,
        "live_url": query.url(live=None if live else "1"),
        "rows_url": query.url(part="rows") if live and not request.args.get("cursor") else "",
    }


def _chart_url(kind: ListKind, project_id: str, query: ListQuery) -> str:
    """Return the address of the chart of the selection."""
    path = url_for("ui.list_histogram", project_id=project_id)
    values = {"list": kind.endpoint, "q": query.shown, **query.kept}
    return f"{path}?{urlencode({name: value for name, value in values.items() if value})}"


def periods(grain: Grain) -> list[tuple[str, str]]:
    """Return the time ranges that a menu offers, as terms with their labels."""
    if grain is Grain.USER:
        return []
    if grain is Grain.SESSION:
        return [(f"end:>-{length}", f"Active in the last {label}") for length, label in PERIODS]
    last = [(f"start:>-{length}", f"Last {label}") for length, label in PERIODS]
    return [*last, ("start:today", "Today"), ("start:yesterday", "Yesterday")]

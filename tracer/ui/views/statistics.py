"""The statistics of a trace: a table of its spans by name, kind and model, sortable by column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from flask import request

from tracer.analysis.statistics import SpanGroup, Statistics
from tracer.store.analyses.summaries import read_statistics
from tracer.store.traces.model_calls import read_context_totals
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.trace.context import Selection, find_shown, panel_of, trace_context
from tracer.ui.trace.head import head_of
from tracer.ui.views.context_totals import view_totals

COLUMNS: Final[dict[str, tuple[str, Callable[[SpanGroup], Any]]]] = {
    "name": ("Name", lambda group: (group.name.casefold(), group.name)),
    "kind": ("Kind", lambda group: group.kind),
    "model": ("Model", lambda group: group.model),
    "count": ("Count", lambda group: group.count),
    "total": ("Total", lambda group: group.total_time),
    "average": ("Average", lambda group: group.average_time),
    "p95": ("p95", lambda group: group.p95_time),
    "self": ("Self", lambda group: group.self_time),
    "tokens": ("Tokens", lambda group: group.total_tokens),
    "cost": ("Cost", lambda group: group.total_cost),
    "errors": ("Errors", lambda group: group.errors),
}
TEXTS: Final = ("name", "kind", "model")


class StatisticsData(msgspec.Struct, kw_only=True):
    """The groups in the requested order; `data` is null until the worker has computed them."""

    data: list[SpanGroup] | None
    left_out: int


@html_and_json("/project/<project_id>/traces/<id:trace_id>/statistics")
def trace_statistics(project_id: str, trace_id: str) -> Representations:
    """Show the table, sorted by the column ``sort``; a leading ``-`` reverses the order."""
    selected = request.args.get("span")
    trace = find_shown(project_id, trace_id, selected)
    sort = request.args.get("sort", "")
    column = sort.removeprefix("-") if sort.removeprefix("-") in COLUMNS else "total"
    # Numbers are sorted in descending order by default, texts in ascending order.
    descending = (column not in TEXTS) != sort.startswith("-")
    statistics = read_statistics(project_id, trace_id)
    groups = sort_groups(statistics, column, descending) if statistics else []
    selection = Selection.read(trace, selected)
    return Representations(
        "views/statistics.html",
        context=lambda: {
            **trace_context(trace),
            **head_of(trace),
            "view": "statistics",
            "statistics": statistics,
            "groups": groups,
            "longest": max((group.total_time for group in groups), default=0),
            "columns": [
                (name, label, name in TEXTS, _link(name, column, descending))
                for name, (label, _) in COLUMNS.items()
            ],
            "totals": view_totals(read_context_totals(project_id, trace_id)),
            "sorted_by": column,
            "descending": descending,
            "selected": selection.span_id,
            "panel": panel_of(selection),
        },
        data=lambda: StatisticsData(
            data=groups if statistics else None,
            left_out=statistics.left_out if statistics else 0,
        ),
    )


def sort_groups(statistics: Statistics, column: str, descending: bool) -> list[SpanGroup]:
    """Return the groups sorted by a column; groups without a value there come last."""
    value = COLUMNS[column][1]
    known = [group for group in statistics.groups if value(group) is not None]
    return sorted(known, key=value, reverse=descending) + [
        group for group in statistics.groups if value(group) is None
    ]


def _link(name: str, column: str, descending: bool) -> str:
    """Return the link of a column's heading: sort by it, or reverse the order."""
    default = name not in TEXTS
    reverse = name == column and descending == default
    return f"?sort={'-' if reverse else ''}{name}"

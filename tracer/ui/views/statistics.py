"""The statistics of a trace: a table of its spans by name, kind and model, sorted by any column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from flask import request

from tracer.analysis.statistics import SpanGroup, Statistics
from tracer.store.analyses.summaries import read_statistics
from tracer.ui.base.representations import Shown, twin
from tracer.ui.trace.context import Choice, common, find_trace, panel_of
from tracer.ui.trace.head import head_of

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
    """The groups in the order asked for; `data` is null while a large trace is being counted."""

    data: list[SpanGroup] | None
    left_out: int


@twin("/project/<project_id>/traces/<id:trace_id>/statistics")
def trace_statistics(project_id: str, trace_id: str) -> Shown:
    """Show the table, sorted by ``sort``: a column, with ``-`` before it the other way round."""
    found = find_trace(project_id, trace_id)
    sort = request.args.get("sort", "")
    column = sort.removeprefix("-") if sort.removeprefix("-") in COLUMNS else "total"
    # Of numbers the largest is what one looks for, of words the first.
    falls = (column not in TEXTS) != sort.startswith("-")
    told = read_statistics(project_id, trace_id)
    groups = ordered(told, column, falls) if told else []
    chosen = Choice.of(found, request.args.get("span"))
    return Shown(
        "views/statistics.html",
        context=lambda: {
            **common(found),
            **head_of(found),
            "view": "statistics",
            "told": told,
            "groups": groups,
            "longest": max((group.total_time for group in groups), default=0),
            "columns": [
                (name, label, name in TEXTS, _link(name, column, falls))
                for name, (label, _) in COLUMNS.items()
            ],
            "sorted_by": column,
            "falls": falls,
            "selected": chosen.span_id,
            "panel": panel_of(chosen),
            "keep": "",
        },
        data=lambda: StatisticsData(
            data=groups if told else None, left_out=told.left_out if told else 0
        ),
    )


def ordered(told: Statistics, column: str, falls: bool) -> list[SpanGroup]:
    """Return the groups by a column; those that have nothing there come last either way."""
    value = COLUMNS[column][1]
    known = [group for group in told.groups if value(group) is not None]
    return sorted(known, key=value, reverse=falls) + [
        group for group in told.groups if value(group) is None
    ]


def _link(name: str, column: str, falls: bool) -> str:
    """Return what a column's head leads to: sorting by it, or if it is, the other way round."""
    natural = name not in TEXTS
    turn = name == column and falls == natural
    return f"?sort={'-' if turn else ''}{name}"

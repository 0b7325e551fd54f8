"""The log of a trace: its spans and events in time order, with filters, search and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import msgspec
from flask import request, url_for

from tracer.records import KINDS, LEVELS, Json
from tracer.store.timeline.log import LogPage, LogRow, Query
from tracer.store.traces.traces import TraceRow
from tracer.times import json_time
from tracer.ui.base.pick_list import PickList
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.panel.events import Event, read_event
from tracer.ui.trace.context import Selection, find_shown, panel_of, trace_context
from tracer.ui.trace.head import head_of
from tracer.ui.trace.timeline import open_log
from tracer.web.answers import traces
from tracer.web.answers.traces import SpanSummary

_FILTERS = ("q", "kind", "level")


class LogEntry(msgspec.Struct, kw_only=True):
    """One entry in the JSON representation of the log."""

    time: str
    span: SpanSummary
    event: Json
    """null: the entry is the start of the span."""


class LogData(msgspec.Struct, kw_only=True):
    """A page of the log. `data` is null until the timeline of a large trace is built."""

    data: list[LogEntry] | None
    count: int
    more: bool
    """There may be more than `count`."""
    unsearched: int
    """Spans that are not in the timeline yet."""
    next_cursor: str | None
    prev_cursor: str | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log."""

    row: LogRow
    offset: timedelta
    """Time since the start of the trace."""
    event: Event | None


@html_and_json("/project/<project_id>/traces/<id:trace_id>/log")
def trace_log(project_id: str, trace_id: str) -> Representations:
    """Show the log from ``cursor`` on, filtered by the words ``q``, a ``kind`` and a ``level``."""
    selected = request.args.get("span")
    trace = find_shown(project_id, trace_id, selected)
    filters = {name: request.args.get(name, "").strip() for name in _FILTERS}
    query = Query(words=filters["q"], kind=filters["kind"], level=filters["level"])
    log = open_log(project_id, trace_id, query.log_filter())
    page = log.page(request.args.get("cursor")) if log else None
    selection = Selection.read(trace, selected)
    return Representations(
        "views/log.html",
        context=lambda: {
            "view": "log",
            "page": page,
            "lines": [_line(row, trace) for row in page.rows] if page else [],
            "query": query,
            "address": _address(trace, filters),
            "picks": [
                PickList("kind", "Any kind", [(kind, kind) for kind in KINDS], query.kind),
                PickList(
                    "level",
                    "Any level",
                    [(level, _level_label(level)) for level in LEVELS[1:]],
                    query.level,
                ),
            ],
            **trace_context(trace),
            **head_of(trace),
            "selected": selection.span_id,
            "panel": panel_of(selection),
        },
        data=lambda: log_data(page, project_id),
    )


def log_data(page: LogPage | None, project_id: str) -> LogData:
    """Return the JSON representation of a page of the log."""
    return LogData(
        data=[_entry(row, project_id) for row in page.rows] if page else None,
        count=page.count if page else 0,
        more=page.more if page else True,
        unsearched=page.unsearched if page else 0,
        next_cursor=page.later if page else None,
        prev_cursor=page.earlier if page else None,
    )


def _entry(row: LogRow, project_id: str) -> LogEntry:
    return LogEntry(
        time=json_time(row.time),
        span=traces.span_summary(row.span, project_id),
        event=row.event,
    )


def _line(row: LogRow, trace: TraceRow) -> LogLine:
    event = None
    if row.number is not None and isinstance(row.event, dict):
        event = read_event(row.event, row.number, row.span.start_time)
    return LogLine(row, row.time - trace.start_time, event)


def _level_label(level: str) -> str:
    return level if level == LEVELS[-1] else f"{level} or worse"


def _address(trace: TraceRow, filters: Mapping[str, str]) -> str:
    """Return the address of the log with its filters, to which parameters can be appended."""
    path = url_for("ui.trace_log", project_id=trace.project_id, trace_id=trace.trace_id)
    query = urlencode({name: value for name, value in filters.items() if value})
    return f"{path}?{query}&" if query else f"{path}?"

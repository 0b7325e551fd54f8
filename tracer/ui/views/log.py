"""The log of a trace: all spans and events in the order of time, filtered, searched and paged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import msgspec
from flask import request, url_for

from tracer.records import KINDS, LEVELS, Json
from tracer.store.timeline.log import LogPage, LogRow, Query
from tracer.store.traces.traces import TraceDetail
from tracer.times import json_time
from tracer.ui.base.filters import Pick
from tracer.ui.base.representations import Shown, twin
from tracer.ui.panel.events import Event, read_event
from tracer.ui.trace.context import Choice, common, find_trace, panel_of
from tracer.ui.trace.timeline import open_log
from tracer.web.answers import traces
from tracer.web.answers.traces import SpanSummary

_FILTERS = ("q", "kind", "level")


class LogEntry(msgspec.Struct, kw_only=True):
    """One entry of the log, as its twin says it."""

    time: str
    span: SpanSummary
    event: Json
    """null: the entry is the start of the span."""


class LogData(msgspec.Struct, kw_only=True):
    """A page of the log. `data` is null while a large trace is being put in order."""

    data: list[LogEntry] | None
    count: int
    more: bool
    """There may be more than `count`."""
    unsearched: int
    """Spans that are not looked through yet."""
    next_cursor: str | None
    prev_cursor: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    row: LogRow
    after: timedelta
    """From the start of the trace."""
    event: Event | None


@twin("/project/<project_id>/traces/<id:trace_id>/log")
def trace_log(project_id: str, trace_id: str) -> Shown:
    """Show the log from ``cursor`` on: spans with the words ``q``, a ``kind``, a ``level``."""
    found = find_trace(project_id, trace_id)
    sent = {name: request.args.get(name, "").strip() for name in _FILTERS}
    query = Query(words=sent["q"], kind=sent["kind"], level=sent["level"])
    log = open_log(project_id, trace_id, query.log_filter())
    page = log.page(request.args.get("cursor")) if log else None
    chosen = Choice.of(found, request.args.get("span"))
    return Shown(
        "traces/log.html",
        context=lambda: {
            "view": "log",
            "page": page,
            "lines": [_line(row, found) for row in page.rows] if page else [],
            "query": query,
            "address": _address(found, sent),
            "picks": [
                Pick("kind", "Any kind", [(kind, kind) for kind in KINDS], query.kind),
                Pick(
                    "level",
                    "Any level",
                    [(level, _worse(level)) for level in LEVELS[1:]],
                    query.level,
                ),
            ],
            "selected": chosen.span_id,
            "panel": panel_of(chosen),
            "keep": "",
            **common(found),
        },
        data=lambda: log_data(page, project_id),
    )


def log_data(page: LogPage | None, project_id: str) -> LogData:
    """Return a page of the log in the words of the API."""
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


def _line(row: LogRow, trace: TraceDetail) -> Line:
    event = None
    if row.number is not None and isinstance(row.event, dict):
        event = read_event(row.event, row.number, row.span.start_time)
    return Line(row, row.time - trace.start_time, event)


def _worse(level: str) -> str:
    return level if level == LEVELS[-1] else f"{level} or worse"


def _address(trace: TraceDetail, sent: Mapping[str, str]) -> str:
    """Return the address of this log from its beginning, ready for more of a query."""
    path = url_for("ui.trace_log", project_id=trace.project_id, trace_id=trace.trace_id)
    query = urlencode({name: value for name, value in sent.items() if value})
    return f"{path}?{query}&" if query else f"{path}?"

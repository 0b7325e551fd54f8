"""The head of a trace's pages: bookmark, neighbours, time breakdown, findings, search."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import g

from tracer.analysis.activity import BUCKETS
from tracer.analysis.families import FAMILY_OF_KIND
from tracer.errors import Invalid, TooSlow
from tracer.query.errors import QueryError
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.store.analyses.summaries import read_time_breakdown
from tracer.store.query.selection import Selection
from tracer.store.timeline.log import Log, Query, SearchPosition
from tracer.store.traces import traces
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.address import page_parameter
from tracer.ui.base.subjects import read_bookmark, target_of
from tracer.ui.render.time_zone import visitor_clock
from tracer.ui.trace.timeline import open_log, read_findings
from tracer.ui.waterfall.axis import Axis


@dataclass(frozen=True, slots=True)
class Search:
    """The words in the search field of the trace page."""

    words: str
    position: SearchPosition | None
    """The selected span among the hits; None: the timeline of the trace is not built yet."""


def head_of(trace: TraceRow) -> dict[str, object]:
    """Return the context of ``trace/_head.html``, for any page of the trace.

    ``time_breakdown`` and ``finding_count`` are None while they are computed.
    """
    findings = read_findings(trace.project_id, trace.trace_id)
    return {
        "bookmark": read_bookmark(target_of(trace, trace.project_id), trace),
        "time_breakdown": read_time_breakdown(trace.project_id, trace.trace_id),
        "finding_count": len(findings.findings) + findings.left_out if findings else None,
    }


def tree_head_of(trace: TraceRow) -> dict[str, object]:
    """Return the context of ``trace/_head.html`` on the page with the tree."""
    words = _search_words()
    log = _open_search(trace)
    position = log.position(page_parameter("span")) if log else None
    search = Search(words, position) if words else None
    return head_of(trace) | {
        "neighbours": _neighbours(trace),
        "list_state": _list_state(),
        "search": search,
    }


def _list_state() -> str:
    """Return the query string of the list that the visitor came from; "": the whole list."""
    return page_parameter("list") or ""


def _neighbours(trace: TraceRow) -> tuple[str | None, str | None]:
    """Return the traces before and after this one in the list that the visitor came from."""
    state = dict(parse_qsl(_list_state()))
    if not state:
        return traces.neighbours(trace)
    clock = visitor_clock()
    try:
        selection = Selection(parse(state.get("q", ""), Grain.TRACE), clock)
        return traces.neighbours_in(trace.project_id, trace.trace_id, selection, state.get("sort"))
    except (QueryError, Invalid, TooSlow):
        return None, None


@dataclass(frozen=True, slots=True)
class Lens:
    """A choice of rows in the tree: the leaves of one family, or those that failed."""

    name: str
    label: str
    count: int


def lenses(trace: TraceRow) -> list[Lens]:
    """Return the lenses that leave rows; without a second one, none."""
    families = [
        Lens(
            name,
            label,
            sum(n for kind, n in trace.kinds.items() if FAMILY_OF_KIND.get(kind) == name),
        )
        for name, label in (("model", "Model"), ("tools", "Tools"))
    ]
    errors = Lens("errors", "Errors", trace.error_count)
    chosen = [lens for lens in (*families, errors) if lens.count]
    return [Lens("", "All", trace.span_count), *chosen] if chosen else []


def hit_buckets(trace: TraceRow, axis: Axis) -> list[int]:
    """Return the buckets of the minimap in which search hits start."""
    log = _open_search(trace)
    if log is None:
        return []
    counts = log.buckets(axis.start, axis.end, BUCKETS)
    return [bucket for bucket, count in enumerate(counts) if count]


def _search_words() -> str:
    return (page_parameter("q") or "").strip()


def _open_search(trace: TraceRow) -> Log | None:
    """Return the log filtered by the search, once per request: head and minimap both read it.

    None: nothing is searched for, or the timeline of the trace is not built yet.
    """
    words = _search_words()
    if not words:
        return None
    key = (trace.project_id, trace.trace_id, words)
    logs: dict[tuple[str, str, str], Log | None] = g.setdefault("searches", {})
    if key not in logs:
        logs[key] = open_log(trace.project_id, trace.trace_id, Query(words=words).log_filter())
    return logs[key]

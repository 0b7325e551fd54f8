"""What the head of each page of a trace explains: where the time went, what was found."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g

from tracer.analysis.activity import BUCKETS
from tracer.analysis.headline import Headline
from tracer.store.analyses.summaries import read_headline
from tracer.store.timeline.log import Log, Query, SearchPosition
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.address import chosen
from tracer.ui.base.blueprint import bp
from tracer.ui.trace.timeline import open_log, read_findings
from tracer.ui.waterfall.axis import Axis


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the head says; None: it is still being worked out."""

    headline: Headline | None
    findings: int | None


@bp.app_template_global()
def explanation(trace: TraceRow) -> Explanation:
    """Return the explanation of a trace, for the template that heads its pages."""
    findings = read_findings(trace.project_id, trace.trace_id)
    return Explanation(
        headline=read_headline(trace.project_id, trace.trace_id),
        findings=len(findings.found) + findings.left_out if findings else None,
    )


@bp.app_template_global()
def searched() -> str:
    """Return the words that are searched for on the page of a trace."""
    return (chosen("q") or "").strip()


@bp.app_template_global()
def search_place(trace: TraceRow) -> SearchPosition | None:
    """Return where the selected span stands among the hits.

    None: nothing is searched for, or the trace is still being put in order.
    """
    log = _hits(trace)
    return log.position(chosen("span")) if log is not None else None


@bp.app_template_global()
def search_hits(trace: TraceRow, axis: Axis) -> list[int]:
    """Return the parts of the minimap in which hits begin."""
    log = _hits(trace)
    if log is None:
        return []
    counts = log.buckets(axis.start, axis.end, BUCKETS)
    return [place for place, count in enumerate(counts) if count]


def _hits(trace: TraceRow) -> Log | None:
    """Return the log of what is searched for; several parts of a page ask for the same."""
    if not searched():
        return None
    key = (trace.project_id, trace.trace_id, searched())
    held: dict[tuple[str, str, str], Log | None] = g.setdefault("hits", {})
    if key not in held:
        held[key] = open_log(*key[:2], Query(words=key[2]).log_filter())
    return held[key]

"""What the head of each page of a trace explains: where the time went, what was found."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from tracer.analysis.headline import Headline
from tracer.store.explanations import read_headline
from tracer.store.findings import read_findings
from tracer.store.log import Place, Query, open_log
from tracer.store.spans import read_rows
from tracer.store.traces import TraceRow
from tracer.ui.pages import bp


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
def search_place(trace: TraceRow) -> Place | None:
    """Return where the selected span stands among the hits of ``q``.

    None: nothing is searched for, or the trace is still being put in order.
    """
    words, span_id = request.args.get("q", "").strip(), request.args.get("span")
    if not words:
        return None
    log = open_log(trace.project_id, trace.trace_id, Query(words=words).asked())
    if log is None:
        return None
    held = read_rows(trace.project_id, trace.trace_id, [span_id]) if span_id else {}
    return log.place(held.get(span_id or ""))

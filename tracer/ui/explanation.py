"""What the head of each page of a trace explains: where the time went, how much was found."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.analysis.headline import Headline
from tracer.store.explanations import read_headline
from tracer.store.findings import read_findings
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

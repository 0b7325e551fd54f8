"""The findings of a trace: highlights and issues by kind, each with its spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from flask import request

from tracer.analysis.findings.finding import ISSUES, Finding
from tracer.analysis.findings.findings import Findings
from tracer.errors import TooSlow
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.values import quoted
from tracer.store.query.selection import Selection as TraceSelection
from tracer.store.selections.exporting import count_selection
from tracer.store.traces.span_tree import SpanRow, read_rows
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.trace.context import Selection, find_shown, panel_of, trace_context
from tracer.ui.trace.head import head_of
from tracer.ui.trace.timeline import read_findings
from tracer.ui.waterfall.from_request import axis_of
from tracer.ui.waterfall.window import Window

LABELS = {
    "failed": "What failed",
    "slowest": "What took longest",
    "dearest": "What cost most",
    "schema": "Schema violation",
    "cut": "Truncated answers",
    "retried": "Retries",
    "repeated": "Repeated calls",
    "cache": "Broken cache",
    "window": "Full context window",
    "resent": "Result sent again",
}
ICONS = {
    "failed": "error",
    "slowest": "gap",
    "dearest": "generation",
    "schema": "error",
    "cut": "warning",
    "retried": "warning",
    "repeated": "fold",
    "cache": "warning",
    "window": "warning",
    "resent": "fold",
}


_MAX_ERROR_LENGTH: Final = 200
"""Characters of an error message by which other traces with the same error are searched."""
_COUNT_SECONDS: Final = 1


class FindingsData(msgspec.Struct, kw_only=True):
    """The findings; `data` is null until the worker has computed those of a large trace."""

    highlights: list[Finding]
    """What failed, took longest and cost most."""
    data: list[Finding] | None
    left_out: int


@dataclass(frozen=True, slots=True)
class FindingItem:
    """One finding with those of its spans that still exist."""

    finding: Finding
    icon: str
    label: str
    spans: list[SpanRow]

    @property
    def more(self) -> int:
        """The number of its spans beyond those that the analysis names."""
        return self.finding.count - len(self.finding.spans)


@dataclass(frozen=True, slots=True)
class SameError:
    """The other traces of the last day with the error of a trace."""

    query: str
    count: int | None
    """None: counting them took too long."""


@html_and_json("/project/<project_id>/traces/<id:trace_id>/findings")
def trace_findings(project_id: str, trace_id: str) -> Representations:
    """Show the findings."""
    selected = request.args.get("span")
    trace = find_shown(project_id, trace_id, selected)
    findings = read_findings(project_id, trace_id)
    selection = Selection.read(trace, selected)
    return Representations(
        "views/findings.html",
        context=lambda: {
            **trace_context(trace),
            **head_of(trace),
            "view": "findings",
            "findings": findings,
            "items": _items(project_id, trace_id, findings) if findings else [],
            "same_error": _same_error(trace),
            "absent": _absent(findings) if findings else [],
            "checks": len(ISSUES),
            "selected": selection.span_id,
            "panel": panel_of(selection),
            "ticks": Window(axis_of(trace), axis_of(trace)).ticks(),
        },
        data=lambda: FindingsData(
            highlights=findings.highlights if findings else [],
            data=findings.findings if findings else None,
            left_out=findings.left_out if findings else 0,
        ),
    )


def _same_error(trace: TraceRow) -> SameError | None:
    """Return the other traces of the last day that failed alike; None: the trace did not fail."""
    if not trace.error_message:
        return None
    message = trace.error_message[:_MAX_ERROR_LENGTH]
    query = f"error:{quoted(message)} start:>-24h -id:{quoted(trace.trace_id)}"
    try:
        selection = TraceSelection(parse(query, Grain.TRACE))
        return SameError(query, count_selection(trace.project_id, selection, _COUNT_SECONDS))
    except TooSlow:
        return SameError(query, None)


def _absent(findings: Findings) -> list[str]:
    """Return the issues that the trace was checked for and does not have."""
    present = {finding.kind for finding in findings.findings}
    return [LABELS[kind] for kind in ISSUES if kind not in present]


def _items(project_id: str, trace_id: str, findings: Findings) -> list[FindingItem]:
    all_findings = [*findings.highlights, *findings.findings]
    span_ids = {span_id for finding in all_findings for span_id in finding.spans}
    rows = read_rows(project_id, trace_id, span_ids)
    return [
        FindingItem(
            finding,
            ICONS[finding.kind],
            LABELS[finding.kind],
            [rows[span_id] for span_id in finding.spans if span_id in rows],
        )
        for finding in all_findings
    ]

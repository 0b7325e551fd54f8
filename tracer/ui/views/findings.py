"""The findings of a trace: what to look at first, each with its spans."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from flask import request

from tracer.analysis.findings import Finding, Findings
from tracer.store.traces.span_tree import SpanRow, read_rows
from tracer.ui.base.representations import Shown, twin
from tracer.ui.trace.context import Choice, common, find_trace, panel_of
from tracer.ui.trace.head import head_of
from tracer.ui.trace.timeline import read_findings

ICONS = {"schema": "error", "cut": "warning", "retried": "warning", "repeated": "fold"}


class FindingsData(msgspec.Struct, kw_only=True):
    """What was found; `data` is null while the worker is at a large trace."""

    data: list[Finding] | None
    left_out: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """One finding with those of its spans that are still there."""

    finding: Finding
    icon: str
    spans: list[SpanRow]

    @property
    def more(self) -> int:
        """Spans that it doesn't name."""
        return self.finding.count - len(self.finding.spans)


@twin("/project/<project_id>/traces/<id:trace_id>/findings")
def trace_findings(project_id: str, trace_id: str) -> Shown:
    """Show what was found."""
    found = find_trace(project_id, trace_id)
    told = read_findings(project_id, trace_id)
    chosen = Choice.of(found, request.args.get("span"))
    return Shown(
        "views/findings.html",
        context=lambda: {
            **common(found),
            **head_of(found),
            "view": "findings",
            "told": told,
            "shelves": _shelves(project_id, trace_id, told) if told else [],
            "selected": chosen.span_id,
            "panel": panel_of(chosen),
            "keep": "",
        },
        data=lambda: FindingsData(
            data=told.found if told else None, left_out=told.left_out if told else 0
        ),
    )


def _shelves(project_id: str, trace_id: str, told: Findings) -> list[Shelf]:
    named = {span_id for finding in told.found for span_id in finding.spans}
    rows = read_rows(project_id, trace_id, named)
    return [
        Shelf(
            finding,
            ICONS.get(finding.kind, "warning"),
            [rows[span_id] for span_id in finding.spans if span_id in rows],
        )
        for finding in told.found
    ]

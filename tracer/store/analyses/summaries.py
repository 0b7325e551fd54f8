"""Reads the trace-level analyses (time breakdown, statistics) as typed values."""

from __future__ import annotations

import msgspec

from tracer.analysis.statistics import Statistics
from tracer.analysis.time_breakdown import TimeBreakdown
from tracer.store.analyses.forests import read_analysis


def read_time_breakdown(project_id: str, trace_id: str) -> TimeBreakdown | None:
    """Return where the time of a trace went; None: a large trace that is not analysed yet."""
    stored = read_analysis(project_id, trace_id, "headline")
    # Computed on read it has its type already; stored it is JSON.
    return None if stored is None else msgspec.convert(stored, TimeBreakdown, from_attributes=True)


def read_statistics(project_id: str, trace_id: str) -> Statistics | None:
    """Return the statistics of a trace's spans; None: a large trace that is not analysed yet."""
    statistics = read_analysis(project_id, trace_id, "statistics")
    if statistics is None or isinstance(statistics, Statistics):
        return statistics
    return msgspec.convert(statistics, Statistics, strict=False)

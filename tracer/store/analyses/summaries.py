"""Reads the trace-level analyses (headline, statistics) as typed values."""

from __future__ import annotations

import msgspec

from tracer.analysis.headline import Headline
from tracer.analysis.statistics import Statistics
from tracer.store.analyses.forests import read_analysis


def read_headline(project_id: str, trace_id: str) -> Headline | None:
    """Return where the time of a trace went; None: a large trace that is not analysed yet."""
    headline = read_analysis(project_id, trace_id, "headline")
    # Computed on read it has its type already; stored it is JSON.
    return None if headline is None else msgspec.convert(headline, Headline, from_attributes=True)


def read_statistics(project_id: str, trace_id: str) -> Statistics | None:
    """Return the statistics of a trace's spans; None: a large trace that is not analysed yet."""
    statistics = read_analysis(project_id, trace_id, "statistics")
    if statistics is None or isinstance(statistics, Statistics):
        return statistics
    return msgspec.convert(statistics, Statistics, strict=False)

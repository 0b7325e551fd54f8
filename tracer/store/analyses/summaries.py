"""What is told of whole traces, as the types that the analyses make."""

from __future__ import annotations

import msgspec

from tracer.analysis.headline import Headline
from tracer.analysis.statistics import Statistics
from tracer.store.analyses.forests import read_part


def read_headline(project_id: str, trace_id: str) -> Headline | None:
    """Return where the time of a trace went; None: it is still being counted."""
    told = read_part(project_id, trace_id, "headline")
    # Of a small trace it comes as it was made, of a large one as it was stored.
    return None if told is None else msgspec.convert(told, Headline, from_attributes=True)


def read_statistics(project_id: str, trace_id: str) -> Statistics | None:
    """Return what a trace's spans have in common; None: they are still being counted."""
    told = read_part(project_id, trace_id, "statistics")
    if told is None or isinstance(told, Statistics):
        return told
    return msgspec.convert(told, Statistics, strict=False)

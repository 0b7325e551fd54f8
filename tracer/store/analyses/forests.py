"""Reads whole small traces for analyses on read, and stored analyses of large traces."""

from __future__ import annotations

import time
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.forest import Forest
from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.trace_analyses import TRACE_ANALYSES
from tracer.extensions import db
from tracer.store import thresholds
from tracer.store.analyses.compute import FACTS

# Every span may have a placeholder as its parent, which is a row but not counted as a span.
_MAX_ROWS: Final = 2 * thresholds.MAX_SPANS_ANALYSED
_FACTS = sa.text(FACTS.format(project=":project", trace=":trace") + " LIMIT :max_rows")

# Selects a single analysis: the others may be large.
_STORED_ANALYSIS = sa.text("""
    SELECT analysed = revision, parts -> :name FROM analyses
    WHERE project_id = :project AND trace_id = :trace
""")


def read_small(project_id: str, trace_id: str, now: int = 0) -> Forest | None:
    """Return the spans of a trace as a forest; None: the trace is too large to analyse on read.

    ``now`` (µs since the epoch): up to when running spans are known to run.
    """
    values = {"project": project_id, "trace": trace_id, "max_rows": _MAX_ROWS + 1}
    rows = db.session.execute(_FACTS, values).all()
    return Forest.build(rows, now) if len(rows) <= _MAX_ROWS else None


def read_analysis(project_id: str, trace_id: str, name: str) -> Any:
    """Return the analysis `TRACE_ANALYSES[name]` of a trace; None: it has not been stored yet."""
    key = {"project": project_id, "trace": trace_id}
    row = db.session.execute(_STORED_ANALYSIS, key | {"name": name}).one_or_none()
    if row is not None:
        return row[1] if row[0] else None
    # Work that is under way counts up to now.
    forest = read_small(project_id, trace_id, time.time_ns() // 1000)
    return None if forest is None else TRACE_ANALYSES[name](AnalysisInputs(forest))

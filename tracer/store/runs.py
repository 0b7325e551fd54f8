"""Long runs of like siblings: as the worker stored them, or of a small trace as it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from tracer.analysis.runs import LongRun, long_runs
from tracer.analysis.whole import Whole
from tracer.extensions import db
from tracer.store.analysis_schema import analyses, runs
from tracer.store.forests import read_small


def read_runs(project_id: str, trace_id: str, first_ids: Sequence[str]) -> dict[str, LongRun]:
    """Return those of the long runs that begin with these spans, by the span.

    A run is missing, too, while its trace is still being counted.
    """
    if not first_ids:
        return {}
    stored = _read_stored(project_id, trace_id, first_ids)
    return _find(project_id, trace_id, first_ids) if stored is None else stored


def _read_stored(
    project_id: str, trace_id: str, first_ids: Sequence[str]
) -> dict[str, LongRun] | None:
    """Return what is stored and still holds; None: the trace is small."""
    # In one statement with the revision, so that both are of one moment.
    its = sa.and_(
        runs.c.project_id == analyses.c.project_id,
        runs.c.trace_id == analyses.c.trace_id,
        runs.c.span_id.in_(first_ids),
        analyses.c.analysed == analyses.c.revision,
    )
    query = (
        sa.select(runs.c.facts)
        .select_from(analyses.outerjoin(runs, its))
        .where(analyses.c.project_id == project_id, analyses.c.trace_id == trace_id)
    )
    found: Sequence[Any] = db.session.execute(query).scalars().all()
    if not found:
        return None
    told = [msgspec.convert(facts, LongRun) for facts in found if facts is not None]
    return {run.first_id: run for run in told}


def _find(project_id: str, trace_id: str, first_ids: Sequence[str]) -> dict[str, LongRun]:
    forest = read_small(project_id, trace_id)
    if forest is None:
        return {}
    wanted = set(first_ids)
    found = long_runs(Whole(forest))
    return {run.first_id: run for run in found if run.first_id in wanted}

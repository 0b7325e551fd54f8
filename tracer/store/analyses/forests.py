"""Whole traces for analyses: small ones read at once, the parts of large ones as stored."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.forest import Forest
from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.trace_analyses import TRACE_ANALYSES
from tracer.extensions import db
from tracer.store.analyses.compute import FACTS, SMALL_SPANS

# Each span may have a placeholder above it, which counts nowhere but is a row.
_MOST_ROWS: Final = 2 * SMALL_SPANS
_FACTS = sa.text(FACTS.format(project=":project", trace=":trace") + " LIMIT :most")

# One of them alone: the others may be large.
_PART = sa.text("""
    SELECT analysed = revision, parts -> :name FROM analyses
    WHERE project_id = :project AND trace_id = :trace
""")


def read_small(project_id: str, trace_id: str) -> Forest | None:
    """Return the forest of a trace, None: it is too large to be read at once."""
    values = {"project": project_id, "trace": trace_id, "most": _MOST_ROWS + 1}
    rows = db.session.execute(_FACTS, values).all()
    return Forest.build(rows) if len(rows) <= _MOST_ROWS else None


def read_part(project_id: str, trace_id: str, name: str) -> Any:
    """Return the analysis `TRACE_ANALYSES[name]` of a trace; None: it is not computed yet."""
    key = {"project": project_id, "trace": trace_id}
    row = db.session.execute(_PART, key | {"name": name}).one_or_none()
    if row is not None:
        return row[1] if row[0] else None
    forest = read_small(project_id, trace_id)
    return None if forest is None else TRACE_ANALYSES[name](AnalysisInputs(forest))

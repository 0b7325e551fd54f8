"""Reading scores: the judgements of a trace, one of its spans, or a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from tracer.extensions import db
from tracer.records import Json
from tracer.store.schema import scores

MOST = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRow:
    """One judgement; `value` or `string_value` holds it, by `data_type`."""

    score_id: str
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    name: str
    data_type: str
    value: float | None
    string_value: str | None
    comment: str | None
    source: str
    metadata: dict[str, Json]
    time: datetime


def list_scores(
    project_id: str,
    *,
    trace_id: str | None = None,
    span_id: str | None = None,
    session_id: str | None = None,
) -> list[ScoreRow]:
    """Return the scores of a trace (narrowed to a span) or of a session, oldest first.

    At most MOST of them: a page that listed more would help nobody.
    """
    query = sa.select(*[scores.c[name] for name in ScoreRow.__dataclass_fields__]).where(
        scores.c.project_id == project_id
    )
    for column, wanted in (
        ("trace_id", trace_id),
        ("span_id", span_id),
        ("session_id", session_id),
    ):
        if wanted is not None:
            query = query.where(scores.c[column] == wanted)
    rows = db.session.execute(query.order_by(scores.c.time, scores.c.score_id).limit(MOST))
    return [ScoreRow(**{**row, "trace_id": row["trace_id"] or None}) for row in rows.mappings()]

"""Deletes scores, and marks their hours for a recount."""

from __future__ import annotations

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.schema import score_hours_due, scores


def delete_scores(*conditions: sa.ColumnElement[bool]) -> bool:
    """Delete the scores that meet the conditions; return whether there was any."""
    hour = sa.func.date_trunc("hour", scores.c.trace_start, "UTC")
    query = sa.delete(scores).where(*conditions).returning(scores.c.project_id, hour)
    deleted = db.session.execute(query).all()
    marks = {(project_id, start) for project_id, start in deleted if start is not None}
    if marks:
        rows = [{"project_id": project_id, "start": start} for project_id, start in marks]
        db.session.execute(sa.insert(score_hours_due), rows)
    return bool(deleted)

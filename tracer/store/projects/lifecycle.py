"""Archives and deletes projects, and counts the rows that a deletion would remove."""

from __future__ import annotations

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.schema import (
    api_keys,
    comments,
    datasets,
    projects,
    prompts,
    scores,
    sessions,
    traces,
)

_COUNTED = (traces, sessions, scores, comments, prompts, datasets, api_keys)


def archive_project(project_id: str, *, archived: bool) -> None:
    """Make a project read-only, or writable again."""
    _update(project_id, archived_at=sa.func.now() if archived else None)


def delete_project(project_id: str) -> None:
    """Hide a project and all its data at once; `tracer/store/deletion` purges its rows."""
    _update(project_id, deleted_at=sa.func.now())


def project_contents(project_id: str) -> dict[str, int]:
    """Return the number of rows that a deletion would remove, by the name of the table."""
    return {
        table.name: db.session.execute(
            sa.select(sa.func.count()).where(table.c.project_id == project_id)
        ).scalar_one()
        for table in _COUNTED
    }


def _update(project_id: str, **values: object) -> None:
    query = sa.update(projects).where(projects.c.project_id == project_id)
    db.session.execute(query.values(**values))

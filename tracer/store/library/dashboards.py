"""Dashboards: versioned documents that members create, change and copy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from tracer.dashboards.document import Dashboard, read_dashboard, write_dashboard
from tracer.errors import Conflict, Invalid, NotFound
from tracer.extensions import db
from tracer.store.annotations.subjects import Author
from tracer.store.schema import dashboards

MAX_DASHBOARDS: Final = 500
"""Limit per project."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDashboard:
    """A dashboard with its id and version, and the author of its last change."""

    dashboard_id: str
    dashboard: Dashboard
    version: int
    author: str | None
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DashboardSummary:
    """A dashboard as a row of a list."""

    dashboard_id: str
    name: str
    description: str
    tiles: int
    author: str | None
    updated_at: datetime


def create_dashboard(project_id: str, dashboard: Dashboard, author: Author) -> StoredDashboard:
    """Add a dashboard; raises Invalid if the project has too many."""
    count = sa.select(sa.func.count()).where(dashboards.c.project_id == project_id)
    if db.session.execute(count).scalar_one() >= MAX_DASHBOARDS:
        raise Invalid.of_field("", f"a project has at most {MAX_DASHBOARDS} dashboards")
    dashboard_id = secrets.token_hex(8)
    db.session.execute(
        sa.insert(dashboards).values(
            project_id=project_id, dashboard_id=dashboard_id, **_values(dashboard, author)
        )
    )
    return get_dashboard(project_id, dashboard_id)


def get_dashboard(project_id: str, dashboard_id: str) -> StoredDashboard:
    """Return a dashboard; raises NotFound."""
    row = db.session.execute(
        sa.select(dashboards).where(*_of_dashboard(project_id, dashboard_id))
    ).one_or_none()
    if row is None:
        raise NotFound.of("dashboard", dashboard_id)
    return StoredDashboard(
        dashboard_id=row.dashboard_id,
        dashboard=read_dashboard(row.document),
        version=row.version,
        author=row.author,
        updated_at=row.updated_at,
    )


def list_dashboards(project_id: str) -> list[DashboardSummary]:
    """Return the project's dashboards, by name."""
    table = dashboards.c
    query = (
        sa.select(
            table.dashboard_id,
            table.name,
            sa.func.coalesce(table.document["description"].astext, "").label("description"),
            sa.func.jsonb_array_length(
                sa.func.coalesce(table.document["tiles"], sa.literal([], table.document.type))
            ).label("tiles"),
            table.author,
            table.updated_at,
        )
        .where(table.project_id == project_id)
        .order_by(sa.func.lower(table.name), table.dashboard_id)
    )
    return [DashboardSummary(**row._mapping) for row in db.session.execute(query)]


def change_dashboard(
    project_id: str, dashboard_id: str, dashboard: Dashboard, author: Author, *, version: int
) -> StoredDashboard:
    """Replace the document of a dashboard if `version` is still its current version.

    Raises NotFound, and Conflict if another member has changed it since that version.
    """
    changed = db.session.execute(
        sa.update(dashboards)
        .where(*_of_dashboard(project_id, dashboard_id), dashboards.c.version == version)
        .values(version=version + 1, updated_at=sa.func.now(), **_values(dashboard, author))
        .returning(dashboards.c.version)
    ).one_or_none()
    stored = get_dashboard(project_id, dashboard_id)
    if changed is None:
        who = stored.author or "somebody else"
        raise Conflict(
            f"{who} changed this dashboard meanwhile: read it again, and repeat the change"
        )
    return stored


def delete_dashboard(project_id: str, dashboard_id: str) -> bool:
    """Delete a dashboard; False: there is none."""
    gone = sa.delete(dashboards).where(*_of_dashboard(project_id, dashboard_id))
    return db.session.execute(gone.returning(dashboards.c.version)).one_or_none() is not None


def _of_dashboard(project_id: str, dashboard_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return dashboards.c.project_id == project_id, dashboards.c.dashboard_id == dashboard_id


def _values(dashboard: Dashboard, author: Author) -> dict[str, object]:
    return {
        "name": dashboard.name,
        "document": write_dashboard(dashboard),
        **author.values(),
    }

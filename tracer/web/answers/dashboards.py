"""Answers about dashboards."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tracer.dashboards.document import Dashboard
from tracer.dashboards.library import READY, ready
from tracer.store.library.dashboards import DashboardSummary, StoredDashboard
from tracer.times import json_time
from tracer.web.answers.traces import Time

_READY_DESCRIPTION = "true: it comes with Tracer and can only be cloned"


class DashboardRow(msgspec.Struct, kw_only=True):
    """A dashboard in a list."""

    id: str
    name: str
    description: str
    tiles: Annotated[int, Meta(description="number of charts")]
    ready: Annotated[bool, Meta(description=_READY_DESCRIPTION)]
    author: Annotated[str | None, Meta(description="who changed it last, if known")] = None
    updated_at: Time | None = None


class DashboardList(msgspec.Struct, kw_only=True):
    """The project's dashboards by name, then those that come with Tracer."""

    data: list[DashboardRow]


class DashboardDetail(msgspec.Struct, kw_only=True):
    """A dashboard with its document, which `POST /api/v1/dashboards` accepts unchanged."""

    id: str
    version: Annotated[int, Meta(description="grows with each change; 0: it comes with Tracer")]
    ready: Annotated[bool, Meta(description=_READY_DESCRIPTION)]
    author: Annotated[str | None, Meta(description="who changed it last, if known")]
    updated_at: Time | None
    document: Dashboard


def dashboard_list(rows: list[DashboardSummary]) -> DashboardList:
    """Return the answer for the dashboards of a project."""
    stored = [
        DashboardRow(
            id=row.dashboard_id,
            name=row.name,
            description=row.description,
            tiles=row.tiles,
            ready=False,
            author=row.author,
            updated_at=json_time(row.updated_at),
        )
        for row in rows
    ]
    return DashboardList(data=stored + [_ready_row(name) for name in READY])


def _ready_row(name: str) -> DashboardRow:
    document = ready(name)
    assert document is not None
    return DashboardRow(
        id=name,
        name=document.name,
        description=document.description,
        tiles=len(document.tiles),
        ready=True,
    )


def dashboard_detail(row: StoredDashboard) -> DashboardDetail:
    """Return the answer for a dashboard of the project."""
    return DashboardDetail(
        id=row.dashboard_id,
        version=row.version,
        ready=False,
        author=row.author,
        updated_at=json_time(row.updated_at),
        document=row.dashboard,
    )


def ready_detail(name: str, document: Dashboard) -> DashboardDetail:
    """Return the answer for a dashboard that comes with Tracer."""
    return DashboardDetail(
        id=name, version=0, ready=True, author=None, updated_at=None, document=document
    )

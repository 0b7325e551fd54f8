"""The first requests of a client: the server's health, and the project of its key."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

import tracer
from tracer.api.langfuse.answers import Answer
from tracer.errors import StoreUnavailable
from tracer.store.database.session import ping
from tracer.store.projects.projects import get_project
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe

bp = Blueprint("langfuse_server", __name__, url_prefix=PREFIX)
set_up(bp)
# Health checks are unauthenticated.
open_bp = Blueprint("langfuse_health", __name__, url_prefix=PREFIX)


class Health(Answer, kw_only=True):
    """The health and version of the server."""

    status: str
    version: str


class Organization(Answer, kw_only=True):
    """The owner of a project: there is one organisation, the server itself."""

    id: str
    name: str


class Project(Answer, kw_only=True):
    """The project of the API key."""

    id: str
    name: str
    organization: Organization
    metadata: dict[str, Any]
    retention_days: int | None


class Projects(Answer, kw_only=True):
    """The single project of the API key."""

    data: list[Project]


@open_bp.get("/health")
def health() -> Response:
    """Answer 200; or 503 where a check of the database is requested and the database is down."""
    try:
        ping()
    except StoreUnavailable:
        if request.args.get("failIfDatabaseUnavailable") == "true":
            return reply(Health(status="Database not available", version=tracer.__version__), 503)
    return reply(Health(status="OK", version=tracer.__version__))


@open_bp.get("/ready")
def ready() -> Response:
    """Answer 200: a server that can't serve does not answer at all."""
    return reply(Health(status="OK", version=tracer.__version__))


@bp.get("/projects")
@describe(Operation(summary="Read the key's project", answers={200: Projects}, problems=PROBLEMS))
def list_projects() -> Response:
    """Return the project of the key: clients verify keys by it, and build links from it."""
    row = get_project(current_project_id())
    assert row is not None, "the key belongs to this project"
    project = Project(
        id=row.project_id,
        name=row.name,
        organization=Organization(id="tracer", name="Tracer"),
        metadata={},
        retention_days=None,
    )
    return reply(Projects(data=[project]))

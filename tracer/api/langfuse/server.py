"""What clients ask first: whether the server is well, and which project their key opens."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

import tracer
from tracer.api.langfuse.answers import Answer
from tracer.errors import StoreUnavailable
from tracer.store.database.session import ping
from tracer.store.projects.projects import get_project
from tracer.web.keys import project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe

bp = Blueprint("langfuse_server", __name__, url_prefix=PREFIX)
set_up(bp)
# A health check has no key.
open_bp = Blueprint("langfuse_health", __name__, url_prefix=PREFIX)


class Health(Answer, kw_only=True):
    """That the server answers, and its version."""

    status: str
    version: str


class Organization(Answer, kw_only=True):
    """Whose the project is: there is one organisation, the server itself."""

    id: str
    name: str


class Project(Answer, kw_only=True):
    """The project of the key."""

    id: str
    name: str
    organization: Organization
    metadata: dict[str, Any]
    retention_days: int | None


class Projects(Answer, kw_only=True):
    """The one project that the key opens."""

    data: list[Project]


@open_bp.get("/health")
def health() -> Response:
    """Answer 200, and 503 where the database does not answer and that is asked for."""
    try:
        ping()
    except StoreUnavailable:
        if request.args.get("failIfDatabaseUnavailable") == "true":
            return reply(Health(status="Database not available", version=tracer.__version__), 503)
    return reply(Health(status="OK", version=tracer.__version__))


@open_bp.get("/ready")
def ready() -> Response:
    """Answer 200: who can't serve does not answer at all."""
    return reply(Health(status="OK", version=tracer.__version__))


@bp.get("/projects")
@describe(Operation(summary="Read the key's project", answers={200: Projects}, problems=PROBLEMS))
def list_projects() -> Response:
    """Return the project whose key was sent, by which clients check it and make their links."""
    project = get_project(project_id())
    assert project is not None, "the key was found in it"
    found = Project(
        id=project.project_id,
        name=project.name,
        organization=Organization(id="tracer", name="Tracer"),
        metadata={},
        retention_days=None,
    )
    return reply(Projects(data=[found]))

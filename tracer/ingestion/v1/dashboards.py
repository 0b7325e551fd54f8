"""Writes of dashboards: added, replaced, cloned and deleted."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from flask import Blueprint, Response
from msgspec import Meta

from tracer.dashboards.document import Dashboard, check_dashboard
from tracer.dashboards.library import ready
from tracer.errors import Invalid, NotFound
from tracer.ingestion.v1.jobs import API
from tracer.ingestion.writing import json_body
from tracer.store.annotations.subjects import Author
from tracer.store.database.session import transaction
from tracer.store.library.dashboards import (
    change_dashboard,
    create_dashboard,
    delete_dashboard,
    get_dashboard,
)
from tracer.web.answers.annotations import Removed
from tracer.web.answers.dashboards import DashboardDetail, dashboard_detail
from tracer.web.keys import current_project_id
from tracer.web.operations import Operation, answer, describe, read_query, set_up
from tracer.wire.reading import read_item, read_storable_json

PROBLEMS: Final = (400, 401, 404, 413, 415, 503)
_AUTHOR: Final = Author(author_id=API)

bp = Blueprint("dashboard_writes", __name__, url_prefix="/api/v1")
set_up(bp)


class ReplaceQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The version of a dashboard that may be replaced."""

    version: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="refuse (409) if it has another version; absent: replace any"),
    ] = None


class DashboardClone(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The fields in which a copy differs from its original."""

    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None,
        Meta(description="absent: Copy of … the original's"),
    ] = None


@bp.post("/dashboards")
@describe(
    Operation(
        summary="Add a dashboard",
        body=Dashboard,
        answers={201: DashboardDetail},
        problems=(400, 401, 413, 415, 503),
    )
)
def add_dashboard() -> Response:
    """Add a dashboard; its document must be valid, with the question of every tile."""
    return _create(_read_document())


@bp.put("/dashboards/<id:dashboard_id>")
@describe(
    Operation(
        summary="Replace the document of a dashboard",
        body=Dashboard,
        query=ReplaceQuery,
        answers={200: DashboardDetail},
        problems=(*PROBLEMS, 409),
    )
)
def replace_dashboard(dashboard_id: str) -> Response:
    """Replace a dashboard; Conflict if it was changed since `version`."""
    version, document = read_query(ReplaceQuery).version, _read_document()
    _check_not_built_in(dashboard_id)
    with transaction():
        if version is None:
            version = get_dashboard(current_project_id(), dashboard_id).version
        row = change_dashboard(
            current_project_id(), dashboard_id, document, _AUTHOR, version=version
        )
    return answer(dashboard_detail(row))


@bp.post("/dashboards/<id:dashboard_id>/clone")
@describe(
    Operation(
        summary="Copy a dashboard",
        body=DashboardClone,
        answers={201: DashboardDetail},
        problems=PROBLEMS,
    )
)
def clone_dashboard(dashboard_id: str) -> Response:
    """Add a copy of a dashboard of the project, or of one that comes with Tracer."""
    sent = read_item(read_storable_json(json_body()), DashboardClone)
    original = ready(dashboard_id) or get_dashboard(current_project_id(), dashboard_id).dashboard
    name = sent.name or f"Copy of {original.name}"[:200]
    return _create(msgspec.structs.replace(original, name=name))


@bp.delete("/dashboards/<id:dashboard_id>")
@describe(
    Operation(summary="Delete a dashboard", answers={200: Removed}, problems=(400, 401, 404, 503))
)
def remove_dashboard(dashboard_id: str) -> Response:
    """Delete a dashboard of the project."""
    _check_not_built_in(dashboard_id)
    with transaction():
        if not delete_dashboard(current_project_id(), dashboard_id):
            raise NotFound.of("dashboard", dashboard_id)
    return answer(Removed(id=dashboard_id, deleted=True))


def _read_document() -> Dashboard:
    """Return the document in the request's body; raises Invalid with the field."""
    document = read_item(read_storable_json(json_body()), Dashboard)
    check_dashboard(document)
    return document


def _check_not_built_in(dashboard_id: str) -> None:
    if ready(dashboard_id) is not None:
        raise Invalid.of_field("dashboard_id", "this dashboard comes with Tracer: clone it")


def _create(document: Dashboard) -> Response:
    with transaction():
        row = create_dashboard(current_project_id(), document, _AUTHOR)
    return answer(dashboard_detail(row), 201)

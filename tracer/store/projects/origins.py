"""The web origins whose pages may send spans to a project."""

from __future__ import annotations

import re
from typing import Final

import sqlalchemy as sa

from tracer.errors import Invalid
from tracer.extensions import db
from tracer.store.schema import projects

MAX_ORIGINS: Final = 50
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def get_origins(project_id: str) -> list[str]:
    """Return the origins of a project."""
    query = sa.select(projects.c.cors_origins).where(projects.c.project_id == project_id)
    return list(db.session.scalar(query) or [])


def set_origins(project_id: str, origins: list[str]) -> None:
    """Replace the origins of a project. Raises Invalid for a malformed one."""
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise Invalid.of_field("origins", f"{origin!r}: expected https://app.example.com")
    if len(origins) > MAX_ORIGINS:
        raise Invalid.of_field("origins", f"expected at most {MAX_ORIGINS}")
    query = sa.update(projects).where(projects.c.project_id == project_id)
    db.session.execute(query.values(cors_origins=origins))


def allows_origin(project_id: str, origin: str) -> bool:
    """Return whether the project's list contains an origin."""
    return origin in get_origins(project_id)


def any_project_allows(origin: str) -> bool:
    """Return whether the list of any project of the server contains an origin."""
    query = sa.select(
        sa.exists().where(
            projects.c.cors_origins.contains([origin]), projects.c.deleted_at.is_(None)
        )
    )
    return bool(db.session.scalar(query))

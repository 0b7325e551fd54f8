"""The roles of members in projects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.errors import Conflict
from tracer.extensions import db
from tracer.store.schema import members, projects, roles

VIEWER, MEMBER, ADMIN, OWNER = "viewer", "member", "admin", "owner"
ROLES: Final = (VIEWER, MEMBER, ADMIN, OWNER)
"""The roles, the least powerful first."""


@dataclass(frozen=True, slots=True)
class ProjectMember:
    """A member of a project, as the members page lists it."""

    member_id: str
    name: str
    email: str | None
    role: str
    identity: str | None
    seen_at: datetime | None
    disabled_at: datetime | None


def role_in(member_id: str, project_id: str) -> str | None:
    """Return a member's role in a project; None: no access."""
    query = sa.select(roles.c.role).where(
        roles.c.member_id == member_id, roles.c.project_id == project_id
    )
    role: str | None = db.session.scalar(query)
    return role


def roles_of(member_id: str) -> dict[str, str]:
    """Return a member's roles by project id, for projects that exist."""
    query = (
        sa.select(roles.c.project_id, roles.c.role)
        .join(projects, projects.c.project_id == roles.c.project_id)
        .where(roles.c.member_id == member_id, projects.c.deleted_at.is_(None))
        .order_by(projects.c.name)
    )
    return {row.project_id: row.role for row in db.session.execute(query)}


def list_project_members(project_id: str) -> list[ProjectMember]:
    """Return the members of a project by name."""
    query = (
        sa.select(
            members.c.member_id,
            members.c.name,
            members.c.email,
            roles.c.role,
            members.c.identity,
            members.c.seen_at,
            members.c.disabled_at,
        )
        .join_from(roles, members, members.c.member_id == roles.c.member_id)
        .where(roles.c.project_id == project_id)
        .order_by(sa.func.lower(members.c.name))
    )
    return [ProjectMember(*row) for row in db.session.execute(query)]


def set_role(project_id: str, member_id: str, role: str | None) -> None:
    """Give a member a role in a project; None removes the member from the project.

    Raises Conflict where the project would lose its last owner.
    """
    # Serialises changes: two owners who demote each other at once must not both succeed.
    db.session.execute(
        sa.select(projects.c.project_id)
        .where(projects.c.project_id == project_id)
        .with_for_update()
    )
    if role != OWNER and _owners(project_id) == [member_id]:
        raise Conflict("a project needs an owner: make another member the owner first")
    if role is None:
        db.session.execute(
            sa.delete(roles).where(roles.c.project_id == project_id, roles.c.member_id == member_id)
        )
        return
    values = {"project_id": project_id, "member_id": member_id, "role": role}
    query = insert(roles).values(values)
    db.session.execute(
        query.on_conflict_do_update(index_elements=["project_id", "member_id"], set_={"role": role})
    )


def raise_role(project_id: str, member_id: str, role: str) -> None:
    """Give a member a role, unless the member has this or a more powerful one already."""
    current = role_in(member_id, project_id)
    if current is None or ROLES.index(current) < ROLES.index(role):
        set_role(project_id, member_id, role)


def _owners(project_id: str) -> list[str]:
    query = sa.select(roles.c.member_id).where(
        roles.c.project_id == project_id, roles.c.role == OWNER
    )
    return list(db.session.scalars(query))

"""Invitations: links that make one person each a member of a project."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.projects.secrets import hash_secret
from tracer.store.schema import invitations, projects


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a project; its token is only in the link."""

    invitation_id: str
    project_id: str
    email: str
    role: str
    invited_by: str
    opened: int
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


_COLUMNS: Final = [invitations.c[name] for name in Invitation.__dataclass_fields__]
_OPEN: Final = sa.and_(
    invitations.c.accepted_at.is_(None), invitations.c.expires_at > sa.func.now()
)


def create_invitation(
    project_id: str, email: str, role: str, invited_by: str, lifetime: timedelta
) -> tuple[Invitation, str]:
    """Create an invitation, replacing an earlier one to the address; return (it, its token)."""
    db.session.execute(
        sa.delete(invitations).where(
            invitations.c.project_id == project_id,
            sa.func.lower(invitations.c.email) == email.lower(),
            invitations.c.accepted_at.is_(None),
        )
    )
    token = secrets.token_urlsafe(32)
    values = {
        "invitation_id": secrets.token_hex(8),
        "project_id": project_id,
        "token_hash": hash_secret(token),
        "email": email,
        "role": role,
        "invited_by": invited_by,
        "expires_at": sa.func.now() + lifetime,
    }
    query = sa.insert(invitations).values(values).returning(*_COLUMNS)
    return Invitation(*db.session.execute(query).one()), token


def find_invitation(token: str, *, opened: bool = False) -> Invitation | None:
    """Return the open invitation of a token; `opened` counts the visit."""
    condition = sa.and_(invitations.c.token_hash == hash_secret(token), _OPEN)
    if opened:
        count = sa.update(invitations).where(condition)
        db.session.execute(count.values(opened=invitations.c.opened + 1))
    query = (
        sa.select(*_COLUMNS)
        .join(projects, projects.c.project_id == invitations.c.project_id)
        .where(condition, projects.c.deleted_at.is_(None))
    )
    row = db.session.execute(query).one_or_none()
    return Invitation(*row) if row else None


def accept_invitation(invitation_id: str) -> bool:
    """Mark an invitation as used; return False if it was used, withdrawn or has expired."""
    query = (
        sa.update(invitations)
        .where(invitations.c.invitation_id == invitation_id, _OPEN)
        .values(accepted_at=sa.func.now())
        .returning(invitations.c.invitation_id)
    )
    return db.session.execute(query).one_or_none() is not None


def list_invitations(project_id: str) -> list[Invitation]:
    """Return the invitations of a project that were not accepted, latest first."""
    query = (
        sa.select(*_COLUMNS)
        .where(invitations.c.project_id == project_id, invitations.c.accepted_at.is_(None))
        .order_by(invitations.c.created_at.desc())
    )
    return [Invitation(*row) for row in db.session.execute(query)]


def get_invitation(project_id: str, invitation_id: str) -> Invitation | None:
    """Return an invitation of the project; None: there is none of this id."""
    query = sa.select(*_COLUMNS).where(
        invitations.c.project_id == project_id, invitations.c.invitation_id == invitation_id
    )
    row = db.session.execute(query).one_or_none()
    return Invitation(*row) if row else None


def withdraw_invitation(project_id: str, invitation_id: str) -> bool:
    """Delete an invitation; return whether there was one."""
    query = (
        sa.delete(invitations)
        .where(
            invitations.c.project_id == project_id,
            invitations.c.invitation_id == invitation_id,
        )
        .returning(invitations.c.invitation_id)
    )
    return db.session.execute(query).one_or_none() is not None

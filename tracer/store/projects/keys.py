"""API keys of projects; only a SHA-256 of each secret is stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from tracer.errors import NotFound
from tracer.extensions import db
from tracer.store.projects.projects import get_project
from tracer.store.projects.secrets import hash_secret, hint_of
from tracer.store.schema import api_keys, projects


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of a project, without its secret."""

    key_id: str
    project_id: str
    name: str
    public_key: str
    secret_hint: str
    created_at: datetime
    revoked_at: datetime | None
    kind: str = "all"
    expires_at: datetime | None = None
    used_at: datetime | None = None
    created_by: str | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether requests with this key are accepted."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def create_key(
    project_id: str,
    name: str,
    kind: str = "all",
    *,
    expires_at: datetime | None = None,
    created_by: str | None = None,
) -> tuple[ApiKey, str]:
    """Create a key; return (key, secret); the secret can't be read again.

    Raises NotFound.
    """
    if get_project(project_id) is None:
        raise NotFound.of("project", project_id)
    secret = f"sk-tr-{secrets.token_urlsafe(32)}"
    values = {
        "key_id": secrets.token_hex(8),
        "project_id": project_id,
        "name": name,
        "public_key": f"pk-tr-{secrets.token_hex(16)}",
        "secret_hash": hash_secret(secret),
        "secret_hint": hint_of(secret),
        "kind": kind,
        "expires_at": expires_at,
        "created_by": created_by,
    }
    query = sa.insert(api_keys).values(values).returning(*_KEY_COLUMNS)
    key = ApiKey(*db.session.execute(query).one())
    return key, secret


def get_key(project_id: str, key_id: str) -> ApiKey | None:
    """Return a key of the project; None: there is none of this id."""
    query = sa.select(*_KEY_COLUMNS).where(
        api_keys.c.project_id == project_id, api_keys.c.key_id == key_id
    )
    row = db.session.execute(query).one_or_none()
    return ApiKey(*row) if row else None


def rotate_key(key: ApiKey, overlap: timedelta, created_by: str | None) -> tuple[ApiKey, str]:
    """Create a key like this one; return (key, secret). The old one expires after `overlap`."""
    until = sa.func.least(api_keys.c.expires_at, sa.func.now() + overlap)
    query = sa.update(api_keys).where(api_keys.c.key_id == key.key_id)
    db.session.execute(query.values(expires_at=until))
    return create_key(key.project_id, key.name, key.kind, created_by=created_by)


def mark_key_used(key_id: str) -> None:
    """Store the current time as the last use of a key."""
    query = sa.update(api_keys).where(api_keys.c.key_id == key_id)
    db.session.execute(query.values(used_at=sa.func.now()))


def list_keys(project_id: str) -> list[ApiKey]:
    """Return a project's keys, revoked ones included, oldest first."""
    query = sa.select(*_KEY_COLUMNS).where(api_keys.c.project_id == project_id)
    return [ApiKey(*row) for row in db.session.execute(query.order_by(api_keys.c.created_at))]


def revoke_key(key_id: str, project_id: str | None = None) -> bool:
    """Revoke a key with immediate effect; return whether there was a valid key of that id.

    With ``project_id``, keys of other projects are not revoked.
    """
    query = (
        sa.update(api_keys)
        .where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
        .returning(api_keys.c.key_id)
    )
    if project_id is not None:
        query = query.where(api_keys.c.project_id == project_id)
    revoked = db.session.execute(query).one_or_none()
    return revoked is not None


def authenticate(public_key: str | None, secret: str) -> ApiKey | None:
    """Return the valid key of a secret, or None; the public key, if sent, must match too.

    The secret has 256 random bits, so a fast hash (SHA-256) is safe; costs one index probe.
    """
    query = (
        sa.select(*_KEY_COLUMNS)
        .join_from(api_keys, projects, projects.c.project_id == api_keys.c.project_id)
        .where(
            api_keys.c.secret_hash == hash_secret(secret),
            api_keys.c.revoked_at.is_(None),
            sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > sa.func.now()),
            projects.c.deleted_at.is_(None),
        )
    )
    row = db.session.execute(query).one_or_none()
    if row is None or (public_key and public_key != row.public_key):
        return None
    return ApiKey(*row)


def ended_key(secret: str) -> ApiKey | None:
    """Return the revoked or expired key of a secret; None: there is none."""
    query = sa.select(*_KEY_COLUMNS).where(
        api_keys.c.secret_hash == hash_secret(secret),
        sa.or_(api_keys.c.revoked_at.is_not(None), api_keys.c.expires_at <= sa.func.now()),
    )
    row = db.session.execute(query).one_or_none()
    return ApiKey(*row) if row else None


_KEY_COLUMNS = [api_keys.c[name] for name in ApiKey.__dataclass_fields__]

"""Personal tokens: a member's access to the API, in every project of the member."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.members.members import Member, get_member
from tracer.store.projects.secrets import hash_secret, hint_of
from tracer.store.schema import members, personal_tokens

PREFIX: Final = "trt_"
_USED_PRECISION: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PersonalToken:
    """A personal token, without its secret."""

    token_id: str
    member_id: str
    name: str
    kind: str
    hint: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_COLUMNS: Final = [personal_tokens.c[name] for name in PersonalToken.__dataclass_fields__]
_VALID: Final = sa.and_(
    personal_tokens.c.revoked_at.is_(None), personal_tokens.c.expires_at > sa.func.now()
)


def create_token(
    member_id: str, name: str, kind: str, lifetime: timedelta
) -> tuple[PersonalToken, str]:
    """Create a token; return (token, secret); the secret can't be read again."""
    secret = f"{PREFIX}{secrets.token_urlsafe(32)}"
    values = {
        "token_id": secrets.token_hex(8),
        "member_id": member_id,
        "name": name,
        "kind": kind,
        "token_hash": hash_secret(secret),
        "hint": hint_of(secret),
        "expires_at": sa.func.now() + lifetime,
    }
    query = sa.insert(personal_tokens).values(values).returning(*_COLUMNS)
    return PersonalToken(*db.session.execute(query).one()), secret


def find_token(secret: str) -> tuple[PersonalToken, Member] | None:
    """Return the valid token of a secret with its member; None: there is none."""
    query = (
        sa.select(*_COLUMNS)
        .join(members, members.c.member_id == personal_tokens.c.member_id)
        .where(personal_tokens.c.token_hash == hash_secret(secret), _VALID)
        .where(members.c.disabled_at.is_(None))
    )
    row = db.session.execute(query).one_or_none()
    member = get_member(row.member_id) if row else None
    return None if row is None or member is None else (PersonalToken(*row), member)


def mark_token_used(token_id: str) -> None:
    """Store the current time as the last use of a token."""
    query = sa.update(personal_tokens).where(personal_tokens.c.token_id == token_id)
    db.session.execute(query.values(used_at=sa.func.now()))


def list_tokens(member_id: str) -> list[PersonalToken]:
    """Return a member's tokens that were not revoked, oldest first."""
    query = (
        sa.select(*_COLUMNS)
        .where(personal_tokens.c.member_id == member_id, personal_tokens.c.revoked_at.is_(None))
        .order_by(personal_tokens.c.created_at)
    )
    return [PersonalToken(*row) for row in db.session.execute(query)]


def revoke_token(member_id: str, token_id: str) -> bool:
    """Revoke a token of the member; return whether there was one."""
    query = (
        sa.update(personal_tokens)
        .where(
            personal_tokens.c.member_id == member_id,
            personal_tokens.c.token_id == token_id,
            personal_tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=sa.func.now())
        .returning(personal_tokens.c.token_id)
    )
    return db.session.execute(query).one_or_none() is not None


def was_used_lately(used_at: datetime | None, now: datetime) -> bool:
    """Return whether the stored last use is within a minute, so that it need not be updated."""
    return used_at is not None and now - used_at < _USED_PRECISION

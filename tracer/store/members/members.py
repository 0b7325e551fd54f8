"""Members: the people who log in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.errors import Conflict
from tracer.extensions import db
from tracer.store.schema import member_sessions, members, personal_tokens, roles

MAX_NAME_CHARACTERS: Final = 80
_SEEN_PRECISION_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Member:
    """A person who logs in; `identity` is the id at an identity provider or proxy."""

    member_id: str
    email: str | None
    name: str
    password_hash: str | None
    password_changed_at: datetime | None
    identity: str | None
    administrator: bool
    totp_secret: str | None
    created_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None


_COLUMNS: Final = [members.c[name] for name in Member.__dataclass_fields__]


def any_member() -> bool:
    """Return whether the server has a member."""
    return bool(db.session.scalar(sa.select(sa.exists().select_from(members))))


def create_member(
    name: str,
    *,
    email: str | None = None,
    password_hash: str | None = None,
    identity: str | None = None,
    administrator: bool = False,
) -> Member:
    """Create a member; appends a number to a name in use. Raises Conflict: the email is in use."""
    values = {
        "member_id": secrets.token_hex(8),
        "email": email,
        "password_hash": password_hash,
        "password_changed_at": sa.func.now() if password_hash else None,
        "identity": identity,
        "administrator": administrator,
    }
    for candidate in _free_names(name):
        made = insert(members).values(name=candidate, **values).on_conflict_do_nothing()
        row = db.session.execute(made.returning(*_COLUMNS)).one_or_none()
        if row is not None:
            return Member(*row)
        if email and member_by_email(email) is not None:
            raise Conflict(f"there is a member with the address {email} already")
    raise Conflict(f"the name {name!r} is taken")


def _free_names(name: str) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, 100)), secrets.token_hex(4)]


def get_member(member_id: str) -> Member | None:
    """Return a member by id; None: there is none."""
    return _member_where(members.c.member_id == member_id)


def member_by_email(email: str) -> Member | None:
    """Return the member with this address, in any case; None: there is none."""
    return _member_where(sa.func.lower(members.c.email) == email.lower())


def member_by_name(name: str) -> Member | None:
    """Return the member with this name, in any case; None: there is none."""
    return _member_where(sa.func.lower(members.c.name) == name.lower())


def member_by_identity(identity: str) -> Member | None:
    """Return the member with this id at an identity provider or proxy; None: there is none."""
    return _member_where(members.c.identity == identity)


def list_members() -> list[Member]:
    """Return all members by name."""
    query = sa.select(*_COLUMNS).order_by(sa.func.lower(members.c.name))
    return [Member(*row) for row in db.session.execute(query)]


def rename_member(member_id: str, name: str) -> None:
    """Rename a member. Raises Conflict: another member has the name."""
    other = member_by_name(name)
    if other is not None and other.member_id != member_id:
        raise Conflict(f"the name {name!r} is taken")
    _update(member_id, name=name)


def set_password(member_id: str, password_hash: str) -> None:
    """Store a new password's hash and end all sessions of the member."""
    _update(member_id, password_hash=password_hash, password_changed_at=sa.func.now())
    db.session.execute(sa.delete(member_sessions).where(member_sessions.c.member_id == member_id))


def replace_hash(member_id: str, password_hash: str) -> None:
    """Store the same password hashed with newer parameters."""
    _update(member_id, password_hash=password_hash)


def connect_identity(member_id: str, identity: str) -> None:
    """Let a member log in by an identity provider."""
    _update(member_id, identity=identity)


def set_totp(member_id: str, secret: str | None) -> None:
    """Require one-time codes of this secret from now on; None: require no codes."""
    _update(member_id, totp_secret=secret, totp_step=0)


def use_totp_step(member_id: str, step: int) -> bool:
    """Mark a time step as used; return False where it, or a later one, was used before."""
    query = (
        sa.update(members)
        .where(members.c.member_id == member_id, members.c.totp_step < step)
        .values(totp_step=step)
        .returning(members.c.member_id)
    )
    return db.session.execute(query).one_or_none() is not None


def set_administrator(member_id: str, administrator: bool) -> None:
    """Grant a member the administration of the server, or revoke it."""
    _update(member_id, administrator=administrator)


def delete_member(member_id: str) -> None:
    """Delete a member with sessions, tokens and roles; annotations keep the member's name."""
    for table in (member_sessions, personal_tokens, roles, members):
        db.session.execute(sa.delete(table).where(table.c.member_id == member_id))


def mark_seen(member_id: str) -> None:
    """Store the time of the member's latest request, at most once a minute."""
    recent = sa.func.now() - sa.text(f"interval '{_SEEN_PRECISION_SECONDS} seconds'")
    query = sa.update(members).where(
        members.c.member_id == member_id,
        sa.or_(members.c.seen_at.is_(None), members.c.seen_at < recent),
    )
    db.session.execute(query.values(seen_at=sa.func.now()))


def _member_where(condition: sa.ColumnElement[bool]) -> Member | None:
    row = db.session.execute(sa.select(*_COLUMNS).where(condition)).one_or_none()
    return Member(*row) if row else None


def _update(member_id: str, **values: Any) -> None:
    db.session.execute(sa.update(members).where(members.c.member_id == member_id).values(**values))

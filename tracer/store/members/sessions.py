"""Sessions of members: a row for each browser that is logged in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.members.members import Member, get_member
from tracer.store.projects.secrets import hash_secret
from tracer.store.schema import member_sessions, members

SHORT_LIFETIME: Final = timedelta(hours=12)
LONG_LIFETIME: Final = timedelta(days=30)
"""The lifetime of a session without and with “stay signed in”."""
IDLE_LIMIT: Final = timedelta(days=7)
"""A session also ends after this time without a request."""
_SEEN_PRECISION: Final = timedelta(minutes=1)
_MAX_USER_AGENT: Final = 300


@dataclass(frozen=True, slots=True)
class Session:
    """A session; its token is only in the cookie."""

    login_id: str
    member_id: str
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_COLUMNS: Final = [member_sessions.c[name] for name in Session.__dataclass_fields__]
_VALID: Final = sa.and_(
    member_sessions.c.expires_at > sa.func.now(),
    member_sessions.c.seen_at > sa.func.now() - IDLE_LIMIT,
)


def create_session(
    member_id: str, address: str, user_agent: str, lifetime: timedelta
) -> tuple[Session, str]:
    """Create a session; return (session, token); also delete the member's ended sessions."""
    ended = sa.delete(member_sessions).where(
        member_sessions.c.member_id == member_id, sa.not_(_VALID)
    )
    db.session.execute(ended)
    token = secrets.token_urlsafe(32)
    values = {
        "token_hash": hash_secret(token),
        "login_id": secrets.token_hex(8),
        "member_id": member_id,
        "address": address,
        "user_agent": user_agent[:_MAX_USER_AGENT],
        "expires_at": sa.func.now() + lifetime,
    }
    query = sa.insert(member_sessions).values(values).returning(*_COLUMNS)
    return Session(*db.session.execute(query).one()), token


def find_session(token: str) -> tuple[Session, Member] | None:
    """Return the valid session of a token with its member; None: there is none."""
    query = (
        sa.select(*_COLUMNS)
        .join(members, members.c.member_id == member_sessions.c.member_id)
        .where(member_sessions.c.token_hash == hash_secret(token), _VALID)
        .where(members.c.disabled_at.is_(None))
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    member = get_member(row.member_id)
    return None if member is None else (Session(*row), member)


def is_stale(session: Session, now: datetime) -> bool:
    """Return whether the stored time of the last request is too old and must be updated."""
    return now - session.seen_at > _SEEN_PRECISION


def touch_session(login_id: str, address: str) -> None:
    """Store the current time and this network address as the session's last use."""
    query = sa.update(member_sessions).where(member_sessions.c.login_id == login_id)
    db.session.execute(query.values(seen_at=sa.func.now(), address=address))


def list_sessions(member_id: str) -> list[Session]:
    """Return a member's valid sessions, the latest used first."""
    query = (
        sa.select(*_COLUMNS)
        .where(member_sessions.c.member_id == member_id, _VALID)
        .order_by(member_sessions.c.seen_at.desc())
    )
    return [Session(*row) for row in db.session.execute(query)]


def end_session(member_id: str, login_id: str) -> bool:
    """End one session of a member; return whether there was one."""
    query = (
        sa.delete(member_sessions)
        .where(member_sessions.c.member_id == member_id, member_sessions.c.login_id == login_id)
        .returning(member_sessions.c.login_id)
    )
    return db.session.execute(query).one_or_none() is not None


def end_sessions(member_id: str, *, keep: str = "") -> int:
    """End the member's sessions except the one with the id `keep`; return their number."""
    query = (
        sa.delete(member_sessions)
        .where(member_sessions.c.member_id == member_id, member_sessions.c.login_id != keep)
        .returning(member_sessions.c.login_id)
    )
    return len(db.session.execute(query).all())

"""One-time links: to create the first owner, and to set a new password."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.projects.secrets import hash_secret
from tracer.store.schema import one_time_links as links

OWNER, PASSWORD = "owner", "password"
LIFETIME: Final = timedelta(hours=24)
# Letters and digits that are hard to confuse (no I, O, 0, 1); 16 of them carry 80 bits.
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def create_password_link(member_id: str) -> str:
    """Return the code of a new link, which replaces the member's earlier one."""
    code = secrets.token_urlsafe(32)
    db.session.execute(sa.delete(links).where(links.c.member_id == member_id))
    values = {"token_hash": hash_secret(code), "purpose": PASSWORD, "member_id": member_id}
    db.session.execute(sa.insert(links).values(**values, expires_at=sa.func.now() + LIFETIME))
    return code


def first_owner_code(connection: psycopg.Connection[Any]) -> str:
    """Return a new code that lets its holder create the first owner; "": there are members.

    The new code replaces earlier ones.
    """
    if connection.execute("SELECT 1 FROM members LIMIT 1").fetchone() is not None:
        return ""
    letters = [secrets.choice(_ALPHABET) for _ in range(16)]
    code = "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))
    connection.execute("DELETE FROM one_time_links WHERE purpose = %s", [OWNER])
    connection.execute(
        "INSERT INTO one_time_links (token_hash, purpose, expires_at) VALUES (%s, %s, now() + %s)",
        [hash_secret(code), OWNER, LIFETIME],
    )
    return code


def is_valid(purpose: str, code: str) -> bool:
    """Return whether the code of a link can be used."""
    return (
        db.session.execute(sa.select(links.c.purpose).where(_is(purpose, code))).first() is not None
    )


def member_of_link(purpose: str, code: str) -> str | None:
    """Return the member of a valid link; None: the link is invalid, or belongs to no member."""
    member_id: str | None = db.session.scalar(
        sa.select(links.c.member_id).where(_is(purpose, code))
    )
    return member_id


def use_link(purpose: str, code: str) -> bool:
    """Consume a link; return False if it is invalid, used or expired."""
    query = sa.delete(links).where(_is(purpose, code)).returning(links.c.purpose)
    return db.session.execute(query).one_or_none() is not None


def _is(purpose: str, code: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        links.c.token_hash == hash_secret(code),
        links.c.purpose == purpose,
        links.c.expires_at > sa.func.now(),
    )

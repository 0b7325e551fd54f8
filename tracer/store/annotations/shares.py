"""Share links to traces and sessions; only a hash of a link's token is stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.annotations.subjects import Author, Subject, lock_subject
from tracer.store.schema import shares


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareRow:
    """A share link; its token can't be read again."""

    project_id: str
    share_id: str
    trace_id: str | None
    session_id: str | None
    hint: str
    """The last characters of the token, by which its owner recognises it."""
    show_comments: bool
    author: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def create_share(
    subject: Subject,
    author: Author,
    *,
    expires_at: datetime | None = None,
    show_comments: bool = False,
) -> tuple[ShareRow, str]:
    """Create a link to a trace or session; return (link, token); raises NotFound."""
    token = secrets.token_urlsafe(32)
    values = {
        **subject.key(),
        **author.values(),
        "share_id": secrets.token_hex(8),
        "token_hash": _hash(token),
        "hint": f"…{token[-4:]}",
        "show_comments": show_comments,
        "expires_at": expires_at,
    }
    lock_subject(subject)
    row = db.session.execute(sa.insert(shares).values(values).returning(*_COLUMNS)).one()
    return _row(row), token


def list_shares(subject: Subject) -> list[ShareRow]:
    """Return all links to a trace or session, expired and revoked ones too, the newest first."""
    query = sa.select(*_COLUMNS).where(subject.on(shares))
    rows = db.session.execute(query.order_by(shares.c.created_at.desc(), shares.c.share_id))
    return [_row(row) for row in rows]


def get_share(project_id: str, share_id: str) -> ShareRow | None:
    """Return a link of the project; None: there is none of this id."""
    query = sa.select(*_COLUMNS).where(*_is(project_id, share_id))
    row = db.session.execute(query).one_or_none()
    return None if row is None else _row(row)


def revoke_share(project_id: str, share_id: str) -> ShareRow | None:
    """Revoke a link with immediate effect; return it; None: the project has no such link."""
    when = sa.func.coalesce(shares.c.revoked_at, sa.func.now())
    query = sa.update(shares).where(*_is(project_id, share_id)).values(revoked_at=when)
    row = db.session.execute(query.returning(*_COLUMNS)).one_or_none()
    return None if row is None else _row(row)


def open_share(token: str) -> ShareRow | None:
    """Return the link of a token; None: there is none, or it has expired or was revoked.

    The token has 256 random bits, so a fast hash (SHA-256) is safe; costs one index probe.
    """
    query = sa.select(*_COLUMNS).where(
        shares.c.token_hash == _hash(token),
        shares.c.revoked_at.is_(None),
        sa.or_(shares.c.expires_at.is_(None), shares.c.expires_at > sa.func.now()),
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else _row(row)


_COLUMNS = [shares.c[name] for name in ShareRow.__dataclass_fields__]


def _is(project_id: str, share_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return shares.c.project_id == project_id, shares.c.share_id == share_id


def _row(row: sa.Row[tuple[object, ...]]) -> ShareRow:
    values = row._asdict()
    values["trace_id"], values["session_id"] = row.trace_id or None, row.session_id or None
    return ShareRow(**values)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

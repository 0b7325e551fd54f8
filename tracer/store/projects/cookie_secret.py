"""The secret for signing cookies, one per installation."""

from __future__ import annotations

import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.extensions import db
from tracer.store.schema import secrets as table

_COOKIES: Final = "cookies"


def cookie_secret() -> str:
    """Return the secret, created if necessary; must run in a transaction."""
    query = sa.select(table.c.value).where(table.c.name == _COOKIES)
    secret: str | None = db.session.scalar(query)
    if secret is None:
        made = {"name": _COOKIES, "value": secrets.token_urlsafe(32)}
        db.session.execute(insert(table).values(made).on_conflict_do_nothing())
        # Read again: another process may have created it first.
        secret = db.session.scalars(query).one()
    return secret

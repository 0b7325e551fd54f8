"""What this installation signs its cookies with: one secret, whichever process asks first."""

from __future__ import annotations

import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.extensions import db
from tracer.store.schema import secrets as table

_COOKIES: Final = "cookies"


def cookie_secret() -> str:
    """Return the secret, which is made where there is none yet: within a transaction."""
    query = sa.select(table.c.value).where(table.c.name == _COOKIES)
    found: str | None = db.session.scalar(query)
    if found is None:
        made = {"name": _COOKIES, "value": secrets.token_urlsafe(32)}
        db.session.execute(insert(table).values(made).on_conflict_do_nothing())
        # Not the one just made: another process may have been first.
        found = db.session.scalars(query).one()
    return found

"""The server that sends mail, by its URL; kept in the database, so that all servers share it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.extensions import db
from tracer.store.schema import secrets as table

_MAIL: Final = "mail"


def mail_server() -> str:
    """Return the URL of the SMTP server, "" where none is set."""
    return db.session.scalar(sa.select(table.c.value).where(table.c.name == _MAIL)) or ""


def set_mail_server(url: str) -> None:
    """Store the URL of the SMTP server; "" removes it."""
    db.session.execute(sa.delete(table).where(table.c.name == _MAIL))
    if url:
        db.session.execute(insert(table).values(name=_MAIL, value=url))

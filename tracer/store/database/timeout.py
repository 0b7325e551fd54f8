"""How long the database may look for one answer: it serves all readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from tracer.errors import TooSlow
from tracer.extensions import db

SECONDS: Final = 30
_CANCELED: Final = "57014"


@contextmanager
def within(seconds: int = SECONDS) -> Iterator[None]:
    """Give each statement of the block, and of its transaction, so long; raises TooSlow."""
    db.session.execute(sa.text(f"SET LOCAL statement_timeout = '{seconds}s'"))
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELED:
            raise
        db.session.rollback()
        raise TooSlow(f"this takes longer than {seconds} s: ask for a shorter time") from None

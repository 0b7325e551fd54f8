"""The request's database session: whether the database answers, and what its absence raises."""

from __future__ import annotations

from typing import Final

import psycopg
import sqlalchemy as sa

from tracer.errors import StoreUnavailable
from tracer.extensions import db

UNREACHABLE: Final = (sa.exc.OperationalError, sa.exc.TimeoutError, psycopg.OperationalError)
"""What the libraries below raise where the database is away, or every connection is in use."""


def unavailable(error: Exception) -> StoreUnavailable:
    """Return one of UNREACHABLE as an error of ours, with itself as the cause."""
    ours = StoreUnavailable("the database can't be reached")
    ours.__cause__ = error
    return ours


def ping() -> None:
    """Return once the database has answered. Raises StoreUnavailable."""
    try:
        db.session.execute(sa.select(1))
    except UNREACHABLE as error:
        raise unavailable(error) from error

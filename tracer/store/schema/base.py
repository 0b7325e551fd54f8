"""What all tables share: their metadata, the type of times, columns of one kind."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    Text,
)
from sqlalchemy.sql import text

from tracer.extensions import db

metadata = db.metadata


Time = DateTime(timezone=True)


def count_column(name: str) -> Column[int]:
    """Return a count that starts at 0."""
    return Column(name, Integer, nullable=False, server_default="0")


def now_column(name: str) -> Column[object]:
    """Return a time that is the time of the insert unless it is given."""
    return Column(name, Time, nullable=False, server_default=text("now()"))


def author() -> tuple[Column[str], Column[str], Column[str]]:
    """Return the columns of an author: name shown, id that keeps equal names apart, member."""
    return Column("author", Text), Column("author_id", Text), Column("member_id", Text)

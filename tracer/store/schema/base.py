"""What the tables share: the metadata, the column type of times, and common columns."""

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
    """Return a non-null integer column whose default is 0."""
    return Column(name, Integer, nullable=False, server_default="0")


def now_column(name: str) -> Column[object]:
    """Return a timestamp column whose default is the time of the insert."""
    return Column(name, Time, nullable=False, server_default=text("now()"))


def author() -> tuple[Column[str], Column[str], Column[str]]:
    """Return an author's columns: display name, id (to separate equal names), and member."""
    return Column("author", Text), Column("author_id", Text), Column("member_id", Text)

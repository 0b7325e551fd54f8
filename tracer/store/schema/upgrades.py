"""The table of changes to stored rows that the worker makes after an upgrade."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.store.schema.base import Time, metadata

# `position` is the key of the last row that was looked at.
background_upgrades = Table(
    "background_upgrades",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", ARRAY(Text), nullable=False),
    Column("rows_done", BigInteger, nullable=False, server_default="0"),
    Column("rows_total", BigInteger, nullable=False),
    Column("finished_at", Time),
)

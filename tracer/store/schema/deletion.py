"""Tombstones: what is deleted and not purged yet."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Table,
    Text,
)
from sqlalchemy.sql import text

from tracer.store.schema.base import metadata, now_column

# Deleted traces, whose late spans are refused for a day. The id itself stays only until the last
# of its rows is gone: then nothing at all is left of the trace but a hash.
tombstones = Table(
    "tombstones",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_hash", Text, primary_key=True),
    Column("trace_id", Text),
    now_column("deleted_at"),
    Index("ix_tombstones_left", "deleted_at", postgresql_where=text("trace_id IS NOT NULL")),
)

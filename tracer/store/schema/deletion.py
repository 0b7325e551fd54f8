"""The table of tombstones: deleted traces, and which of them still have rows."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Table,
    Text,
)
from sqlalchemy.sql import text

from tracer.store.schema.base import metadata, now_column

# Deleted traces, whose late spans are rejected for a day. The purge clears the id together with the
# last row of the trace: after that only a hash of the id is left.
tombstones = Table(
    "tombstones",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_hash", Text, primary_key=True),
    Column("trace_id", Text),
    now_column("deleted_at"),
    Index("ix_tombstones_left", "deleted_at", postgresql_where=text("trace_id IS NOT NULL")),
)

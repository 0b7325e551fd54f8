"""The table of the counters of attribute mapping."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from tracer.store.schema.base import metadata, now_column

# How many spans had each result of attribute mapping. Every transaction appends rows of its own, so
# that no two writers update the same row; the background worker compacts them (fold_sql.py).
mapping_counts = Table(
    "mapping_counts",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("part", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("number", BigInteger, nullable=False),
    # Examples of the counted spans, the latest first: [[trace_id, span_id], …]
    Column("examples", JSONB, nullable=False, server_default="[]"),
    now_column("counted_at"),
)

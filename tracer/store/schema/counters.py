"""Append-only counters of attribute mapping."""

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

# How well spans were understood, counted. Each transaction adds rows of its own, so that no two
# writers meet in one; the background worker folds them (tracer/store/writing/count_spans.py).
tallies = Table(
    "tallies",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("part", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("number", BigInteger, nullable=False),
    # Spans that were counted, the latest first: [[trace_id, span_id], …]
    Column("examples", JSONB, nullable=False, server_default="[]"),
    now_column("counted_at"),
)

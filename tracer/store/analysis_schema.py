"""The tables of what is derived from whole traces, in the background (store/analysing.py)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from tracer.store.schema import Time
from tracer.store.schema import metadata as metadata

# One row per large trace. Every transaction that changes the trace gives it a new `revision`; what
# is derived holds as long as `analysed` is that revision.
analyses = Table(
    "analyses",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    # Drawn at random, so that nothing that goes on beside can make the same one.
    Column("revision", BigInteger, nullable=False),
    Column("changed_at", Time, nullable=False),
    Column("analysed", BigInteger),
    # What is told of the trace as a whole, by name (analysis/parts.py).
    Column("parts", JSONB, nullable=False, server_default="{}"),
    Index(
        "ix_analyses_due",
        "changed_at",
        postgresql_where=text("analysed IS DISTINCT FROM revision"),
    ),
)

# What a span's row can't tell of what is below it. A span has no row where that would only repeat
# the span's own: nothing below, not on the critical path, not covered, not running.
subtrees = Table(
    "subtrees",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("span_count", Integer, nullable=False),
    Column("error_count", Integer, nullable=False),
    Column("level", Text, nullable=False),
    Column("end_time", Time, nullable=False),
    Column("total_tokens", BigInteger),
    Column("total_cost", Numeric),
    Column("self_us", BigInteger, nullable=False),
    Column("critical_us", BigInteger, nullable=False),
)

# A run of like siblings, under its first span; only those that a page may not see whole
# (analysis/runs.py).
runs = Table(
    "runs",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("facts", JSONB, nullable=False),
)

"""Tables of stored analyses: of whole traces, of subtrees, and the timeline."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from tracer.store.schema.base import Time, count_column, metadata

# One row per large trace. Every transaction that changes the trace sets a new `revision`; the
# stored analyses are current as long as `analysed` equals it.
analyses = Table(
    "analyses",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    # Random, so that concurrent transactions never set the same revision.
    Column("revision", BigInteger, nullable=False),
    Column("changed_at", Time, nullable=False),
    Column("analysed", BigInteger),
    # The analyses of the whole trace by name (analysis/trace_analyses.py).
    Column("parts", JSONB, nullable=False, server_default="{}"),
    Index(
        "ix_analyses_due",
        "changed_at",
        postgresql_where=text("analysed IS DISTINCT FROM revision"),
    ),
)

# Sums over the subtree of a span. A span has no row where the row would only repeat the span's own
# values: no descendants, not on the critical path, not excluded from totals, not running.
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

# Groups of adjacent similar siblings by their first span; only groups too long for one page are
# stored (tracer/analysis/sibling_groups.py).
sibling_groups = Table(
    "sibling_groups",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("facts", JSONB, nullable=False),
)


# The entries of a trace in time order, for its log and full-text search: built by the background
# worker in segments (tracer/analysis/log/word_index.py). A new state gets new segment numbers, and
# updating this row switches readers to it, so that no reader sees half a state.
timelines = Table(
    "timelines",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    count_column("first_segment"),
    count_column("segment_count"),
    count_column("entry_count"),
    count_column("span_count"),
    # traces.updated_at of the state that was indexed; NULL: none was yet.
    Column("state_of", Time),
    # analysis.findings.findings.Findings of that state.
    Column("findings", JSONB),
    # When a page last requested a newer state.
    Column("wanted_at", Time),
    Index("ix_timelines_wanted", "wanted_at", postgresql_where=text("wanted_at IS NOT NULL")),
)


timeline_segments = Table(
    "timeline_segments",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("entry_count", Integer, nullable=False),
    # The time of the first entry of each page: µs, eight bytes each, little-endian.
    Column("starts", LargeBinary, nullable=False),
)


# The entries of one page, packed: (time, span, index of the event within the span).
timeline_pages = Table(
    "timeline_pages",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)


timeline_words = Table(
    "timeline_words",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("first_word", LargeBinary, primary_key=True),
    Column("last_word", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

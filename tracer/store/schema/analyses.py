"""Tables of what is computed per trace or subtree."""

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
    # What is told of the trace as a whole, by name (analysis/trace_analyses.py).
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
# (tracer/analysis/sibling_groups.py).
runs = Table(
    "runs",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("facts", JSONB, nullable=False),
)


# A trace in the order of time, for its log and the search in it: derived in the background, in
# segments (tracer/analysis/log/word_index.py). A new state is written behind the old one, and the
# row here turns from one to the other, so that readers never see half of either.
timelines = Table(
    "timelines",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    count_column("first_segment"),
    count_column("segment_count"),
    count_column("entry_count"),
    count_column("span_count"),
    # traces.updated_at of the state that was read; NULL: none was yet.
    Column("state_of", Time),
    # analysis.findings.Findings of that state.
    Column("findings", JSONB),
    # When somebody asked for a newer state.
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
    # The first time of each page: µs, eight bytes each, little end first.
    Column("starts", LargeBinary, nullable=False),
)


# The entries themselves: (time, span, number of the event in it), packed.
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

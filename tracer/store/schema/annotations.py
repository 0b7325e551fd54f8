"""Tables of annotations, scores, and annotation queues."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql import text
from sqlalchemy.types import Double

from tracer.store.schema.base import Time, author, metadata, now_column


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True, server_default="")


# Annotations on a trace have its trace_id; those on a session its session_id and no trace_id.
bookmarks = Table(
    "bookmarks",
    metadata,
    Column("project_id", Text, primary_key=True),
    _key("trace_id"),
    _key("session_id"),
    *author(),
    now_column("created_at"),
)

# `history` holds the texts before each edit: [{"text", "time"}, …], the oldest first.
comments = Table(
    "comments",
    metadata,
    Column("project_id", Text, primary_key=True),
    _key("trace_id"),
    Column("comment_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False, server_default=""),
    Column("span_id", Text),
    Column("text", Text, nullable=False),
    Column("history", JSONB, nullable=False, server_default="[]"),
    *author(),
    now_column("created_at"),
    Column("edited_at", Time),
    Index(
        "ix_comments_session",
        "project_id",
        "session_id",
        postgresql_where=text("session_id <> ''"),
    ),
    Index("ix_comments_id", "project_id", "comment_id"),
)

# A public link to one trace or session; of its token only a hash is stored.
shares = Table(
    "shares",
    metadata,
    Column("project_id", Text, primary_key=True),
    _key("trace_id"),
    Column("share_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False, server_default=""),
    Column("token_hash", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("show_comments", Boolean, nullable=False, server_default=text("false")),
    *author(),
    now_column("created_at"),
    Column("expires_at", Time),
    Column("revoked_at", Time),
    Index("ix_shares_token", "token_hash"),
)


scores = Table(
    "scores",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True, server_default=""),
    Column("score_id", Text, primary_key=True),
    Column("span_id", Text),
    Column("session_id", Text),
    Column("name", Text, nullable=False),
    Column("data_type", Text, nullable=False),
    Column("value", Double),
    Column("string_value", Text),
    Column("comment", Text),
    Column("source", Text, nullable=False),
    Column("metadata", JSONB, nullable=False, server_default="{}"),
    Column("time", Time, nullable=False),
    *author(),
    Column("config_id", Text),
    Column("environment", Text),
    Column("queue_id", Text),
    Column("run_id", Text),
    # Of the trace; NULL: readers have to look there. Kept by tracer/store/scores/trace_fields.py.
    Column("trace_start", Time),
    Column("trace_environment", Text),
    Index("ix_scores_time", "project_id", text("time DESC"), "score_id"),
    Index(
        "ix_scores_session",
        "project_id",
        "session_id",
        text("time DESC"),
        postgresql_where=text("session_id IS NOT NULL"),
    ),
    Index(
        "ix_scores_run",
        "project_id",
        "run_id",
        postgresql_where=text("run_id IS NOT NULL"),
    ),
    # Lists show the latest scores of each trace; this index keeps that cheap for any number.
    Index("ix_scores_latest", "project_id", "trace_id", text("time DESC")),
    Index("ix_scores_id", "project_id", "score_id"),
    Index(
        "ix_scores_by_hand",
        "project_id",
        text("time DESC"),
        postgresql_where=text("source = 'annotation'"),
    ),
    # Charts of scores over time read this index alone.
    Index(
        "ix_scores_trace_start",
        "project_id",
        "trace_start",
        postgresql_include=["trace_environment", "name", "source", "data_type", "value"],
        postgresql_where=text("trace_start IS NOT NULL"),
    ),
    Index(
        "ix_scores_no_trace_start",
        "project_id",
        "trace_id",
        "score_id",
        postgresql_where=text("trace_start IS NULL AND trace_id <> ''"),
    ),
)


# Definitions of scores: a score that names a config is validated against it.
score_configs = Table(
    "score_configs",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("config_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("data_type", Text, nullable=False),
    Column("min_value", Double),
    Column("max_value", Double),
    # [{"label", "value"}, …]
    Column("categories", JSONB, nullable=False, server_default="[]"),
    Column("description", Text),
    Column("archived", Boolean, nullable=False, server_default=text("false")),
    now_column("created_at"),
    now_column("updated_at"),
)


# Annotation queues: what people review, one item after the other.
queues = Table(
    "queues",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("queue_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("config_ids", ARRAY(Text), nullable=False, server_default="{}"),
    now_column("created_at"),
    now_column("updated_at"),
    Index("ix_queues_name", "project_id", "name", unique=True),
)


queue_items = Table(
    "queue_items",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("queue_id", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    # The item under review: "trace", "span" or "session", and its id.
    Column("subject", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("completed_at", Time),
    now_column("created_at"),
    now_column("updated_at"),
)


queue_members = Table(
    "queue_members",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("queue_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
)

"""The tables of what people make of traces, and of what is left of those they deleted."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from tracer.store.schema import Time, author
from tracer.store.schema import metadata as metadata


def _now(name: str) -> Column[object]:
    return Column(name, Time, nullable=False, server_default=text("now()"))


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True, server_default="")


# What is on a trace has its trace_id; what is on a session has its session_id and no trace_id.
bookmarks = Table(
    "bookmarks",
    metadata,
    Column("project_id", Text, primary_key=True),
    _key("trace_id"),
    _key("session_id"),
    *author(),
    _now("created_at"),
)

# `history` holds what the text was before: [{"text", "time"}, …], the oldest first.
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
    _now("created_at"),
    Column("edited_at", Time),
    Index(
        "ix_comments_session",
        "project_id",
        "session_id",
        postgresql_where=text("session_id <> ''"),
    ),
    Index("ix_comments_id", "project_id", "comment_id"),
)

# A public link to one trace or session, known by the hash of its token alone.
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
    _now("created_at"),
    Column("expires_at", Time),
    Column("revoked_at", Time),
    Index("ix_shares_token", "token_hash"),
)

# Deleted traces, whose late spans are refused for a day. The id itself stays only until the last
# of its rows is gone: then nothing at all is left of the trace but a hash.
tombstones = Table(
    "tombstones",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_hash", Text, primary_key=True),
    Column("trace_id", Text),
    _now("deleted_at"),
    Index("ix_tombstones_left", "deleted_at", postgresql_where=text("trace_id IS NOT NULL")),
)

# What the server signs with, made by whichever process needs it first.
secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

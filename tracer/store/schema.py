"""The tables, as SQLAlchemy Core sees them; migrations/versions holds how they came to be.

Whatever grows carries project_id and trace_id (or session_id) first in its primary key, so that
it can be distributed by trace unchanged. No foreign keys and no sequences between such tables.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlalchemy.sql import text
from sqlalchemy.types import Double

from tracer.extensions import db

metadata = db.metadata
Time = DateTime(timezone=True)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _now(name: str) -> Column[object]:
    return Column(name, Time, nullable=False, server_default=text("now()"))


def author() -> tuple[Column[str], Column[str], Column[str]]:
    """Who: the name that is shown, what tells them from others, and the place of a member."""
    return Column("author", Text), Column("author_id", Text), Column("member_id", Text)


projects = Table(
    "projects",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    _now("created_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("public_key", Text, nullable=False, unique=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("secret_hint", Text, nullable=False),
    _now("created_at"),
    Column("revoked_at", Time),
    Index("ix_api_keys_project", "project_id"),
)

# What the application said of a trace and what its spans add up to. `claims` remembers per
# field how firmly and when it was said, so that records may arrive in any order.
traces = Table(
    "traces",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("user_id", Text),
    Column("session_id", Text),
    Column("environment", Text, nullable=False, server_default="default"),
    Column("release", Text),
    Column("version", Text),
    Column("public", Boolean, nullable=False, server_default=text("false")),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("metadata", JSONB, nullable=False, server_default="{}"),
    Column("input", JSON),
    Column("output", JSON),
    Column("claims", JSONB, nullable=False, server_default="{}"),
    Column("start_time", Time, nullable=False),
    Column("end_time", Time, nullable=False),
    Column("status", Text, nullable=False),
    Column("root_span_id", Text),
    Column("input_preview", Text),
    Column("output_preview", Text),
    Column("error_message", Text),
    _count("span_count"),
    _count("running_count"),
    _count("error_count"),
    _count("warning_count"),
    _count("root_error_count"),
    _count("flagged_count"),
    _count("unpriced_count"),
    _count("priced_count"),
    _count("metered_count"),
    Column("kinds", JSONB, nullable=False, server_default="{}"),
    Column("models", JSONB, nullable=False, server_default="{}"),
    Column("usage", JSONB, nullable=False, server_default="{}"),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("total_tokens", BigInteger),
    Column("cost", JSONB, nullable=False, server_default="{}"),
    Column("total_cost", Numeric),
    _now("updated_at"),
    Index("ix_traces_start", "project_id", text("start_time DESC"), text("trace_id DESC")),
    Index("ix_traces_name", "project_id", "name", text("start_time DESC"), text("trace_id DESC")),
    Index(
        "ix_traces_user",
        "project_id",
        "user_id",
        text("start_time DESC"),
        text("trace_id DESC"),
        postgresql_where=text("user_id IS NOT NULL"),
    ),
    Index(
        "ix_traces_session",
        "project_id",
        "session_id",
        text("start_time DESC"),
        text("trace_id DESC"),
        postgresql_where=text("session_id IS NOT NULL"),
    ),
    Index(
        "ix_traces_status",
        "project_id",
        "status",
        text("start_time DESC"),
        text("trace_id DESC"),
        postgresql_where=text("status <> 'completed'"),
    ),
    Index("ix_traces_tags", "tags", postgresql_using="gin"),
)

# Only what a row of the tree shows. A placeholder stands in for a parent that has not arrived.
# `version` orders the records of one span (NULL: none has arrived, only patches or children).
spans = Table(
    "spans",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("parent_span_id", Text),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("start_time", Time, nullable=False),
    Column("end_time", Time),
    Column("first_token_time", Time),
    Column("status", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("status_message", Text),
    Column("model", Text),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("total_tokens", BigInteger),
    Column("total_cost", Numeric),
    Column("flags", ARRAY(Text)),
    Column("placeholder", Boolean, nullable=False, server_default=text("false")),
    Column("patched", Boolean, nullable=False, server_default=text("false")),
    # True: something below it was metered, so its own usage repeats that and is not added up.
    Column("covered", Boolean, nullable=False, server_default=text("false")),
    Column("call_id", Text),
    Column("echo", Boolean, nullable=False, server_default=text("false")),
    Column("version", BigInteger),
    Index("ix_spans_tree", "project_id", "trace_id", "parent_span_id", "start_time", "span_id"),
    Index(
        "ix_spans_call",
        "project_id",
        "trace_id",
        "call_id",
        postgresql_where=text("call_id IS NOT NULL"),
    ),
    # One span by its id alone, and spans across traces: what other tools' APIs ask for.
    Index("ix_spans_id", "project_id", "span_id"),
    Index("ix_spans_start", "project_id", text("start_time DESC"), "trace_id", "span_id"),
    Index(
        "ix_spans_errors",
        "project_id",
        "trace_id",
        "start_time",
        "span_id",
        postgresql_where=text("level = 'error'"),
    ),
)

# Read one at a time. `json`, not `jsonb`: what was sent comes back in its own order and digits.
span_payloads = Table(
    "span_payloads",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True),
    Column("input", JSON),
    Column("output", JSON),
    Column("metadata", JSON),
    Column("attributes", JSON),
    Column("events", JSON),
    Column("links", JSON),
    Column("resource", JSON),
    Column("scope", JSON),
    Column("usage", JSON),
    Column("cost", JSON),
    Column("cost_source", Text),
    Column("priced_by", Text),
    Column("requested_model", Text),
    Column("provider", Text),
    Column("model_parameters", JSON),
    Column("tools", JSON),
    Column("finish_reasons", JSON),
    Column("prompt_name", Text),
    Column("prompt_version", Integer),
    Column("dialect", Text),
    Column("claimed", JSON),
    Column("notes", JSON),
    Column("sent_parent_id", Text),
    Column("patch", JSON),
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
    # Lists show the latest of each trace, however many it has.
    Index("ix_scores_latest", "project_id", "trace_id", text("time DESC")),
    Index("ix_scores_id", "project_id", "score_id"),
    Index(
        "ix_scores_by_hand",
        "project_id",
        text("time DESC"),
        postgresql_where=text("source = 'annotation'"),
    ),
)

# What scores are to look like: those that name a config are checked against it.
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
    _now("created_at"),
    _now("updated_at"),
)

# A project's own prices. Never deleted, and never changed but for `retired_at` and `note`, so that
# what a span was priced by can be looked up for ever. `rates` holds tracer.rates.Rates.
prices = Table(
    "prices",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("price_id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("provider", Text),
    Column("start_time", Time),
    Column("rates", JSONB, nullable=False),
    Column("note", Text),
    _now("created_at"),
    Column("retired_at", Time),
)

# How well spans were understood, counted. Each transaction adds rows of its own, so that no two
# writers meet in one; the background worker folds them (store/tallies.py).
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
    _now("counted_at"),
)

# What the traces of a session add up to, kept in the transaction that changes them.
sessions = Table(
    "sessions",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("start_time", Time, nullable=False),
    Column("end_time", Time, nullable=False),
    _count("trace_count"),
    _count("error_count"),
    _count("running_count"),
    Column("span_count", BigInteger, nullable=False, server_default="0"),
    Column("total_tokens", BigInteger),
    Column("total_cost", Numeric),
    Index("ix_sessions_end", "project_id", text("end_time DESC"), text("session_id DESC")),
)

# A trace in the order of time, for its log and the search in it: derived in the background, in
# segments (analysis/postings.py). A new state is written behind the old one, and the row here
# turns from one to the other, so that readers never see half of either.
timelines = Table(
    "timelines",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    _count("first_segment"),
    _count("segment_count"),
    _count("entry_count"),
    _count("span_count"),
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

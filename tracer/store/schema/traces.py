"""Tables of received data: sessions, traces, spans."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlalchemy.sql import text

from tracer.store.schema.base import Time, count_column, metadata, now_column

# What lists filter, sort and count by, and no more: where no index serves a condition, the whole
# table is read, so a row has at most 300 bytes. Columns of fixed width come first, where PostgreSQL
# finds them fastest. `models` holds the number of spans by model.
traces = Table(
    "traces",
    metadata,
    Column("start_time", Time, nullable=False),
    Column("end_time", Time, nullable=False),
    now_column("updated_at"),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("total_tokens", BigInteger),
    count_column("span_count"),
    count_column("running_count"),
    count_column("error_count"),
    count_column("warning_count"),
    count_column("flagged_count"),
    count_column("unpriced_count"),
    Column("public", Boolean, nullable=False, server_default=text("false")),
    Column("project_id", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("environment", Text, nullable=False, server_default="default"),
    Column("name", Text, nullable=False, server_default=""),
    Column("user_id", Text),
    Column("session_id", Text),
    Column("release", Text),
    Column("version", Text),
    Column("total_cost", Numeric),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("models", JSONB, nullable=False, server_default="{}"),
    PrimaryKeyConstraint("project_id", "trace_id"),
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
    # Charts mark when each release was first seen.
    Index(
        "ix_traces_release",
        "project_id",
        "release",
        "start_time",
        postgresql_where=text("release IS NOT NULL"),
    ),
    Index("ix_traces_tags", "tags", postgresql_using="gin"),
)

# The other columns of a trace, read for one page of a list or for one trace: exactly one row for
# each row of `traces`, written in the same transaction. `claims` holds the precedence and time of
# the value of each field, so that records may arrive in any order.
trace_payloads = Table(
    "trace_payloads",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("root_span_id", Text),
    count_column("root_error_count"),
    count_column("priced_count"),
    count_column("metered_count"),
    Column("error_message", Text),
    Column("input_preview", Text),
    Column("output_preview", Text),
    Column("kinds", JSONB, nullable=False, server_default="{}"),
    Column("usage", JSONB, nullable=False, server_default="{}"),
    Column("cost", JSONB, nullable=False, server_default="{}"),
    Column("claims", JSONB, nullable=False, server_default="{}"),
    Column("metadata", JSONB, nullable=False, server_default="{}"),
    Column("input", JSON),
    Column("output", JSON),
)

payload_of_trace = and_(
    trace_payloads.c.project_id == traces.c.project_id,
    trace_payloads.c.trace_id == traces.c.trace_id,
)
"""The condition that joins the two rows of a trace."""

# The columns of a row of the tree, and no more. A placeholder stands in for a parent that has not
# arrived. `version` orders the records of one span (NULL: only patches or children have arrived).
spans = Table(
    "spans",
    metadata,
    Column("project_id", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    Column("span_id", Text, nullable=False),
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
    # `Span.usage_excluded` in tracer/merging/spans.py. With usage: excluded from totals, as it
    # repeats that of other spans. Without usage: a descendant has usage.
    Column("covered", Boolean, nullable=False, server_default=text("false")),
    Column("call_id", Text),
    # A secondary report of usage, as `tracer.records.SpanRecord.echo` describes.
    Column("echo", Boolean, nullable=False, server_default=text("false")),
    Column("version", BigInteger),
    # In this order it also finds a span by its id alone, as APIs of other tools do; by its trace,
    # `ix_spans_tree` does.
    PrimaryKeyConstraint("project_id", "span_id", "trace_id"),
    Index("ix_spans_tree", "project_id", "trace_id", "parent_span_id", "start_time", "span_id"),
    # The roots that have arrived: the parents that spans name may all be missing.
    Index(
        "ix_spans_roots",
        "project_id",
        "trace_id",
        "start_time",
        "span_id",
        postgresql_where=text("parent_span_id IS NULL AND NOT placeholder"),
    ),
    # Of the hash: ids of responses are as long as the rest of an entry.
    Index(
        "ix_spans_call",
        "project_id",
        "trace_id",
        text("hashtext(call_id)"),
        postgresql_where=text("call_id IS NOT NULL"),
    ),
    # Spans that start in the same microsecond are sorted by their ids when they are read.
    Index("ix_spans_start", "project_id", text("start_time DESC")),
    Index(
        "ix_spans_errors",
        "project_id",
        "trace_id",
        "start_time",
        "span_id",
        postgresql_where=text("level = 'error'"),
    ),
)

# Read for one span at a time. `json`, not `jsonb`: key order and digits stay as they were sent.
# Readers use the view `span_payloads`, which has the same columns with their parts put in.
span_payload_rows = Table(
    "span_payload_rows",
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
    # Bits of the columns that hold a skeleton, in the order of SPLIT_COLUMNS; NULL: none does.
    Column("split", Integer),
    Index(
        "ix_span_payloads_prompt",
        "project_id",
        "prompt_name",
        "prompt_version",
        postgresql_where=text("prompt_name IS NOT NULL"),
    ),
)

span_payloads = sa.Table(
    "span_payloads",
    sa.MetaData(),
    *(
        Column(column.name, column.type, primary_key=column.primary_key)
        for column in span_payload_rows.columns
        if column.name != "split"
    ),
)
"""The view through which payloads are read; `tracer.store.parts.columns` defines it."""

# The repeated pieces of payloads, as JSON text. Those of a project have the trace id ''.
parts = Table(
    "parts",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("text", Text, nullable=False),
)


# Sums over the traces of each session, updated in the transaction that changes a trace.
sessions = Table(
    "sessions",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("start_time", Time, nullable=False),
    Column("end_time", Time, nullable=False),
    count_column("trace_count"),
    count_column("error_count"),
    count_column("running_count"),
    Column("span_count", BigInteger, nullable=False, server_default="0"),
    Column("total_tokens", BigInteger),
    Column("total_cost", Numeric),
    Index("ix_sessions_end", "project_id", text("end_time DESC"), text("session_id DESC")),
)

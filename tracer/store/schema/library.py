"""Tables of data that applications or members write and read: prompts, datasets, media, dashboards.

Their size does not depend on the number of spans, so they are keyed by their own ids.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import JSON as PostgresJson
from sqlalchemy.sql import text

from tracer.store.schema.base import Time, author, metadata, now_column

# Absent values are NULL instead of JSON null, as in the tables of spans.
JSON = PostgresJson(none_as_null=True)


# A prompt is identified by its name; all of its versions share the tags.
prompts = Table(
    "prompts",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    # The highest version number ever used: numbers of deleted versions are not reused.
    Column("last_version", Integer, nullable=False),
    now_column("created_at"),
    now_column("updated_at"),
)

# Rows never change after the insert: an application may fetch an old version again.
prompt_versions = Table(
    "prompt_versions",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("type", Text, nullable=False),
    Column("prompt", JSON, nullable=False),
    Column("config", JSON),
    Column("commit_message", Text),
    now_column("created_at"),
)

# A label refers to one version of a prompt, so moving a label is one update. "latest" is computed.
# `position` orders the labels of a version: negative for those that it was created with, which
# stand before "latest", positive for those that were moved to it later.
prompt_labels = Table(
    "prompt_labels",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("dataset_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("metadata", JSON),
    Column("input_schema", JSON),
    Column("expected_output_schema", JSON),
    now_column("created_at"),
    now_column("updated_at"),
    Index("ix_datasets_name", "project_id", "name", unique=True),
)

# All states of an item; the current state has no valid_to, and a deleted item has no current state.
# So the dataset can be read as of any time.
dataset_items = Table(
    "dataset_items",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("valid_from", Time, primary_key=True),
    Column("valid_to", Time),
    Column("dataset_id", Text, nullable=False),
    Column("archived", Boolean, nullable=False, server_default=text("false")),
    Column("input", JSON),
    Column("expected_output", JSON),
    Column("metadata", JSON),
    Column("source_trace_id", Text),
    Column("source_span_id", Text),
    Column("created_at", Time, nullable=False),
    Index(
        "ix_dataset_items_current",
        "project_id",
        "dataset_id",
        text("created_at DESC"),
        text("item_id DESC"),
        postgresql_where=text("valid_to IS NULL"),
    ),
)

dataset_runs = Table(
    "dataset_runs",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    # NULL: an experiment on data that is not in a dataset.
    Column("dataset_id", Text),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("metadata", JSON),
    now_column("created_at"),
    now_column("updated_at"),
    Index("ix_dataset_runs_name", "project_id", "dataset_id", "name", unique=True),
)

# The trace (or span) that a run produced for an item. Not named trace_id: when the trace is
# deleted, the row stays as a record of the run.
dataset_run_items = Table(
    "dataset_run_items",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("run_item_id", Text, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("linked_trace_id", Text, nullable=False),
    Column("linked_span_id", Text),
    Column("dataset_version", Time),
    now_column("created_at"),
    Index("ix_dataset_run_items_trace", "project_id", "linked_trace_id"),
)

# Announced media, uploaded or not; the bytes are in media_chunks, so that no upload or download has
# to fit into memory.
media = Table(
    "media",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("media_id", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("content_length", BigInteger, nullable=False),
    Column("uploaded_at", Time),
    now_column("created_at"),
)

media_chunks = Table(
    "media_chunks",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("media_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

# Uses of media: span_id is empty for a field of the trace, trace_id also for a dataset's field.
media_uses = Table(
    "media_uses",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("span_id", Text, primary_key=True, server_default=""),
    Column("field", Text, primary_key=True),
    Column("media_id", Text, primary_key=True),
    Index("ix_media_uses_media", "project_id", "media_id"),
)

# `document` holds the tiles, variables and defaults, as `tracer.dashboards.document` reads them.
dashboards = Table(
    "dashboards",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("dashboard_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    # Grows with each change, so that an edit of an outdated page is noticed.
    Column("version", Integer, nullable=False, server_default="1"),
    *author(),
    now_column("created_at"),
    now_column("updated_at"),
)

"""Tables of what applications fetch as well as send: prompts, datasets and media.

None of them grows with the spans, so they are keyed by their own ids within a project.
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
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import JSON as PostgresJson
from sqlalchemy.sql import text

from tracer.store.schema.base import Time, metadata, now_column

# What was not said is NULL, as in the tables of spans.
JSON = PostgresJson(none_as_null=True)


# A prompt is its name; tags belong to all of its versions.
prompts = Table(
    "prompts",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    # The number of the newest version ever made: deleted numbers are not given out again.
    Column("last_version", Integer, nullable=False),
    now_column("created_at"),
    now_column("updated_at"),
)

# Never changed once made: an application that fetched version 3 may fetch it again.
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

# A label points to one version of a name, so moving it is one update. "latest" is not stored.
prompt_labels = Table(
    "prompt_labels",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("version", Integer, nullable=False),
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

# Every state that an item ever had: the current one has no valid_to. A deleted item has none that
# is current, so a dataset can be read as it was at any time.
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
    # NULL: an experiment over data of the application's own.
    Column("dataset_id", Text),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("metadata", JSON),
    now_column("created_at"),
    now_column("updated_at"),
    Index("ix_dataset_runs_name", "project_id", "dataset_id", "name", unique=True),
)

# Which trace (or span of it) answered an item in a run. Not named trace_id: deleting the trace
# leaves the run's record that there was one.
dataset_run_items = Table(
    "dataset_run_items",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("run_item_id", Text, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("linked_trace_id", Text, nullable=False),
    Column("linked_span_id", Text),
    now_column("created_at"),
    Index("ix_dataset_run_items_trace", "project_id", "linked_trace_id"),
)

# What was announced and perhaps uploaded; the bytes lie in media_chunks, so that neither an upload
# nor a download is ever held in memory whole.
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

# Where media are used: a trace's own field has an empty span_id; for a dataset's trace_id is empty.
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

"""Creates prompts, datasets with items and runs, and media."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE prompts (
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    last_version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE prompt_versions (
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    prompt JSON NOT NULL,
    config JSON,
    commit_message TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, name, version)
);

CREATE TABLE prompt_labels (
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (project_id, name, label)
);

CREATE TABLE datasets (
    project_id TEXT NOT NULL,
    dataset_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    metadata JSON,
    input_schema JSON,
    expected_output_schema JSON,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, dataset_id)
);

CREATE UNIQUE INDEX ix_datasets_name ON datasets (project_id, name);

CREATE TABLE dataset_items (
    project_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    dataset_id TEXT NOT NULL,
    archived BOOLEAN DEFAULT false NOT NULL,
    input JSON,
    expected_output JSON,
    metadata JSON,
    source_trace_id TEXT,
    source_span_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (project_id, item_id, valid_from)
);

CREATE INDEX ix_dataset_items_current
    ON dataset_items (project_id, dataset_id, created_at DESC, item_id DESC)
    WHERE valid_to IS NULL;

CREATE TABLE dataset_runs (
    project_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    dataset_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    metadata JSON,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, run_id)
);

CREATE UNIQUE INDEX ix_dataset_runs_name ON dataset_runs (project_id, dataset_id, name);

CREATE TABLE dataset_run_items (
    project_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    run_item_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    linked_trace_id TEXT NOT NULL,
    linked_span_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, run_id, run_item_id)
);

CREATE INDEX ix_dataset_run_items_trace ON dataset_run_items (project_id, linked_trace_id);

CREATE TABLE media (
    project_id TEXT NOT NULL,
    media_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content_length BIGINT NOT NULL,
    uploaded_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, media_id)
);

CREATE TABLE media_chunks (
    project_id TEXT NOT NULL,
    media_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (project_id, media_id, number)
);

CREATE TABLE media_uses (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT DEFAULT '' NOT NULL,
    field TEXT NOT NULL,
    media_id TEXT NOT NULL,
    PRIMARY KEY (project_id, trace_id, span_id, field, media_id)
);
"""

TABLES = (
    "media_uses",
    "media_chunks",
    "media",
    "dataset_run_items",
    "dataset_runs",
    "dataset_items",
    "datasets",
    "prompt_labels",
    "prompt_versions",
    "prompts",
)


def upgrade() -> None:
    """Create the tables."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables with all prompts, datasets and media."""
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")

"""Adds indexes for lists of spans and scores across traces, and creates score configs."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE INDEX ix_spans_id ON spans (project_id, span_id);
CREATE INDEX ix_spans_start ON spans (project_id, start_time DESC, trace_id, span_id);

ALTER TABLE scores ADD COLUMN config_id TEXT;
ALTER TABLE scores ADD COLUMN environment TEXT;
ALTER TABLE scores ADD COLUMN queue_id TEXT;
CREATE INDEX ix_scores_time ON scores (project_id, time DESC, score_id);

CREATE TABLE score_configs (
    project_id TEXT NOT NULL,
    config_id TEXT NOT NULL,
    name TEXT NOT NULL,
    data_type TEXT NOT NULL,
    min_value DOUBLE PRECISION,
    max_value DOUBLE PRECISION,
    categories JSONB DEFAULT '[]' NOT NULL,
    description TEXT,
    archived BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, config_id)
);
"""

DOWNGRADE = """
DROP TABLE score_configs;
DROP INDEX ix_scores_time;
ALTER TABLE scores DROP COLUMN queue_id;
ALTER TABLE scores DROP COLUMN environment;
ALTER TABLE scores DROP COLUMN config_id;
DROP INDEX ix_spans_start;
DROP INDEX ix_spans_id;
"""


def upgrade() -> None:
    """Create the indexes and the table; existing scores have no config."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the indexes and the table."""
    op.execute(DOWNGRADE)

"""Creates the stored analyses of large traces: subtree sums, headline and statistics."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Existing large traces become due; traces of up to 2000 spans are analysed when they are read.
UPGRADE = """
CREATE TABLE analyses (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    analysed BIGINT,
    parts JSONB DEFAULT '{}' NOT NULL,
    PRIMARY KEY (project_id, trace_id)
);

CREATE INDEX ix_analyses_due ON analyses (changed_at) WHERE analysed IS DISTINCT FROM revision;

CREATE TABLE subtrees (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    span_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,
    level TEXT NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE NOT NULL,
    total_tokens BIGINT,
    total_cost NUMERIC,
    self_us BIGINT NOT NULL,
    critical_us BIGINT NOT NULL,
    PRIMARY KEY (project_id, trace_id, span_id)
);

INSERT INTO analyses (project_id, trace_id, revision, changed_at)
SELECT project_id, trace_id, 0, updated_at FROM traces WHERE span_count > 2000;
"""


def upgrade() -> None:
    """Create the tables; the background worker fills them."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables, which hold only derived data."""
    op.execute("DROP TABLE analyses, subtrees")

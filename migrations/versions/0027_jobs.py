"""Creates the tables of bulk jobs."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE jobs (
    project_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    change JSONB NOT NULL,
    query TEXT,
    status TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER DEFAULT 0 NOT NULL,
    error TEXT,
    run_after TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    author TEXT,
    author_id TEXT,
    member_id TEXT,
    PRIMARY KEY (project_id, job_id)
);
CREATE INDEX ix_jobs_created ON jobs (project_id, created_at);

CREATE TABLE job_items (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (project_id, trace_id, job_id)
);
CREATE INDEX ix_job_items_job ON job_items (project_id, job_id, trace_id);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables; jobs that wait are never run."""
    op.execute("DROP TABLE jobs, job_items")

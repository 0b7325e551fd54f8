"""Creates the table of dashboards, and the index of the first trace of each release."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE dashboards (
    project_id TEXT NOT NULL,
    dashboard_id TEXT NOT NULL,
    name TEXT NOT NULL,
    document JSONB NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    author TEXT,
    author_id TEXT,
    member_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, dashboard_id)
);
CREATE INDEX ix_traces_release ON traces (project_id, release, start_time)
    WHERE release IS NOT NULL;
"""


def upgrade() -> None:
    """Create the table and the index."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop both; dashboards that were made are lost."""
    op.execute("DROP TABLE dashboards; DROP INDEX ix_traces_release")

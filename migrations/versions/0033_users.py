"""Creates the tables of the sums of users, which the worker fills and keeps."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE user_days (
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE NOT NULL,
    trace_count BIGINT NOT NULL,
    error_count BIGINT NOT NULL,
    total_tokens BIGINT,
    total_cost NUMERIC,
    sessions BIGINT[] DEFAULT '{}' NOT NULL,
    PRIMARY KEY (project_id, user_id, day)
);
CREATE INDEX ix_user_days_day ON user_days (project_id, day);
CREATE TABLE users (
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE NOT NULL,
    trace_count BIGINT NOT NULL,
    error_count BIGINT NOT NULL,
    total_tokens BIGINT,
    total_cost NUMERIC,
    session_count BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
INSERT INTO background_upgrades (name, position, rows_total)
SELECT 'users', ARRAY['', ''], 1 WHERE EXISTS (SELECT FROM traces);
"""


def upgrade() -> None:
    """Create the tables, with a background upgrade where there are traces to count."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    op.execute("DELETE FROM background_upgrades WHERE name = 'users'")
    op.execute("DROP TABLE users, user_days")

"""Adds the start and the environment of its trace to a score, which the worker fills in.

The indexes are built while reads and writes go on.
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ADD = """
ALTER TABLE scores ADD COLUMN IF NOT EXISTS trace_start TIMESTAMP WITH TIME ZONE;
ALTER TABLE scores ADD COLUMN IF NOT EXISTS trace_environment TEXT;
INSERT INTO background_upgrades (name, position, rows_total)
SELECT 'scores', ARRAY['', '', ''], (SELECT count(*) FROM scores)
WHERE EXISTS (SELECT FROM traces)
ON CONFLICT DO NOTHING;
"""
# An interrupted migration runs again as a whole; what its builds left behind is dropped first.
BUILD = {
    "ix_scores_trace_start": "CREATE INDEX CONCURRENTLY ix_scores_trace_start"
    " ON scores (project_id, trace_start)"
    " INCLUDE (trace_environment, name, source, data_type, value)"
    " WHERE trace_start IS NOT NULL",
    "ix_scores_no_trace_start": "CREATE INDEX CONCURRENTLY ix_scores_no_trace_start"
    " ON scores (project_id, trace_id, score_id)"
    " WHERE trace_start IS NULL AND trace_id <> ''",
}
DOWNGRADE = """
DELETE FROM background_upgrades WHERE name = 'scores';
DROP INDEX ix_scores_no_trace_start;
DROP INDEX ix_scores_trace_start;
ALTER TABLE scores DROP COLUMN trace_environment;
ALTER TABLE scores DROP COLUMN trace_start;
"""


def upgrade() -> None:
    """Add the columns, with a background upgrade where there are traces, and build the indexes."""
    op.execute(ADD)
    with op.get_context().autocommit_block():
        for name, build in BUILD.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(build)


def downgrade() -> None:
    """Drop the indexes and the columns."""
    op.execute(DOWNGRADE)

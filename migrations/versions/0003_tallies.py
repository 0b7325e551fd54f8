"""Creates the counters of attribute mapping, per project."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE tallies (
    project_id TEXT NOT NULL,
    measure TEXT NOT NULL,
    value TEXT NOT NULL,
    part UUID DEFAULT gen_random_uuid() NOT NULL,
    number BIGINT NOT NULL,
    examples JSONB DEFAULT '[]' NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, measure, value, part)
);
"""


def upgrade() -> None:
    """Create the table; existing spans are not counted."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the table, which holds only derived data."""
    op.execute("DROP TABLE tallies")

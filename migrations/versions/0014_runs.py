"""Creates the sibling groups of large traces, which the tree shows as one row."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; every large trace becomes due for analysis, which fills it."""
    op.execute("""
        CREATE TABLE runs (
            project_id text NOT NULL,
            trace_id text NOT NULL,
            span_id text NOT NULL,
            facts jsonb NOT NULL,
            PRIMARY KEY (project_id, trace_id, span_id)
        );
        UPDATE analyses SET analysed = NULL
    """)


def downgrade() -> None:
    """Drop the table, which holds only derived data."""
    op.execute("DROP TABLE runs")

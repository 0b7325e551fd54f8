"""Adds the findings of large traces to their timelines."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the worker fills it when the findings of a trace are next opened."""
    op.execute("ALTER TABLE timelines ADD COLUMN findings JSONB")


def downgrade() -> None:
    """Drop the column, which holds only derived data."""
    op.execute("ALTER TABLE timelines DROP COLUMN findings")

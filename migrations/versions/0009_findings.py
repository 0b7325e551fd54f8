"""What is found in large traces is kept with their timelines."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a timeline that lacks it is filled again once somebody asks."""
    op.execute("ALTER TABLE timelines ADD COLUMN findings JSONB")


def downgrade() -> None:
    """Drop the column: it is derived."""
    op.execute("ALTER TABLE timelines DROP COLUMN findings")

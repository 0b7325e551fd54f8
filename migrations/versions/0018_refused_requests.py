"""Creates the table `refused_requests`: the last refused request of each project."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and delete the counter that it replaces."""
    op.create_table(
        "refused_requests",
        sa.Column("project_id", sa.Text(), primary_key=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "refused_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
    )
    op.execute("DELETE FROM mapping_counts WHERE measure = 'refused'")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("refused_requests")

"""Empty: this revision created the tables of a job queue, which revision 0015 drops."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing: new databases never have the job queue."""


def downgrade() -> None:
    """Do nothing."""

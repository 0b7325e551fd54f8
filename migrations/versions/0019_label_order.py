"""Gives the labels of a prompt version the order in which they were set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "prompt_labels", sa.Column("position", sa.Integer, nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("prompt_labels", "position")

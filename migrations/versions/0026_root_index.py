"""An index of the roots that have arrived: a trace may have any number of missing parents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "ix_spans_roots",
        "spans",
        ["project_id", "trace_id", "start_time", "span_id"],
        postgresql_where=sa.text("parent_span_id IS NULL AND NOT placeholder"),
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_spans_roots", "spans")

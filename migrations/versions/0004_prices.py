"""Creates the prices of projects, and adds to each span the price that was applied."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE prices (
    project_id TEXT NOT NULL,
    price_id TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT,
    start_time TIMESTAMP WITH TIME ZONE,
    rates JSONB NOT NULL,
    note TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (project_id, price_id)
);

ALTER TABLE span_payloads ADD COLUMN priced_by TEXT;
"""


def upgrade() -> None:
    """Create the table and the column, which stays NULL for existing spans."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the prices; computed costs stay."""
    op.execute("ALTER TABLE span_payloads DROP COLUMN priced_by; DROP TABLE prices")

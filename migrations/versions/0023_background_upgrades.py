"""Adds `background_upgrades`, and the rewrite of payloads that are older than `parts`."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, with a row where there are payloads to rewrite."""
    op.execute("""
        CREATE TABLE background_upgrades (
            name text PRIMARY KEY,
            position text[] NOT NULL,
            rows_done bigint DEFAULT 0 NOT NULL,
            rows_total bigint NOT NULL,
            finished_at timestamp with time zone
        )
    """)
    # An estimate: counting the rows of a large table takes minutes.
    op.execute("""
        INSERT INTO background_upgrades (name, position, rows_total)
        SELECT 'parts', ARRAY['', '', ''], greatest(c.reltuples, 1)::bigint FROM pg_class c
        WHERE c.oid = 'span_payload_rows'::regclass
            AND EXISTS (SELECT FROM span_payload_rows)
    """)


def downgrade() -> None:
    """Drop the table; payloads that were rewritten stay so."""
    op.execute("DROP TABLE background_upgrades")

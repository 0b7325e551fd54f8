"""Makes the indexes of `spans` smaller: one less, and one without the ids.

Built while reads and writes go on; only the exchange at the end locks the table for a moment.
"""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# The new key finds a span by its id alone as well, which `ix_spans_id` was for. What a build that
# was interrupted left behind is dropped first.
BUILD = {
    "spans_by_id": "CREATE UNIQUE INDEX CONCURRENTLY spans_by_id"
    " ON spans (project_id, span_id, trace_id)",
    "spans_by_start": "CREATE INDEX CONCURRENTLY spans_by_start"
    " ON spans (project_id, start_time DESC)",
}
REPLACE = """
DROP INDEX ix_spans_id;
DROP INDEX ix_spans_start;
ALTER INDEX spans_by_start RENAME TO ix_spans_start;
ALTER TABLE spans DROP CONSTRAINT spans_pkey;
ALTER TABLE spans ADD CONSTRAINT spans_pkey PRIMARY KEY USING INDEX spans_by_id;
"""
DOWNGRADE = """
CREATE UNIQUE INDEX spans_by_trace ON spans (project_id, trace_id, span_id);
CREATE INDEX ix_spans_id ON spans (project_id, span_id);
DROP INDEX ix_spans_start;
CREATE INDEX ix_spans_start ON spans (project_id, start_time DESC, trace_id, span_id);
ALTER TABLE spans DROP CONSTRAINT spans_pkey;
ALTER TABLE spans ADD CONSTRAINT spans_pkey PRIMARY KEY USING INDEX spans_by_trace;
"""


def upgrade() -> None:
    """Build the new indexes, and put them in the place of the old ones."""
    with op.get_context().autocommit_block():
        for name, build in BUILD.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(build)
    op.execute(REPLACE)


def downgrade() -> None:
    """Build the former indexes again."""
    op.execute(DOWNGRADE)

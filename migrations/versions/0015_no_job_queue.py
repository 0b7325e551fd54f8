"""Drops the job queue: the background worker polls the tables of Tracer for due work."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Only databases created before revision 0002 was emptied have these objects.
DROP_QUEUE = """
DO $$
DECLARE
    object text;
BEGIN
    FOR object IN SELECT format('TABLE IF EXISTS %I', relname) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace
            AND relname LIKE 'procrastinate%' AND relkind = 'r'
    LOOP EXECUTE 'DROP ' || object || ' CASCADE'; END LOOP;
    FOR object IN SELECT format('FUNCTION IF EXISTS %s', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate%'
    LOOP EXECUTE 'DROP ' || object || ' CASCADE'; END LOOP;
    FOR object IN SELECT format('TYPE IF EXISTS %I', typname) FROM pg_type
        WHERE typnamespace = current_schema()::regnamespace
            AND typname LIKE 'procrastinate%' AND typtype IN ('e', 'c')
    LOOP EXECUTE 'DROP ' || object || ' CASCADE'; END LOOP;
END $$;
"""


def upgrade() -> None:
    """Drop the tables, functions and types of the queue, with all jobs."""
    op.get_bind().exec_driver_sql(DROP_QUEUE.replace("%", "%%"))


def downgrade() -> None:
    """Do nothing: the queue is not created again.

    A server older than this revision needs it; `procrastinate schema --apply` creates it.
    """

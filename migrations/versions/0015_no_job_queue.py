"""Drop the job queue: the background worker finds its work by queries on our own tables."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Databases made before revision 0002 was emptied have these; others have none of them.
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
    """Drop the queue's tables, functions and types, with the jobs in them."""
    op.get_bind().exec_driver_sql(DROP_QUEUE.replace("%", "%%"))


def downgrade() -> None:
    """Leave the queue away: only servers older than this revision use it.

    Such a server can make it with procrastinate's own command, `procrastinate schema --apply`.
    """

"""The job queue's tables, as procrastinate's own migrations make them up to a fixed one."""

from __future__ import annotations

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Later ones belong to a later revision: whoever starts then must not get them twice.
LAST = "03.04.00_50_post_add_retry_failed_job_procedure.sql"

DOWNGRADE = """
DO $$
DECLARE
    thing text;
BEGIN
    FOR thing IN SELECT format('TABLE IF EXISTS %I', relname) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace
            AND relname LIKE 'procrastinate%' AND relkind = 'r'
    LOOP EXECUTE 'DROP ' || thing || ' CASCADE'; END LOOP;
    FOR thing IN SELECT format('FUNCTION IF EXISTS %s', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate%'
    LOOP EXECUTE 'DROP ' || thing || ' CASCADE'; END LOOP;
    FOR thing IN SELECT format('TYPE IF EXISTS %I', typname) FROM pg_type
        WHERE typnamespace = current_schema()::regnamespace
            AND typname LIKE 'procrastinate%' AND typtype IN ('e', 'c')
    LOOP EXECUTE 'DROP ' || thing || ' CASCADE'; END LOOP;
END $$;
"""


def upgrade() -> None:
    """Make the queue."""
    scripts = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    for script in scripts:
        if script.name <= LAST:
            _run(script.read_text())


def downgrade() -> None:
    """Drop the queue with the jobs that wait in it."""
    _run(DOWNGRADE)


def _run(sql: str) -> None:
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))

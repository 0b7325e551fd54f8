"""Allows dataset runs without a dataset, and scores of runs (experiments)."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the dataset of a run optional, and add the run of a score."""
    op.execute(
        "ALTER TABLE dataset_runs ALTER COLUMN dataset_id DROP NOT NULL;"
        "ALTER TABLE scores ADD COLUMN run_id text;"
        "CREATE INDEX ix_scores_run ON scores (project_id, run_id) WHERE run_id IS NOT NULL"
    )


def downgrade() -> None:
    """Delete the runs without a dataset, and the scores of runs."""
    op.execute(
        "DELETE FROM scores WHERE run_id IS NOT NULL;"
        "ALTER TABLE scores DROP COLUMN run_id;"
        "DELETE FROM dataset_run_items i USING dataset_runs r"
        " WHERE r.project_id = i.project_id AND r.run_id = i.run_id AND r.dataset_id IS NULL;"
        "DELETE FROM dataset_runs WHERE dataset_id IS NULL;"
        "ALTER TABLE dataset_runs ALTER COLUMN dataset_id SET NOT NULL"
    )

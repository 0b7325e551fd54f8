"""Renames the tables `tallies` to `mapping_counts` and `runs` to `sibling_groups`."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

RENAMED = {"tallies": "mapping_counts", "runs": "sibling_groups"}


def upgrade() -> None:
    """Rename the tables and the indexes of their primary keys; no row is rewritten."""
    for old, new in RENAMED.items():
        _rename(old, new)


def downgrade() -> None:
    """Give the tables and indexes their former names."""
    for old, new in RENAMED.items():
        _rename(new, old)


def _rename(old: str, new: str) -> None:
    op.execute(f"ALTER TABLE {old} RENAME TO {new}")
    op.execute(f"ALTER INDEX {old}_pkey RENAME TO {new}_pkey")

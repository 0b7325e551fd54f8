"""Uses of a medium by its id: one that nothing uses any more goes with its last trace."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE INDEX ix_media_uses_media ON media_uses (project_id, media_id);

-- Whoever announced a file for no trace keeps it.
INSERT INTO media_uses (project_id, trace_id, span_id, field, media_id)
SELECT m.project_id, '', '', 'item', m.media_id FROM media m
WHERE NOT EXISTS (
    SELECT FROM media_uses u WHERE u.project_id = m.project_id AND u.media_id = m.media_id
)
"""


def upgrade() -> None:
    """Index the uses."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the index, and the uses by no trace."""
    op.execute("DELETE FROM media_uses WHERE trace_id = ''; DROP INDEX ix_media_uses_media")

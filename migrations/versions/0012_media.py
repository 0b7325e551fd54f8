"""Indexes the uses of media by medium, to delete a medium with the last trace that uses it."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE INDEX ix_media_uses_media ON media_uses (project_id, media_id);

-- Files announced without a trace stay.
INSERT INTO media_uses (project_id, trace_id, span_id, field, media_id)
SELECT m.project_id, '', '', 'item', m.media_id FROM media m
WHERE NOT EXISTS (
    SELECT FROM media_uses u WHERE u.project_id = m.project_id AND u.media_id = m.media_id
)
"""


def upgrade() -> None:
    """Create the index."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the index, and the uses without a trace."""
    op.execute("DELETE FROM media_uses WHERE trace_id = ''; DROP INDEX ix_media_uses_media")
